"""Whatever wrote a lab's table, its rows come out the same."""

import datetime as dt

import openpyxl
import pytest

from contracts.errors import B12Error, UsageError
from sites.reading import Layout, open_table


def rows(path, layout=None):
    return list(open_table(path, layout).rows)


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("code,name\nA,Müller\n", "utf-8"),
        ("code,name\nA,Müller\n", "utf-8-sig"),
        ("code,name\nA,Müller\n", "utf-16"),
        ("code,name\nA,Müller\n", "cp1252"),
        ("code;name\nA;Müller\n", "utf-8"),
        ("code\tname\nA\tMüller\n", "utf-8"),
        ("code|name\r\nA|Müller\r\n", "utf-8"),
        ("sep=;\ncode;name\nA;Müller\n", "utf-8"),
        ('"code";"name"\n"A";"Müller"\n', "cp1252"),
        ("code,name\n\nA , Müller\u00a0\n,,\n", "utf-8"),
    ],
)
def test_every_way_to_write_a_csv_gives_the_same_row(tmp_path, content, encoding):
    path = tmp_path / "results.csv"
    path.write_bytes(content.encode(encoding))
    table = open_table(path)
    assert table.columns == ["code", "name"]
    assert [cells[:2] for _, cells in table.rows] == [["A", "Müller"]]


def test_cp1252_is_assumed_aloud(tmp_path):
    path = tmp_path / "results.csv"
    path.write_bytes("a\nMüller\n".encode("cp1252"))
    assert "cp1252" in open_table(path).note


def test_a_decimal_comma_does_not_pass_for_a_delimiter(tmp_path):
    path = tmp_path / "results.csv"
    path.write_text("code;b12;hb\nA;150,5;10,1\nB;90,2;9,9\n")
    assert rows(path) == [(2, ["A", "150,5", "10,1"]), (3, ["B", "90,2", "9,9"])]


def test_rows_are_counted_as_a_spreadsheet_counts_them(tmp_path):
    path = tmp_path / "results.csv"
    path.write_text('code,remark\nA,"two\nlines"\n\nB,\n')
    assert [number for number, _ in rows(path)] == [2, 4]


def test_an_unclosed_quotation_mark_is_an_error_and_not_one_long_cell(tmp_path):
    path = tmp_path / "results.csv"
    path.write_text('code,b12\nA,1\n"B,2\nC,3\n')
    with pytest.raises(B12Error, match=r"results\.csv, after row 2: the quotation marks"):
        rows(path)


def test_a_wrong_encoding_is_told_without_the_text(tmp_path):
    path = tmp_path / "results.csv"
    path.write_bytes("code\nMüller\n".encode("cp1252"))
    with pytest.raises(B12Error, match="is not utf-8") as error:
        rows(path, Layout(encoding="utf-8"))
    assert "ller" not in str(error.value)
    with pytest.raises(UsageError, match="no encoding 'klingon'"):
        rows(path, Layout(encoding="klingon"))


@pytest.fixture
def workbook(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Results"
    sheet.append(["a report", None, None])
    sheet.append(["code", "b12", "taken"])
    sheet.append(["A", 150.5, dt.date(2026, 3, 14)])
    sheet.append([None, None, None])
    sheet.append([7, 90, dt.datetime(2026, 3, 14, 9, 30)])  # noqa: DTZ001  # as Excel keeps it
    book.create_sheet("Notes")
    path = tmp_path / "results.xlsx"
    book.save(path)
    return path


def test_a_workbook_gives_numbers_and_dates_as_such(workbook):
    table = open_table(workbook, Layout(sheet="Results", header_row=2))
    assert table.columns == ["code", "b12", "taken"]
    assert list(table.rows) == [
        (3, ["A", 150.5, dt.date(2026, 3, 14)]),
        (5, [7.0, 90.0, dt.datetime(2026, 3, 14, 9, 30)]),  # noqa: DTZ001
    ]


def test_one_of_several_sheets_has_to_be_named(workbook):
    with pytest.raises(UsageError, match=r"several sheets \(Results, Notes\)"):
        open_table(workbook)
    with pytest.raises(UsageError, match="has no sheet 'Result'; it has Results, Notes"):
        open_table(workbook, Layout(sheet="Result"))


def test_what_is_no_workbook_or_no_file_is_told(tmp_path):
    path = tmp_path / "results.xlsx"
    with pytest.raises(UsageError, match="no such file"):
        open_table(path)
    path.write_text("code,b12")
    with pytest.raises(B12Error, match="cannot be read as a workbook"):
        open_table(path)


@pytest.mark.parametrize("text", ["", "\n\n", ",,\n"])
@pytest.mark.parametrize("header_row", [1, 4])
def test_an_empty_file_is_called_so(tmp_path, text, header_row):
    path = tmp_path / "empty.csv"
    path.write_text(text)
    with pytest.raises(B12Error, match=r"^empty\.csv is empty: no row in it holds anything; export it again$"):
        open_table(path, Layout(header_row=header_row))


def test_a_file_without_a_header_where_the_mapping_says_is_not_called_empty(tmp_path):
    path = tmp_path / "results.csv"
    path.write_text("code,b12\n")
    with pytest.raises(B12Error, match="has no header in row 4; set header_row"):
        open_table(path, Layout(header_row=4))
