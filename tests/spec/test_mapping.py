"""A mapping says which column of a lab's table is what. These are its keys, one by one.

The page for labs is docs/how-to/write-a-mapping.md; what `b12 check` says of bad rows is test_mapping_check.py.
"""

import datetime as dt

import openpyxl
import pytest

from contracts.content import content_id
from contracts.errors import UsageError
from contracts.judge import judge
from tests.lab_tables import NOW, RESULT, SITE, check, check_file, mapping

ENROLMENT = """
subject = "code"
identify = "code"

[[event]]
name = "enrolment"
kind = "enrolment"
constants = { person = "infant", group = "suspected" }
"""


def enrolments(tmp_path, table, columns):
    return check(tmp_path, table, f"{ENROLMENT}[event.columns]\n{columns}").data


def test_a_row_becomes_an_event(tmp_path):
    (event,) = check(tmp_path, "code,sample,b12,taken\nA-1,S1,150.0,2026-03-14\n", RESULT).events
    id_ = event.pop("id")
    assert event == {
        "specversion": "1.0",
        "source": "/sites/BLR01",
        "type": "b12.lab_result.v1",
        "time": NOW.isoformat(),
        "subject": "A-1",
        "record": "b12:S1",
        "data": {
            "person": "infant",
            "loinc": "2132-9",
            "unit": "pg/mL",
            "specimen": "serum",
            "value": 150.0,
            "collected": "2026-03-14",
        },
    }
    assert len(id_) == 32


def test_the_id_is_made_of_everything_but_id_and_time(tmp_path):
    table = "code,sample,b12,taken\nA-1,S1,150,2026-03-14\n"
    checked = check(tmp_path, table, RESULT)
    assert checked.statements[0].id == content_id(judge(checked.statements[0].raw, SITE))
    assert check(tmp_path, table.replace("150", "150.0"), RESULT).statements[0].id == checked.statements[0].id
    for change in [("A-1", "A-2"), ("S1", "S2"), ("150", "151"), ("-14", "-15")]:
        assert check(tmp_path, table.replace(*change), RESULT).statements[0].id != checked.statements[0].id


def test_identify_names_the_columns_that_make_the_record(tmp_path):
    text = RESULT.replace('identify = "sample"', 'identify = ["code", "sample"]')
    (event,) = check(tmp_path, "code,sample,b12,taken\nA,1:2,150,2026-03-14\n", text).events
    assert event["record"] == "b12:A:1%3A2"


def test_one_row_may_give_several_events(tmp_path):
    text = f"""{RESULT}
[[event]]
name = "haemoglobin"
kind = "lab_result"
constants = {{ person = "infant", loinc = "718-7", unit = "g/dL", specimen = "venous_whole_blood" }}
columns = {{ value = "hb", collected = "taken" }}
"""
    table = "code,sample,b12,hb,taken\nA,S1,150,10.1,2026-03-14\nB,S2,,9.9,2026-03-14\n"
    assert [(s.row, s.output) for s in check(tmp_path, table, text).statements] == [
        (2, "b12"),
        (2, "haemoglobin"),
        (3, "haemoglobin"),
    ]


def test_a_row_without_what_an_event_needs_gives_none(tmp_path):
    table = "code,sample,b12,taken\nA,S1,,2026-03-14\n"
    assert check(tmp_path, table, RESULT).events == []
    assert check(tmp_path, table, RESULT).problems == []
    always = RESULT.replace('kind = "lab_result"', 'kind = "lab_result"\nneeds = []')
    assert check(tmp_path, table, always).problems == [(2, "b12", "value_missing")]


def test_missing_codes_are_empty_cells(tmp_path):
    table = "code,sample,b12,taken\nA,S1,NA,2026-03-14\nB,S2,-9,2026-03-14\nC,S3,7,2026-03-14\n"
    text = RESULT.replace('value = "b12"', 'value = { column = "b12", missing = ["-9"] }')
    text = text.replace("[[event]]", '[file]\nmissing = ["NA"]\n[[event]]')
    assert [event["subject"] for event in check(tmp_path, table, text).events] == ["C"]


def test_a_comparator_in_the_cell_becomes_a_field(tmp_path):
    (data,) = check(tmp_path, "code,sample,b12,taken\nA,S1,<150,2026-03-14\n", RESULT).data
    assert (data["comparator"], data["value"]) == ("<", 150)


def test_decimal_comma_and_date_order_are_said_and_not_guessed(tmp_path):
    table = "code;sample;b12;taken\nA;S1;150,5;3/4/2026\n"
    text = RESULT.replace("[[event]]", '[file]\ndecimal = ","\ndate_order = "dmy"\n[[event]]')
    (data,) = check(tmp_path, table, text).data
    assert (data["value"], data["collected"]) == (150.5, "2026-04-03")
    assert check(tmp_path, table, RESULT).problems == [
        (2, "b12", "decimal_mark"),
        (2, "taken", "date_order_missing"),
    ]


def test_one_column_may_differ_from_the_file(tmp_path):
    text = RESULT.replace('value = "b12"', 'value = { column = "b12", decimal = "," }')
    text = text.replace('"taken"', '{ column = "taken", date_order = "dmy", century = 2000 }')
    (data,) = check(tmp_path, "code;sample;b12;taken\nA;S1;150,5;3/4/26\n", text).data
    assert (data["value"], data["collected"]) == (150.5, "2026-04-03")


def test_a_workbooks_dates_need_no_order_and_a_number_needs_excel(tmp_path):
    book = openpyxl.Workbook()
    for row in (["code", "sample", "b12", "taken"], [7, "S1", 150, dt.date(2026, 3, 14)], [8, "S2", 90.5, 46095]):
        book.active.append(row)
    path = tmp_path / "results.xlsx"
    book.save(path)
    checked = check_file(path, RESULT)
    assert [event["subject"] for event in checked.events] == ["7"]
    assert checked.problems == [(3, "taken", "serial_date")]
    text = RESULT.replace('"taken"', '{ column = "taken", date_order = "excel" }')
    assert [data["collected"] for data in check_file(path, text).data] == ["2026-03-14", "2026-03-14"]


def test_a_time_is_the_sites_local_time(tmp_path):
    table = "code,sample,b12,taken,at\nA,S1,150,2026-03-14,9:30\n"
    text = RESULT.replace('"taken"', '{ column = "taken", time = "at" }')
    assert check(tmp_path, table, text).data[0]["collected"] == "2026-03-14T09:30+05:30"
    text = text.replace("[[event]]", '[file]\ntime_zone = "Europe/Oslo"\n[[event]]')
    assert check(tmp_path, table, text).data[0]["collected"] == "2026-03-14T09:30+01:00"


def test_values_translate_codes(tmp_path):
    sex = 'birth = "born"\nsex = { column = "sex", values = { "1" = "male", "2" = "female" } }'
    table = "code,born,sex\nA,2026-01-02,1\nB,2026-01-02,2\nC,2026-01-02,9\n"
    assert [data["sex"] for data in enrolments(tmp_path, table, sex)] == ["male", "female"]
    otherwise = sex.replace("} }", '}, otherwise = "unknown" }')
    assert [data["sex"] for data in enrolments(tmp_path, table, otherwise)] == ["male", "female", "unknown"]


def test_extract_keeps_a_part(tmp_path):
    columns = """birth = "born"
sex = "sex"
gestation_weeks = { column = "ga", extract = '^(\\d+)' }
gestation_days = { column = "ga", extract = '\\+(\\d)' }
"""
    (data,) = enrolments(tmp_path, "code,born,sex,ga\nA,2026-01-02,male,38+3\n", columns)
    assert (data["gestation_weeks"], data["gestation_days"]) == (38, 3)


@pytest.mark.parametrize(
    ("source", "birth"),
    [
        ('age_months = "age", on = 2026-03-31', "2025-12"),
        ('age_months = "age", on = 2026-02', "2025-11"),
        ('age_years = "age", on = 2026-03-31', "2023-03"),
        ('age_days = "age", on = 2026-03-31', "2026-03-28"),
        ('age_weeks = "age", on = 2026-03-31', "2026-03"),
        ('age_months = "age", on_column = "seen"', "2025-10"),
    ],
)
def test_an_age_becomes_a_birth(tmp_path, source, birth):
    source = source.replace("on = 2026-02", 'on = "2026-02"')
    columns = f'birth = {{ {source} }}\nsex = "sex"'
    (data,) = enrolments(tmp_path, "code,age,sex,seen\nA,3,male,2026-01-20\n", columns)
    assert data["birth"] == birth


def test_the_first_way_to_a_value_that_gives_one_counts(tmp_path):
    columns = """birth = [{ age_months = "months", on = 2026-03-15 }, { age_years = "years", on = 2026-03-15 }]
sex = "sex"
"""
    table = "code,months,years,sex\nA,3,0,male\nB,,2,male\n"
    assert [data["birth"] for data in enrolments(tmp_path, table, columns)] == ["2025-12", "2024-03"]


def test_when_chooses_rows_and_values(tmp_path):
    text = """
subject = "code"
identify = ["code", "test"]

[computed]
person = [{ value = "infant", when = { column = "months", below = 36 } }, { value = "mother" }]

[[event]]
name = "result"
kind = "lab_result"
when = [{ column = "test", one_of = ["VB12", "HB"] }, { column = "state", is_not = "draft" }]
constants = { collected = 2026-03-14 }

[event.columns]
person = "person"
value = "result"
loinc = { column = "test", values = { VB12 = "2132-9", HB = "718-7" } }
unit = "unit"
specimen = { column = "test", values = { VB12 = "serum", HB = "venous_whole_blood" } }
"""
    table = (
        "code,months,test,result,unit,state\nA,3,VB12,150,pg/mL,\nA,3,HB,10,g/dL,\nA,3,TSH,1,mU/L,\n"
        "B,,HB,12,g/dL,final\nC,,HB,12,g/dL,draft\n"
    )
    checked = check(tmp_path, table, text)
    assert checked.problems == []
    assert [(event["record"], event["data"]["person"]) for event in checked.events] == [
        ("result:A:VB12", "infant"),
        ("result:A:HB", "infant"),
        ("result:B:HB", "mother"),
    ]


@pytest.mark.parametrize(
    ("condition", "subjects"),
    [
        ("is = 5", ["B"]),
        ('is_not = "5"', ["A", "C", "D"]),
        ("one_of = [1, 5]", ["A", "B"]),
        ("none_of = [1, 5]", ["C", "D"]),
        ("below = 5", ["A"]),
        ("above = 1", ["B", "C"]),
        ("at_least = 5", ["B", "C"]),
        ("at_most = 5", ["A", "B"]),
        ("above = 1, below = 9.5", ["B", "C"]),
        ("given = true", ["A", "B", "C"]),
        ("given = false", ["D"]),
    ],
)
def test_what_a_condition_may_ask(tmp_path, condition, subjects):
    table = "code,sample,b12,taken,n\n" + "".join(
        f"{code},S{code},150,2026-03-14,{n}\n" for code, n in zip("ABCD", ("1", "5", "9", ""), strict=True)
    )
    text = RESULT.replace('kind = "lab_result"', f'kind = "lab_result"\nwhen = {{ column = "n", {condition} }}')
    assert [event["subject"] for event in check(tmp_path, table, text).events] == subjects


def test_columns_joined_into_one_text(tmp_path):
    text = RESULT.replace('subject = "code"', 'subject = "infant"').replace(
        "[[event]]", '[computed]\ninfant = { columns = ["family", "child"], between = "." }\n[[event]]'
    )
    (event,) = check(tmp_path, "family,child,sample,b12,taken\nF7,2,S1,150,2026-03-14\n", text).events
    assert event["subject"] == "F7.2"


def test_another_files_columns_are_joined_by_a_key(tmp_path):
    (tmp_path / "infants.csv").write_text("ref;code\n1;A\n2;B\n")
    text = RESULT.replace('subject = "code"', 'subject = "infants.code"').replace(
        "[[event]]", '[[join]]\nname = "infants"\nfile = "infants.csv"\nkey = "no"\nother_key = "ref"\n[[event]]'
    )
    table = "no,sample,b12,taken\n2,S1,150,2026-03-14\n3,S2,150,2026-03-14\n"
    checked = check(tmp_path, table, text)
    assert [event["subject"] for event in checked.events] == ["B"]
    assert checked.problems == [(3, "no", "join_missing")]


def test_a_join_that_is_not_required_leaves_cells_empty(tmp_path):
    (tmp_path / "times.csv").write_text("no,hours\n2,3\n")
    text = RESULT.replace(
        "[[event]]", '[[join]]\nname = "times"\nfile = "times.csv"\nkey = "no"\nrequired = false\n[[event]]'
    )
    text += 'separated_minutes = { column = "times.hours", values = { "3" = 180 } }\n'
    table = "no,code,sample,b12,taken\n2,A,S1,150,2026-03-14\n3,B,S2,150,2026-03-14\n"
    assert [data.get("separated_minutes") for data in check(tmp_path, table, text).data] == [180, None]


def test_a_date_counted_from_another(tmp_path):
    text = """
subject = "code"
identify = "code"
[computed]
birth = { age_months = "months", on = 2026-03-15 }
[[event]]
name = "breastfed"
kind = "feeding"
constants = { infant = "breastfed_unspecified" }
columns = { start = "birth", end = { days_after = "stopped", since = "birth", missing = ["0"] } }
"""
    table = "code,months,stopped\nA,6,100\nB,6,0\n"
    assert [data.get("end") for data in check(tmp_path, table, text).data] == ["2025-12", None]


def test_several_codes_in_one_cell(tmp_path):
    text = """
subject = "code"
identify = "code"
[[event]]
name = "consent"
kind = "consent"
constants = { status = "given" }
columns = { scopes = { column = "scopes", split = "/" }, effective = "on" }
"""
    (data,) = check(tmp_path, "code,scopes,on\nA,blood / imaging,2026-03-14\n", text).data
    assert data["scopes"] == ["blood", "imaging"]


def test_yes_and_no(tmp_path):
    text = """
subject = "code"
identify = "code"
[[event]]
name = "growth"
kind = "growth"
columns = { weight_g = "weight", oedema = "oedema", measured = "on" }
"""
    table = "code,weight,oedema,on\nA,4000,yes,2026-03-14\nB,4000,0,2026-03-14\nC,4000,perhaps,2026-03-14\n"
    checked = check(tmp_path, table, text)
    assert [data["oedema"] for data in checked.data] == [True, False]
    assert checked.problems == [(4, "oedema", "not_yes_or_no")]


def test_once_lets_rows_repeat_an_event_that_agree(tmp_path):
    text = ENROLMENT.replace('kind = "enrolment"', 'kind = "enrolment"\nonce = true')
    text += '[event.columns]\nbirth = "born"\nsex = "sex"\n'
    table = "code,born,sex\nA,2026-01-02,male\nA,2026-01-02,male\nB,2026-01-02,male\nB,2026-01-03,male\n"
    checked = check(tmp_path, table, text)
    assert [event["subject"] for event in checked.events] == ["A", "B"]
    assert checked.problems == [(5, "code", "rows_disagree")]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("[[event]]", "[fil]\n[[event]]"), r"the top level has no key 'fil' \(did you mean 'file'\?\)"),
        (('kind = "lab_result"', 'kind = "labresult"'), r"no kind 'labresult' \(did you mean 'lab_result'\?\)"),
        (('name = "b12"', 'name = "Serum B12"'), "a name holds small letters"),
        (('value = "b12"', 'valu = "b12"'), r"a lab_result has no field 'valu' \(did you mean 'value'\?\)"),
        (('specimen = "serum"', 'specimen = "blood"'), "constants.specimen is not .* it takes serum, plasma"),
        (('person = "infant"', ""), "a lab_result needs person: give it under columns or constants"),
        (('unit = "pg/mL"', 'unit = "?"'), r"event 1\.constants\.unit still says '\?': decide it"),
        (('value = "b12"', 'value = { colum = "b12" }'), "has no key 'colum'"),
        (('value = "b12"', 'value = { column = "b12", age_days = "x" }'), "say exactly one of column, columns, value"),
        (('"taken"', '{ age_days = "age" }'), "age_days needs the day the age was true"),
        (('"taken"', '{ days_after = "age" }'), "days_after needs since"),
        (('"taken"', '{ column = "taken", date_order = "dym" }'), "date_order: invalid enum value"),
        (('value = "b12"', "value = { column = \"b12\", extract = '(' }"), "extract is a regular expression"),
        (('identify = "sample"', ""), "name the columns that identify a record"),
        (('subject = "code"', ""), "name the column of the infant's study code"),
        (('name = "b12"', 'name = "b12"\nwhen = { column = "x" }'), "when x: say what must hold"),
        (('name = "b12"', 'name = "b12"\nwhen = { column = "x", below = "y" }'), "when x: below is a number"),
        (('name = "b12"', 'name = "b12"\nneeds = ["unit"]'), "needs names 'unit', which is not under columns"),
    ],
)
def test_a_mistake_in_a_mapping_is_told_with_what_to_do(change, says):
    text = RESULT.replace(*change, 1)
    assert text != RESULT
    with pytest.raises(UsageError, match=says):
        mapping(text)


def test_every_mistake_is_told_at_once(tmp_path):
    with pytest.raises(UsageError, match="2 things to mend"):
        mapping(RESULT.replace('value = "b12"', 'valu = "b12"').replace('"serum"', '"blood"'))
    text = RESULT.replace('"b12"\n', '"B12 (pg/mL)"\n').replace('name = "B12 (pg/mL)"', 'name = "b12"')
    with pytest.raises(UsageError) as error:
        check(tmp_path, "codes,sample,b12,taken\n", text)
    assert "'code' (did you mean 'codes'?): event b12, subject" in str(error.value)
    assert "'B12 (pg/mL)': event b12, value" in str(error.value)


def test_two_columns_of_one_name_cannot_be_told_apart(tmp_path):
    with pytest.raises(UsageError, match="two columns called 'b12': rename one"):
        check(tmp_path, "code,sample,b12,taken,b12\n", RESULT)


def test_a_missing_column_is_told_once_with_the_columns_that_are_there(tmp_path):
    text = RESULT + RESULT[RESULT.index("[[event]]") :].replace('name = "b12"', 'name = "again"')
    with pytest.raises(UsageError) as error:
        check(tmp_path, "code,sample,b_12,drawn\nCANARY,1,2,3\n", text)
    assert str(error.value).splitlines() == [
        "the mapping names columns that results.csv does not have",
        "  - 'b12' (did you mean 'b_12'?): event again, value and 1 more",
        "  - 'taken': event again, collected and 1 more",
        "it has 'code', 'sample', 'b_12', 'drawn'",
    ]


def test_a_table_without_a_header_is_not_shown(tmp_path):
    with pytest.raises(UsageError, match="is it the right file, and header_row under") as error:
        check(tmp_path, "CANARY-1,S1,150,2026-03-04\n", RESULT)
    assert "CANARY" not in str(error.value)
