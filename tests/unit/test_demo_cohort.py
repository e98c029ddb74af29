"""The synthetic cohort: it can be made again, every promised fault is in it, and its files say what it says."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from b12.demo import cohort, faults
from b12.demo.cohort import Cohort
from b12.demo.files import Push, write_files
from b12.demo.partners import PARTNERS
from b12.demo.sending import site_of
from b12.demo.truth import identity
from contracts.content import canonical
from contracts.events import KINDS
from contracts.judge import Refusal, judge
from contracts.site import Site
from sites import mapping_file
from sites.checking import Report, check_table
from sites.event_files import check_events
from sites.statement import Statement
from tests.truth_build import raw

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def made() -> Cohort:
    return cohort.make()


def site(name: str) -> Site:
    return site_of(PARTNERS[name])


def test_the_same_seed_makes_the_same_cohort(made: Cohort) -> None:
    assert cohort.make().deliveries == made.deliveries
    assert cohort.make(seed=1).deliveries != made.deliveries


def test_it_follows_some_sixty_dyads_at_three_sites_up_to_the_cut_off(made: Cohort) -> None:
    assert 60 <= made.dyads <= 70
    assert {delivery.statement.site for delivery in made.deliveries} == set(PARTNERS)
    dates = [v.date for d in made.deliveries for v in d.statement.data.values() if hasattr(v, "date")]
    assert max(dates) <= cohort.CUT_OFF


def test_every_promised_fault_is_planted(made: Cohort) -> None:
    planted = Counter(delivery.fault for delivery in made.deliveries if delivery.fault)
    assert set(planted) == set(faults.CLASSES)


def test_every_kind_but_the_acknowledgement_is_sent(made: Cohort) -> None:
    assert {delivery.statement.kind for delivery in made.deliveries} == set(KINDS) - {"acknowledgement"}


def test_the_door_refuses_what_was_planted_and_nothing_else(made: Cohort) -> None:
    for delivery in made.deliveries:
        judged = judge(raw(delivery), site(delivery.statement.site), NOW + timedelta(days=9))
        rule = judged.rule if isinstance(judged, Refusal) else None
        assert rule == identity.refusal(delivery), delivery.record


def pushed(push: Push) -> tuple[list[Statement], Report]:
    report = Report(push.path)
    if push.mapping is None:
        return list(check_events(push.path, site(push.site), report)), report
    return list(check_table(push.path, mapping_file.load(push.mapping), site(push.site), NOW, report)), report


def test_the_files_say_what_the_cohort_says(made: Cohort, tmp_path: Path) -> None:
    files = write_files(made, tmp_path)
    for version, pushes in ((1, files.first), (2, files.corrected)):
        for name in {push.site for push in pushes}:
            latest = {d.record: d for d in made.sent_by(name, "push", version)}
            said = {
                statement.record: content(statement.raw, name)
                for push in pushes
                if push.site == name
                for statement in pushed(push)[0]
            }
            assert said == {record: content(raw(delivery), name) for record, delivery in latest.items()}


def content(event: bytes, name: str) -> bytes:
    judged = judge(event, site(name))
    assert not isinstance(judged, Refusal)
    return canonical(judged)


def test_the_check_asks_about_the_slip_in_the_workbook_until_it_is_put_right(made: Cohort, tmp_path: Path) -> None:
    files = write_files(made, tmp_path)
    assert found(files.first) == [("SYN02", "question", "mma_nmol_as_umol")]
    assert found(files.corrected) == []


def found(pushes: Iterable[Push]) -> list[tuple[str, str, str]]:
    return [
        (push.site, problem.severity, problem.rule)
        for push in pushes
        for problem in pushed(push)[1].problems
        if problem.severity in ("critical", "question")
    ]


def test_the_interface_sends_each_delivery_as_one_line(made: Cohort, tmp_path: Path) -> None:
    lines = write_files(made, tmp_path).interface.read_bytes().splitlines()
    assert lines == [raw(delivery) for delivery in made.sent_by("SYN03", "interface")]
