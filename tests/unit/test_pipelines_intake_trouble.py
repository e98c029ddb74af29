"""When Dagster and the webhook say that the intake needs somebody: once for each trouble, and when it has passed."""

import json

import dagster as dg
import msgspec
import pytest

from contracts.errors import EnvironmentProblem
from lake import gaps, workers
from lake.gaps import Gap
from lake.home import Home
from pipelines import intake_trouble, webhook
from pipelines.definitions import build_defs
from registry.models import needed_for
from tests.registry_fixture import BLR01

GAP = Gap(BLR01.events_topic, "uuid", 0, 5, 8)


def fails_thrice(home: Home) -> None:
    for _ in range(workers.FAILURES):
        workers.failed(home, workers.begun(home, "worker", 1, "1.0"), "the disk is full")


@pytest.fixture
def posted(monkeypatch: pytest.MonkeyPatch) -> list[webhook.IntakeTrouble]:
    posted: list[webhook.IntakeTrouble] = []
    monkeypatch.setenv("B12_WEBHOOK_URL", "https://hook.invalid/x")
    monkeypatch.setattr(webhook, "post", lambda _, told: posted.append(told))
    return posted


def tick(home: Home, cursor: str | None) -> dg.SensorResult:
    with dg.DagsterInstance.ephemeral() as instance:
        result = intake_trouble.sensor(home)(dg.build_sensor_context(instance=instance, cursor=cursor))
    assert isinstance(result, dg.SensorResult)
    return result


def evaluated(result: dg.SensorResult) -> dict[str, bool]:
    return {event.check_name: event.passed for event in result.asset_events}


def test_a_trouble_is_told_once_and_so_is_its_end(home: Home, posted: list[webhook.IntakeTrouble]) -> None:
    first = tick(home, None)
    assert evaluated(first) == {"workers": True, "gaps": True}
    assert posted == []
    fails_thrice(home)
    failing = tick(home, first.cursor)
    assert evaluated(failing) == {"workers": False}
    assert "the disk is full" in failing.asset_events[0].description
    gaps.report(home, GAP)
    both = tick(home, failing.cursor)
    assert evaluated(both) == {"gaps": False}
    assert evaluated(tick(home, both.cursor)) == {}
    assert [(told.trouble, told.subject) for told in posted] == [("workers", "worker"), ("gaps", "BLR01 partition 0")]
    assert "b12 site accept-gap BLR01" in posted[1].what
    gaps.accept(home, GAP.topic)
    workers.left(home, next(workers.workers(home)))
    assert evaluated(tick(home, both.cursor)) == {"workers": True, "gaps": True}
    assert len(posted) == 2


def test_a_hook_that_takes_nothing_is_asked_again(
    home: Home, posted: list[webhook.IntakeTrouble], monkeypatch: pytest.MonkeyPatch
) -> None:
    fails_thrice(home)

    def refuse(_: str, told: webhook.IntakeTrouble) -> None:
        raise EnvironmentProblem(told.about)

    with monkeypatch.context() as patch:
        patch.setattr(webhook, "post", refuse)
        with pytest.raises(EnvironmentProblem, match="worker is in trouble"):
            tick(home, None)
    tick(home, None)
    assert len(posted) == 1


def test_without_a_hook_dagster_shows_it_all_the_same(home: Home) -> None:
    fails_thrice(home)
    assert evaluated(tick(home, None)) == {"workers": False, "gaps": True}


def test_the_checks_can_be_run_by_hand_and_belong_to_the_lake(home: Home) -> None:
    gaps.report(home, GAP)
    found = {}
    for check in intake_trouble.checks(home):
        result = check()
        (key,) = check.check_keys
        found[key.name] = result.passed
        assert key.asset_key == intake_trouble.DELIVERIES
    assert found == {"workers": True, "gaps": False}
    graph = build_defs(home, models=needed_for(["core.doses"])).resolve_asset_graph()
    assert {key.name for key in graph.get(intake_trouble.DELIVERIES).check_keys} == set(intake_trouble.CHECKS)


def test_what_is_posted_is_plain(home: Home) -> None:
    fails_thrice(home)
    (told,) = intake_trouble.news({}, intake_trouble.troubles(home, 0.0))
    assert json.loads(msgspec.json.encode(told)).keys() == {"trouble", "subject", "what"}
