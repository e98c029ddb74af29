"""When a build is asked for: once the lake has moved and is still, and never twice for the same deliveries."""

import time

import dagster as dg
import msgspec
import pytest

from contracts.errors import UsageError
from lake.home import Home
from lake.snapshot import Position, Snapshot, last_commit
from pipelines import webhook
from pipelines.sensors import Watch, fingerprint, lake_moved, looked, received_by_topic, run_failed
from tests.lake_fixture import record
from tests.registry_fixture import BLR01
from tests.sample_events import one_of_each

QUIET, LONGEST = 5, 600


def lake(blr: int, osl: int = 0, version: int = 1) -> Snapshot:
    positions = {("t1", 0): Position(blr, blr, "b12.site.BLR01.events", {"BLR01": blr})}
    if osl:
        positions["t2", 1] = Position(osl, osl, "b12.site.OSL01.events", {"OSL01": osl})
    return Snapshot(version, {}, positions)


def after(result: dg.SensorResult) -> Watch:
    assert result.cursor
    return msgspec.json.decode(result.cursor, type=Watch)


def run_keys(result: dg.SensorResult) -> list[str | None]:
    return [request.run_key for request in result.run_requests or ()]


def test_a_build_waits_until_deliveries_stop() -> None:
    first = looked(Watch(), lake(10), now=100)
    assert first.skip_reason
    assert "arriving" in str(first.skip_reason)
    more = looked(after(first), lake(20), now=104)
    assert not more.run_requests, "it moved again"
    still = looked(after(more), lake(20), now=108)
    assert not still.run_requests
    quiet = looked(after(still), lake(20), now=104 + QUIET)
    assert run_keys(quiet) == [fingerprint(lake(20))]
    assert not looked(after(quiet), lake(20), now=10_000).run_requests, "nothing new since"


def test_a_lake_that_was_quiet_before_the_first_look_is_built_at_once() -> None:
    assert run_keys(looked(Watch(), lake(10), now=100, committed=100 - QUIET)) == [fingerprint(lake(10))]
    assert not looked(Watch(), lake(10), now=100, committed=101 - QUIET).run_requests
    ahead = looked(Watch(), lake(10), now=100, committed=500)
    assert after(ahead).moved == 100, "a writer's clock that is ahead holds nothing up"


def test_a_lake_without_a_delivery_is_not_built() -> None:
    first = looked(Watch(), Snapshot(0, {}, {}), now=100)
    assert not looked(after(first), Snapshot(0, {}, {}), now=100 + LONGEST).run_requests


def test_a_lake_that_never_rests_is_built_all_the_same() -> None:
    watch, now, asked = Watch(), 0, []
    while not asked and now < 2 * LONGEST:
        result = looked(watch, lake(now + 1), now)
        watch, asked, now = after(result), run_keys(result), now + 4
    assert LONGEST <= now <= LONGEST + 8


def test_a_run_key_is_how_far_the_lake_is_and_nothing_else() -> None:
    assert fingerprint(lake(10, 3, version=1)) == fingerprint(lake(10, 3, version=9)), "compaction is no news"
    assert fingerprint(lake(10, 3)) != fingerprint(lake(10, 4))
    assert fingerprint(lake(10)) != fingerprint(lake(10, 1))


def test_each_site_is_seen_when_it_delivers() -> None:
    first = looked(Watch(), lake(10, 3), now=0)
    assert [event.asset_key.to_user_string() for event in first.asset_events] == [
        "sites/BLR01",
        "sites/OSL01",
        "lake/deliveries",
    ]
    second = looked(after(first), lake(10, 5), now=1)
    assert [event.asset_key.to_user_string() for event in second.asset_events] == ["sites/OSL01", "lake/deliveries"]
    assert second.asset_events[0].metadata["new"].value == 2
    assert looked(after(second), lake(10, 5), now=2).asset_events == []
    assert received_by_topic(lake(10, 5)) == {"BLR01": 10, "OSL01": 5}


def test_a_setting_that_is_no_number_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("B12_BUILD_QUIET_SECONDS", "soon")
    with pytest.raises(UsageError, match="B12_BUILD_QUIET_SECONDS"):
        looked(Watch(), lake(1), now=0)


def test_the_sensor_reads_the_home_s_lake(home: Home) -> None:
    @dg.job(name="build")
    def build() -> None: ...

    now = [0.0]
    definitions = dg.Definitions(jobs=[build], sensors=[lake_moved(home, "build", lambda: now[0])])
    sensor = definitions.resolve_sensor_def("lake_moved")

    def tick(cursor: str | None) -> dg.SensorResult:
        with dg.DagsterInstance.ephemeral() as instance:
            result = sensor(dg.build_sensor_context(instance=instance, cursor=cursor))
        assert isinstance(result, dg.SensorResult)
        return result

    assert "no lake" in str(tick(None).skip_reason)
    home.ensure_secret()
    record(home, BLR01, one_of_each())
    assert abs(time.time() - (last_commit(home) or 0)) < 60
    moving = tick(None)
    now[0] = QUIET
    assert len(run_keys(tick(moving.cursor))) == 1


def test_a_build_that_was_killed_is_asked_for_once_more(home: Home) -> None:
    @dg.op
    def registry() -> None:
        raise ValueError

    @dg.job(name="build")
    def build() -> None:
        registry()

    home.ensure_secret()
    record(home, BLR01, one_of_each())
    sensor = dg.Definitions(jobs=[build], sensors=[lake_moved(home, "build", lambda: 0.0)])
    with dg.DagsterInstance.ephemeral() as instance:

        def tick(watch: Watch) -> dg.SensorResult:
            context = dg.build_sensor_context(instance=instance, cursor=msgspec.json.encode(watch).decode())
            result = sensor.resolve_sensor_def("lake_moved")(context)
            assert isinstance(result, dg.SensorResult)
            return result

        build.execute_in_process(instance=instance, raise_on_error=False, tags={"dagster/run_key": "wrong"})
        assert run_keys(tick(Watch(asked="wrong"))) == [], "it would fail again"
        lost = instance.create_run_for_job(build, tags={"dagster/run_key": "lost"}, status=dg.DagsterRunStatus.STARTED)
        assert run_keys(tick(Watch(asked="lost"))) == [], "it may live"
        instance.report_run_failed(lost)
        again = tick(Watch(asked="lost"))
        assert run_keys(again) == ["lost/again"]
        assert run_keys(tick(after(again))) == [], "whatever kills it may kill every other"


def test_a_failed_run_is_posted_by_its_error_s_class_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    @dg.op
    def registry() -> None:
        raise ValueError("a value that nobody may see")

    @dg.job(name="build")
    def build() -> None:
        registry()

    sensor = run_failed([build])
    posted: list[webhook.FailedRun] = []
    monkeypatch.setattr(webhook, "post", lambda _, failed: posted.append(failed))
    with dg.DagsterInstance.ephemeral() as instance:
        result = build.execute_in_process(instance=instance, raise_on_error=False)
        context = dg.build_run_status_sensor_context(
            sensor_name=sensor.name,
            dagster_instance=instance,
            dagster_run=result.dagster_run,
            dagster_event=result.get_run_failure_event(),
        ).for_run_failure()
        assert "not set" in str(sensor(context).skip_message)
        monkeypatch.setenv("B12_WEBHOOK_URL", "https://hook.invalid/x")
        sensor(context)
    (failed,) = posted
    assert (failed.run_id, failed.job, failed.step, failed.error) == (result.run_id, "build", "registry", "ValueError")
