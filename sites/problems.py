"""What can be wrong with a row before the contract sees it, and how a problem is told to the lab.

A problem names row, column, rule and fix, never what stands in the cell. The contract's own rules have their fixes
in `contracts`.
"""

from typing import Literal, NamedTuple

Severity = Literal["critical", "question", "warning", "info"]


class Problem(NamedTuple):
    """One thing that is wrong in one place."""

    row: int
    """Row of the spreadsheet or line of the file, counted from 1."""
    column: str
    """The lab's own column, or the field where no column is mapped to it; for events as JSON the field's path."""
    rule: str
    fix: str
    output: str = ""
    """The mapping's event, or the kind."""
    severity: Severity = "critical"
    """`critical` keeps an event from being sent; a `question` asks whether it is right; the others are only told."""


FIXES: dict[str, str] = {
    "ragged_row": "The row has more cells than the header: a delimiter or a quotation mark in a text is not escaped.",
    "not_a_number": "Write a plain number, without unit or thousands separator; list a word for missing under missing.",
    "decimal_mark": 'The number is not written with the decimal mark of the mapping: set decimal to "," or ".".',
    "not_whole": "Write a whole number.",
    "not_yes_or_no": "Write yes or no, true or false, 1 or 0; translate other words with values.",
    "comparator_twice": "The comparator stands in the value and in a column of its own: keep one of them.",
    "not_a_date": "Write the date as 2026-03-14 (or 2026-03 for a month); a word for missing goes under missing.",
    "date_order_missing": 'Day and month could be swapped: set date_order to "dmy" or "mdy" in the mapping.',
    "two_digit_year": "The year has two digits: set century (like 2000) in the mapping, or write four.",
    "serial_date": 'The cell holds a number, as Excel stores dates: set date_order to "excel" for this column.',
    "no_such_date": "Check day and month: they may be swapped.",
    "not_a_time": "Write the time of day as 09:30.",
    "no_such_time": "The clocks were put forward over this time: it did not exist in the site's time zone.",
    "no_zone_known": "A time of day needs the site's zone: name the site with --as, or set time_zone under [file].",
    "not_an_age": "Write the age as a whole number in the unit that the mapping names.",
    "untranslated": "Add this cell's text to the column's values, or give an otherwise, in the mapping.",
    "not_extracted": "The text does not look like the pattern given as extract in the mapping.",
    "subject_missing": "Fill in the study code of the infant.",
    "record_incomplete": "Fill in every column that identifies the record.",
    "record_repeated": "Another row has the same identifying columns: name more in identify, or remove one row.",
    "rows_disagree": "Rows that say the same thing once (once = true) must agree: correct the one that is wrong.",
    "join_missing": "The joined file has no row with this key: add it there, or correct the key.",
    "not_a_list": "Write the codes with a semicolon between them.",
    "id_conflict": "Another line says something else under the same id: give every statement an id of its own.",
    "confirmed": "Nothing to do: you confirmed that it is right.",
    "id_repeated": "Another line says the same under the same id; it counts once.",
}
"""What the lab should do, for each rule about files and mappings."""
