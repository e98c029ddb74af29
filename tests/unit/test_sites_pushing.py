"""A push sends what is new or changed, and nothing else, whatever happened before it."""

import contextlib
import tomllib
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.errors import EnvironmentProblem
from contracts.judge import is_refusal, judge
from sites import ledger as ledgers
from sites import mapping_file, pushing
from tests.lab_tables import RESULT, SITE
from tests.sample_events import event

KEY = b"k" * 64
MAPPING = mapping_file.parse(tomllib.loads(RESULT), "lab.toml")


class Platform:
    """Takes statements like Kafka does, and works out what a registry would hold; fails after `breaks_after`."""

    topic_id = "topic"

    def __init__(self):
        self.events = []
        self.breaks_after = None

    def send(self, statements, acknowledged):
        for statement in statements:
            if self.breaks_after is not None and len(self.events) >= self.breaks_after:
                raise EnvironmentProblem("network: gone")
            assert not is_refusal(judge(statement.raw, SITE))
            self.events.append(msgspec.json.decode(statement.raw))
            acknowledged(statement, f"{self.topic_id}/0/{len(self.events) - 1}")

    def current(self):
        """Value by record: the greatest (time, id) of each, with retractions among them."""
        versions = {}
        for each in self.events:
            data = each["data"]
            record = data.get("target_record") or each["record"]
            versions.setdefault(record, []).append((each["time"], each["id"], data.get("value")))
        last = {record: max(of)[2] for record, of in versions.items()}
        return {record.removeprefix("b12:"): value for record, value in last.items() if value is not None}


class Lab:
    """A directory with a spreadsheet, and a clock that goes on between pushes."""

    def __init__(self, directory):
        self.directory = directory
        self.platform = Platform()
        self.now = datetime(2026, 6, 1, tzinfo=UTC)

    def push(self, rows, *, complete=False):
        """Push samples with their values; how many events were sent."""
        path = self.directory / "results.csv"
        path.write_text("code,sample,b12,taken\n" + "".join(f"A,{s},{v},2026-03-14\n" for s, v in rows))
        return self.push_file(path, MAPPING, complete=complete)

    def push_file(self, path, mapping, *, complete=False):
        before = len(self.platform.events)
        self.now += timedelta(minutes=1)
        with ledgers.opened(self.directory / "ledger.sqlite", KEY) as ledger:
            now = ledger.next_time(self.now)
            ledger.begin(now, self.platform.topic_id)
            plan = pushing.plan(path, mapping, SITE, ledger, now)
            try:
                pushing.send(plan, SITE, ledger, self.platform, now, retract=complete)
            finally:
                plan.close()
        return len(self.platform.events) - before


@pytest.fixture
def lab(tmp_path):
    return Lab(tmp_path)


def test_a_second_push_of_the_same_file_sends_nothing(lab):
    assert lab.push([("S1", 150), ("S2", 90)]) == 2
    assert lab.push([("S1", 150), ("S2", 90)]) == 0
    assert lab.push([("S2", "90.0"), ("S1", 150)]) == 0


def test_a_corrected_spreadsheet_supersedes_the_rows_that_changed_and_only_those(lab):
    lab.push([("S1", 150), ("S2", 90), ("S3", 200)])
    assert lab.push([("S1", 150), ("S2", 95), ("S3", 200), ("S4", 300)]) == 2
    assert lab.platform.current() == {"S1": 150, "S2": 95, "S3": 200, "S4": 300}
    assert [each["record"] for each in lab.platform.events[3:]] == ["b12:S2", "b12:S4"]


def test_a_cell_changed_and_changed_back_ends_with_the_first_value(lab):
    for value in (150, 155, 150):
        assert lab.push([("S1", value)]) == 1
    assert lab.platform.events[0]["id"] == lab.platform.events[2]["id"]
    assert lab.platform.current() == {"S1": 150}


def test_rows_that_vanished_stay_unless_the_file_is_said_to_be_complete(lab):
    lab.push([("S1", 150), ("S2", 90)])
    assert lab.push([("S1", 150)]) == 0
    assert lab.platform.current() == {"S1": 150, "S2": 90}
    assert lab.push([("S1", 150)], complete=True) == 1
    assert lab.platform.current() == {"S1": 150}
    assert lab.push([("S1", 150)], complete=True) == 0
    assert lab.push([("S1", 150), ("S2", 90)], complete=True) == 1
    assert lab.platform.current() == {"S1": 150, "S2": 90}


def test_a_push_that_broke_off_is_mended_by_the_next(lab):
    lab.platform.breaks_after = 2
    rows = [(f"S{n}", 100 + n) for n in range(5)]
    with pytest.raises(EnvironmentProblem):
        lab.push(rows)
    lab.platform.breaks_after = None
    assert lab.push(rows) == 3
    assert len(lab.platform.current()) == 5


def test_a_topic_made_anew_gets_everything_again(lab):
    lab.push([("S1", 150)])
    lab.platform.topic_id = "another"
    assert lab.push([("S1", 150)]) == 1


def test_a_file_of_events_is_sent_once_too(lab):
    path = lab.directory / "events.ndjson"
    lines = [event(id="1", record="R"), event(id="2", record="R", data={"value": 150}), event("dose", id="3")]
    path.write_bytes(b"\n".join(lines))
    assert lab.push_file(path, None) == 3
    assert lab.push_file(path, None) == 0
    path.write_bytes(b"\n".join([*lines, event(id="1", record="R", time="2026-05-01T00:00:00Z")]))
    assert lab.push_file(path, None) == 1


def test_of_rows_that_claim_one_record_none_is_sent(lab):
    assert lab.push([("S1", 150), ("S2", 90), ("S1", 160)]) == 1
    assert lab.platform.current() == {"S2": 90}


SHEETS = st.lists(
    st.tuples(st.dictionaries(st.sampled_from(["S1", "S2", "S3"]), st.integers(100, 102)), st.booleans()),
    min_size=1,
    max_size=8,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sheets=SHEETS, breaks=st.lists(st.integers(0, 2), max_size=8))
def test_after_any_history_the_registry_holds_the_last_sheet(tmp_path_factory, sheets, breaks):
    lab = Lab(tmp_path_factory.mktemp("lab"))
    expected: dict[str, int] = {}
    for number, (sheet, complete) in enumerate(sheets):
        if number < len(breaks):  # the line breaks off somewhere; the same push is then made again
            lab.platform.breaks_after = len(lab.platform.events) + breaks[number]
            with contextlib.suppress(EnvironmentProblem):
                lab.push(sheet.items(), complete=complete)
            lab.platform.breaks_after = None
        lab.push(sheet.items(), complete=complete)
        expected = dict(sheet) if complete else {**expected, **sheet}
        assert lab.platform.current() == expected
        assert lab.push(sheet.items(), complete=complete) == 0
