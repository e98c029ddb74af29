"""`b12 check` tells everything that is wrong with a file in one pass: row, column, rule and fix, never a value."""

import csv
import io
import os
import subprocess
import sys
from importlib.resources import files

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from b12 import cli
from contracts.events import KINDS
from sites import showing
from sites.checking import AT_ONCE, Report
from sites.event_files import check_events
from sites.refusals import reasons
from tests.lab_tables import RESULT, SITE, check, check_file
from tests.sample_events import event

BAD = """code,sample,b12,taken
A-1,S1,150,2026-03-14
A 2,S2,15O.7,31/02/2026
A-3,S3,150,2026-03-14
,S3,150,2026-03-14
A-4,,150,2026-03-14
A-5,S5,150,2026-03-14
A-6,S5,160,2026-03-14
A-7,S7,99999999,2026-03-14
A-8,S8,150,2026-03-14,,surplus
A-9,S9,1500,2026-03-14
"""


def test_every_problem_of_every_row_in_one_pass(tmp_path):
    checked = check(tmp_path, BAD, RESULT)
    assert checked.problems == [
        (3, "b12", "not_a_number"),
        (3, "taken", "date_order_missing"),
        (3, "code", "format"),
        (5, "code", "subject_missing"),
        (5, "sample", "record_repeated"),
        (6, "sample", "record_incomplete"),
        (8, "sample", "record_repeated"),
        (9, "b12", "b12_impossible"),
        (10, "", "ragged_row"),
    ]
    assert checked.report.rows == 10
    assert checked.report.exit_code == 1
    assert showing.summary(checked.report).endswith("4 good events (lab_result 4); 9 errors in 6 rows")
    assert "(First in row 7.)" in checked.report.problems[6].fix


def test_a_long_table_is_checked_as_one(tmp_path):
    good = "".join(f"A,S{number},150,2026-03-14\n" for number in range(2 * AT_ONCE))
    bad = "A,S0,160,2026-03-14\nA,X,15O,2026-03-14\nA,Y,160,2026-03-14,surplus\n"
    checked = check(tmp_path, f"code,sample,b12,taken\n{good}{bad}", RESULT)
    last = 2 * AT_ONCE + 1
    assert [statement.row for statement in checked.statements] == list(range(2, last + 1))
    assert {(event["record"], event["id"]) for event in checked.events} == {
        (statement.record, statement.id) for statement in checked.statements
    }
    assert len({statement.id for statement in checked.statements}) == 2 * AT_ONCE
    assert checked.report.rows == last + 2
    assert checked.problems == [
        (last + 1, "sample", "record_repeated"),
        (last + 2, "b12", "not_a_number"),
        (last + 3, "", "ragged_row"),
    ]
    assert "(First in row 2.)" in checked.report.problems[0].fix


def test_a_warning_is_told_and_does_not_fail(tmp_path):
    checked = check(tmp_path, "code,sample,b12,taken\nA,S1,30000,2026-03-14\n", RESULT)
    assert [(p.column, p.rule, p.severity) for p in checked.report.problems] == [("b12", "b12_unusual", "warning")]
    assert checked.report.exit_code == 0
    assert len(checked.events) == 1


def test_the_enrolments_birth_is_held_against_later_rows(tmp_path):
    text = f"""{RESULT}
[[event]]
name = "enrolment"
kind = "enrolment"
identify = "code"
constants = {{ person = "infant", group = "suspected", sex = "female" }}
columns = {{ birth = "born" }}
"""
    table = "code,sample,b12,taken,born\nA,S0,150,2026-03-14,2026-03-01\nB,S1,150,2026-03-14,2026-03-20\n"
    found = [(p.row, p.column) for p in check(tmp_path, table, text).report.problems if p.rule == "dated_before_birth"]
    assert found == [(3, "taken")]


@pytest.mark.parametrize("kind", KINDS)
def test_each_field_at_fault_is_told_by_itself(kind):
    good = msgspec.json.decode(files("contracts").joinpath("examples", f"{kind}.json").read_bytes())
    assert reasons(msgspec.json.encode(good), SITE) == []
    bad = {**good, "time": "yesterday", "subject": "two words", "data": {**good["data"], "surplus": 1}}
    first = next(iter(good["data"]))
    bad["data"][first] = {"an": "object"}
    found = {(reason.rule, reason.path) for reason in reasons(msgspec.json.encode(bad), SITE)}
    assert {path for _, path in found} == {"$.time", "$.subject", "$.data.surplus", f"$.data.{first}"}
    assert ("unknown_field", "$.data.surplus") in found
    del bad["data"][first]
    missing = {(reason.rule, reason.path) for reason in reasons(msgspec.json.encode(bad), SITE)}
    assert ("unknown_field", "$.data.surplus") in missing


def test_what_is_wrong_between_fields_is_told_beside_the_rest():
    raw = event(
        "lab_result", data={"specimen": "urine_spot", "unit": "fL", "haemolysis": "some", "collected": "2026-02-30"}
    )
    assert {(reason.rule, reason.path) for reason in reasons(raw, SITE)} == {
        ("unknown_code", "$.data.haemolysis"),
        ("no_such_date", "$.data.collected"),
        ("specimen_not_for_code", "$.data.specimen"),
        ("unit_not_for_code", "$.data.unit"),
    }


def test_the_few_codes_of_a_field_and_the_field_that_was_meant_are_named():
    good = msgspec.json.decode(event("enrolment"))
    birth = good["data"].pop("birth")
    bad = {**good, "data": good["data"] | {"group": "case", "birth_date": birth}}
    fixes = {reason.path: reason.fix for reason in reasons(msgspec.json.encode(bad), SITE)}
    assert fixes["$.data.group"] == (
        "Use one of comparator, control, screened, sibling, suspected, exactly as written here."
    )
    assert fixes["$.data.birth_date"].endswith("Is it birth?")
    assert "case" not in "".join(fixes.values()), "a fix shows what may be written, never what was"


@pytest.mark.parametrize(
    "raw", [b"null", b"[]", b"{", b'"x"', b"\xff", b"{}", b'{"type":"b12.lab_result.v1"}', b"[" * 2000]
)
def test_what_is_no_event_is_one_problem(raw):
    assert len(reasons(raw, SITE)) == 1


def checked_events(tmp_path, lines):
    path = tmp_path / "events.ndjson"
    path.write_bytes(b"\n".join(lines))
    report = Report(path)
    statements = list(check_events(path, None, report))
    return report, statements


def test_a_long_file_is_checked_as_one(tmp_path):
    doses = [event("dose", id=f"d{number}") for number in range(2 * AT_ONCE)]
    before_birth = event("dose", id="early", data={"scheduled": "2025-05-01", "given": "2025-05-01"})
    report, statements = checked_events(
        tmp_path, [event("enrolment", id="e"), *doses, b"", doses[0], before_birth, b"not json"]
    )
    last = len(doses) + 1
    assert [statement.row for statement in statements] == [*range(1, last + 1), last + 2]
    assert report.rows == last + 3
    assert [(problem.row, problem.rule) for problem in report.problems] == [
        (last + 2, "id_repeated"),
        (last + 3, "dated_before_birth"),
        (last + 4, "not_json"),
    ]


def test_a_file_of_events_is_checked_line_by_line(tmp_path):
    lines = [
        b"\xef\xbb\xbf" + event(id="1", record="1"),
        b"",
        event(id="2", record="R"),
        event(id="2", record="R"),
        event(id="2", record="R", data={"value": 1}),
        event(id="3", source="/sites/OTHER"),
        b"not json",
    ]
    report, statements = checked_events(tmp_path, lines)
    assert [(s.row, s.id, s.record) for s in statements] == [(1, "1", "1"), (3, "2", "R"), (4, "2", "R")]
    assert [(p.row, p.column, p.rule, p.severity) for p in report.problems if p.severity == "critical"] == [
        (5, "$.id", "id_conflict", "critical"),
        (6, "$.source", "wrong_site", "critical"),
        (7, "$", "not_json", "critical"),
    ]
    assert (4, "id_repeated") in [(p.row, p.rule) for p in report.problems]


def test_an_unknown_fields_name_is_shown_to_its_lab(tmp_path):
    report, _ = checked_events(tmp_path, [event(data={"serum_b12_level": 1})])
    assert [(p.column, p.rule) for p in report.problems if p.severity == "critical"] == [
        ("$.data.serum_b12_level", "unknown_field")
    ]


def shown(report, *, terminal):
    out = io.StringIO()
    out.isatty = lambda: terminal
    showing.show(report, out=out)
    return out.getvalue()


def test_in_a_pipe_each_problem_is_a_line_in_a_terminal_each_rule(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    table = "code,sample,b12,taken\n" + "".join(f"A{n},S{n},?,2026-03-14\n" for n in range(30))
    report = check(tmp_path, table, RESULT).report
    lines = shown(report, terminal=False).splitlines()
    assert lines[0].startswith("results.csv:2: error: b12 b12: not_a_number: Write a plain number")
    assert lines[-1] == "results.csv: 30 rows, 0 good events; 30 errors in 30 rows"
    assert len(lines) == 31
    grouped = shown(report, terminal=True)
    assert "2-31" in grouped
    assert len(grouped.splitlines()) < 8


def test_row_numbers_in_words():
    assert showing.row_ranges([3, 7, 8, 9, 12]) == "3, 7-9, 12"
    assert showing.row_ranges(range(1, 100, 2), 3) == "1, 3, 5 and 47 more"


CANARIES = ("CANARY", "77.7770777", "1977-07-07")


@pytest.mark.parametrize("terminal", [True, False])
def test_no_value_subject_or_date_is_printed(tmp_path, terminal):
    row = {"code": "CANARY 1", "sample": "CANARY", "b12": "77.7770777x", "taken": "1977-07-07"}
    tables = [{**row, **change} for change in ({}, {"code": "CANARY"}, {"b12": "-77.7770777"}, {"taken": "CANARY"})]
    table = "code,sample,b12,taken\n" + "".join(",".join(cells.values()) + "\n" for cells in tables)
    text = shown(check(tmp_path, table, RESULT).report, terminal=terminal)
    lines = [event(subject="CANARY 1"), event(data={"value": "77.7770777"}), event(data={"collected": "1977-07-07x"})]
    text += shown(checked_events(tmp_path, lines)[0], terminal=terminal)
    assert "error" in text
    assert not [canary for canary in CANARIES if canary in text]


CELLS = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=12),
    st.sampled_from(
        ["A", "S1", "150", "<1e400", "-0", "2026-03-14", "30/02/2026", "1e-300", "9" * 40, "2026-03-14T24:00"]
    ),
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), max_size=5))
def test_whatever_stands_in_the_cells_each_row_is_an_event_or_a_problem(tmp_path, rows):
    path = tmp_path / "results.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["code", "sample", "b12", "taken"], *rows])
    checked = check_file(path, RESULT.replace("[[event]]", '[file]\ndate_order = "dmy"\n[[event]]\nneeds = []'))
    told = {row for row, _, _ in checked.problems} | {statement.row for statement in checked.statements}
    filled = {at for at, row in enumerate(rows, 2) if any(cell.strip() for cell in row)}
    assert told == filled


def b12(capsys, *arguments):
    code = cli.main(list(map(str, arguments)))
    out, err = capsys.readouterr()
    return code, out, err


def test_a_narrow_code_page_takes_any_columns_name(tmp_path):
    (tmp_path / "results.csv").write_text("code,sample,\u0930\u0915\u094d\u0924,taken\nA,S1,?,2026-03-14\n", "utf-8")
    (tmp_path / "lab.toml").write_text(
        RESULT.replace('= "b12"\ncollected', '= "\u0930\u0915\u094d\u0924"\ncollected'), "utf-8"
    )
    done = subprocess.run(
        [sys.executable, "-m", "b12.cli", "check", "results.csv", "--map", "lab.toml"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert b"results.csv:2: error: b12 ????: not_a_number" in done.stdout


def test_exit_codes_tell_data_from_usage(tmp_path, capsys):
    table, good = tmp_path / "results.csv", tmp_path / "lab.toml"
    good.write_text(RESULT)
    table.write_text("code,sample,b12,taken\nA,S1,150,2026-03-14\n")
    assert b12(capsys, "check", table, "--map", good)[0] == 0
    table.write_text(BAD)
    code, out, _ = b12(capsys, "check", table, "--map", good)
    assert code == 1
    assert "results.csv:3: error: b12 b12: not_a_number" in out
    for arguments in [
        ("check", tmp_path / "none.csv", "--map", good),
        ("check", table),
        ("check", table, "--map", tmp_path / "none.toml"),
        ("check", table, "--mapp", good),
    ]:
        code, _, err = b12(capsys, *arguments)
        assert code == 2
        assert "Traceback" not in err


def test_a_field_that_is_not_mapped_is_called_by_its_name(tmp_path):
    text = RESULT.replace("2132-9", "13965-9").replace("pg/mL", "umol/L").replace("serum", "plasma")
    found = check(tmp_path, "code,sample,b12,taken\nA,S1,7,2026-03-14\n", text).report.problems
    assert "separated_minutes" in [problem.column for problem in found]
    assert not [problem.column for problem in found if problem.column.startswith("$")]
