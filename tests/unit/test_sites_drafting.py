"""A draft of a mapping says what a header tells, and asks for the rest."""

import tomllib
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from b12 import cli
from contracts.errors import UsageError
from sites import mapping_file
from sites.drafting import draft
from tests.lab_tables import check

TABLE = (
    "Study ID;Sample No;DOB;Sex;Collection date;Vit B12 (pmol/L);Hb g/dL;Hcy_umol_L;Weight_g;Remarks\n"
    "CANARY-1;S1;3/4/2026;M;14/4/2026;150,5;10,1;7;3500;x\n"
)


def test_a_draft_is_complete_but_for_what_only_the_lab_can_know(tmp_path):
    path = tmp_path / "results.csv"
    path.write_text(TABLE)
    text = draft(path)
    assert "CANARY" not in text
    with pytest.raises(UsageError, match=r"lab\.toml: event 1\.constants\.group still says '\?': decide it"):
        mapping_file.parse(tomllib.loads(text, parse_float=Decimal), "lab.toml")
    checked = check(tmp_path, TABLE, text.replace('group = "?"', 'group = "suspected"'))
    assert checked.problems == []
    assert [(s.output, s.record) for s in checked.statements] == [
        ("enrolment", "enrolment:CANARY-1"),
        ("b12", "b12:S1"),
        ("haemoglobin", "haemoglobin:S1"),
        ("homocysteine", "homocysteine:S1"),
        ("growth", "growth:S1"),
    ]
    assert checked.data[0]["birth"] == "2026-04-03"
    assert [(data["loinc"], data["unit"]) for data in checked.data[1:4]] == [
        ("14685-2", "pmol/L"),
        ("718-7", "g/dL"),
        ("13965-9", "umol/L"),
    ]


@pytest.mark.parametrize(
    ("header", "persons"),
    [
        (["B12 (pg/mL)"], ["infant"]),
        (["B12 (pg/mL)", "Mother's B12 (pg/mL)"], ["?", "mother"]),
        (["Baby Hb g/dL", "Maternal Hb g/dL"], ["infant", "mother"]),
        (["Hb g/dL", "Hb g/dL repeat"], ["?", "?"]),
        (["Ferritin", "Mother Hb g/dL"], ["?", "mother"]),
        (["M_Hb"], ["mother"]),
        (["M Hb g/dL", "B12 (pg/mL)"], ["mother", "?"]),
        (["MATERNALB12"], ["mother"]),
        (["Mat. Hb", "Hb"], ["mother", "?"]),
        (["Hb (M)"], ["?"]),
        (["MMA (umol/L)", "MCV"], ["infant", "infant"]),
    ],
)
def test_whose_result_it_is_is_asked_where_the_header_does_not_tell(tmp_path, header, persons):
    path = tmp_path / "results.csv"
    path.write_text(",".join(["Study ID", *header]) + "\n")
    assert [event["constants"]["person"] for event in tomllib.loads(draft(path))["event"]] == persons


def test_a_mothers_birth_date_is_not_taken_for_the_infants(tmp_path):
    path = tmp_path / "results.csv"
    path.write_text("Study ID,Mother's DOB,DOB,Sex\n")
    assert tomllib.loads(draft(path))["event"][0]["columns"]["birth"] == "DOB"


@pytest.mark.parametrize(
    ("dates", "order"), [("13/4/2026", '"dmy"'), ("4/13/2026", '"mdy"'), ("3/4/2026", '"?"'), ("2026-04-03", None)]
)
def test_the_date_order_is_taken_from_the_dates_when_they_tell(tmp_path, dates, order):
    path = tmp_path / "results.csv"
    path.write_text(f"code,date\nA,{dates}\n")
    found = [line.split(" = ")[1].split(" #")[0] for line in draft(path).splitlines() if line.startswith("date_order")]
    assert found == ([order] if order else [])


def test_a_workbook_with_several_sheets(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "Results"
    book.active.append(["code", "b12 pg/mL"])
    book.create_sheet("Notes")
    path = tmp_path / "results.xlsx"
    book.save(path)
    tree = tomllib.loads(draft(path, "Results"))
    assert tree["file"]["sheet"] == "Results"
    assert tree["event"][0]["constants"]["loinc"] == "2132-9"


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=20), min_size=1, max_size=6))
def test_any_header_gives_toml(tmp_path, header):
    path = tmp_path / "results.csv"
    quoted = ['"' + name.replace('"', '""') + '"' for name in ["x", *header]]
    path.write_text(",".join(quoted) + "\n", encoding="utf-8")
    assert "event" in tomllib.loads(draft(path))


def test_the_command_writes_a_file_and_never_over_one(tmp_path, capsys):
    path, out = tmp_path / "results.csv", tmp_path / "lab.toml"
    path.write_text(TABLE)
    assert cli.main(["map", "init", str(path)]) == 0
    shown = capsys.readouterr().out
    assert cli.main(["map", "init", str(path), "--out", str(out)]) == 0
    assert out.read_text() == shown
    assert cli.main(["map", "init", str(path), "--out", str(out)]) == 2
    assert "is there already" in capsys.readouterr().err


def test_titles_above_the_header_are_passed_over(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["Vitamin B12 study (confidential)"])
    book.active.merge_cells("A1:D1")
    book.active.append([])
    book.active.append(["Study ID", "Visit", "Sample no", "B12 (pg/mL)"])
    book.active.append(["CANARY-1", 1, "S1", 200])
    book.active.append(["CANARY-1", 1, "S2", "n/a"])
    path = tmp_path / "results.xlsx"
    book.save(path)
    text = draft(path)
    tree = tomllib.loads(text)
    assert "CANARY" not in text
    assert "header_row = 3 # the rows above were taken for titles" in text
    assert (tree["subject"], tree["identify"]) == ("Study ID", "Sample no")
    assert tree["file"]["missing"] == ["n/a"]
    assert [event["columns"] for event in tree["event"]] == [{"value": "B12 (pg/mL)", "collected": "?"}]


def test_data_under_a_title_without_a_header_is_not_shown(tmp_path):
    path = tmp_path / "results.csv"
    path.write_text("B12 study,,,\nCANARY-1,S1,150,2026-03-14\nCANARY-2,S2,n/a,2026-03-15\n")
    assert "CANARY" not in draft(path)


@pytest.mark.parametrize(
    ("table", "identify"),
    [
        ("Study ID,Visit,Sample no\nA,1,S1\nB,1,S2\n", "Sample no"),
        ("Study ID,Visit\nA,1\nB,1\n", "Study ID"),
        ("Study ID,Visit\nA,1\nA,2\nB,1\n", "?"),
        ("Study ID,B12 result\nA,100\nA,200\n", "?"),
    ],
)
def test_what_identifies_a_row_has_to_differ_in_each(tmp_path, table, identify):
    path = tmp_path / "results.csv"
    path.write_text(table)
    assert tomllib.loads(draft(path))["identify"] == identify


def test_where_no_column_tells_what_it_holds_the_kind_is_asked(tmp_path):
    path = tmp_path / "doses.csv"
    path.write_text("Study ID,Dose date,Dose ug,Sits alone\nA,2026-03-04,1000,yes\n")
    text = draft(path)
    assert [event["kind"] for event in tomllib.loads(text)["event"]] == ["?"]
    assert text.endswith("or not used:\n#   Dose date\n#   Dose ug\n#   Sits alone\n")
