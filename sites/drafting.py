"""The draft of a mapping, from a table's header: what can be told is filled in, and `?` stands for what cannot.

What the cells tell belongs to `sites.guesses`, checking a mapping to `sites.mapping_file`.
"""

import json
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from sites.guesses import date_order, decimal_mark, header_row, missing, unique_columns
from sites.mapping_file import UNDECIDED
from sites.reading import WORKBOOKS, Cell, Layout, Table, csv_dialect, open_table

_ROWS_LOOKED_AT = 500


class _Test(NamedTuple):
    """A laboratory test as headers call it, with the codes of its mass and its substance concentration."""

    name: str
    header: str
    specimen: str
    codes: dict[str, str]
    """LOINC code by unit, the usual unit first."""


_TESTS = (
    _Test("holotc", r"holo_?t|active_?b_?12", "serum", {"pmol/L": "72160-5"}),
    _Test("b12", r"b_?12|cobalamin", "serum", {"pg/mL": "2132-9", "ng/L": "2132-9", "pmol/L": "14685-2"}),
    _Test("homocysteine", r"homocyst|hcy", "plasma", {"umol/L": "13965-9", "mg/L": "2428-1"}),
    _Test("mma", r"methylmalon|(^|_)mma", "plasma", {"umol/L": "13964-2", "nmol/L": "13964-2", "ng/mL": "13964-2"}),
    _Test(
        "haemoglobin",
        r"ha?emoglobin|(^|_)hgb?($|_)|(^|_)hb($|_)",
        "venous_whole_blood",
        {"g/dL": "718-7", "g/L": "718-7"},
    ),
    _Test("mcv", r"(^|_)mcv", "venous_whole_blood", {"fL": "787-2"}),
    _Test("folate", r"folate|folic", "serum", {"ng/mL": "2284-8", "nmol/L": "14732-2"}),
    _Test("ferritin", r"ferritin", "serum", {"ng/mL": "2276-4", "ug/L": "2276-4"}),
)
_SUBJECT = r"(study|subject|infant|baby|child|participant|patient|case)_?(code|id|no|number|nr)?$|^(id|code|seqn|uid)$"
_RECORD = r"(sample|specimen|lab|accession|barcode|order|visit|result|request|record|row)_?(id|no|number|nr|code)?$"
_COLLECTED = r"(collect|sampl|drawn|taken).*(date|on|at)?$|date.*(collect|sampl|drawn|taken)|^(visit_?)?date$"
_BIRTH = r"(^|_)dob($|_)|birth_?(date|day)|date_?of_?birth|born"
_SEX = r"(^|_)(sex|gender)($|_)"
_MOTHER = r"mother|maternal|(^|_)(mat|mums?|moms?)($|_)|^m_"
_MAYBE_MOTHER = r"(^|_)m(?!_l($|_))($|_)"  # not the m of mL
_INFANT = r"(^|_)(infants?|bab(y|ies)|child(ren)?|newborns?|neonat\w*)($|_)"
_GROWTH = {
    "weight_g": r"weight.*_g$|weight_g",
    "length_cm": r"(length|height).*cm",
    "head_circumference_cm": r"head|(^|_)ofc|(^|_)hc($|_)",
}


def draft(path: Path, sheet: str | None = None) -> str:
    """A mapping for the table at `path`, as TOML with remarks."""
    header = header_row(path, sheet)
    table = open_table(path, Layout(sheet=sheet, header_row=header))
    cells = [cells for _, cells in islice(table.rows, _ROWS_LOOKED_AT)]
    names = [name for name in table.columns if name]
    found = _Found(names, unique_columns(table.columns, cells))
    parts = [
        f"# A draft for {path.name}. Decide every {UNDECIDED!r}; what each key means: docs/how-to/write-a-mapping.md",
        f"subject = {_text(found.subject)} # column of the infant's study code, never a name",
        f"identify = {_text(found.record)} # column, or columns in [ ], that identify a row for good",
        "",
        *_file(path, table, cells, sheet, header),
    ]
    for event in _events(found):
        parts += ["", *event]
    unused = [name for name in names if name not in found.used]
    if unused:
        parts += [
            "",
            "# Columns that were not understood, or not used:",
            *(f"#   {_one_line(name)}" for name in unused),
        ]
    return "\n".join(parts) + "\n"


class _Found:
    """The columns whose headers say what they are."""

    def __init__(self, names: list[str], unique: set[str]) -> None:
        self._names = names
        self.used: set[str] = set()
        self.subject = self._one(_SUBJECT)
        self.record = self._record(unique)
        self.birth = self._one(_BIRTH)
        self.sex = self._one(_SEX)
        self.collected = self._one(_COLLECTED)
        self.tests = [(name, test) for name in names if (test := self._test(name))]
        self.growth = {field: name for field, pattern in _GROWTH.items() if (name := self._one(pattern))}

    def person(self, name: str, test: _Test) -> str:
        """Whose result a column holds. Only a header can tell, once a table has mothers or a test twice."""
        plain = _plain(name)
        if re.search(_MOTHER, plain):
            return "mother"
        if re.search(_INFANT, plain):
            return "infant"
        alone = sum(other is test for _, other in self.tests) == 1
        mothers = any(re.search(_MOTHER, _plain(each)) for each in self._names)
        return "infant" if alone and not mothers and not re.search(_MAYBE_MOTHER, plain) else UNDECIDED

    def _record(self, unique: set[str]) -> str:
        """A column that numbers the rows, as far as they were looked at; a visit alone does not."""
        keys = [name for name in self._names if self._is_key(name)]
        record = next((name for name in [*keys, self.subject] if name in unique), "")
        self.used.update(keys)  # a sample's number is no date
        return record

    def _is_key(self, name: str) -> bool:
        plain = _plain(name)
        is_other = name in self.used or re.search(_MOTHER, plain) or any(re.search(t.header, plain) for t in _TESTS)
        return not is_other and re.search(_RECORD, plain) is not None

    def _one(self, pattern: str) -> str:
        # A mother's birth date, sample or weight is none of the infant's.
        free = (name for name in self._names if name not in self.used and not re.search(_MOTHER, _plain(name)))
        name = next((name for name in free if re.search(pattern, _plain(name))), "")
        if name:
            self.used.add(name)
        return name

    def _test(self, name: str) -> _Test | None:
        found = next((test for test in _TESTS if name not in self.used and re.search(test.header, _plain(name))), None)
        if found:
            self.used.add(name)
        return found


def _file(path: Path, table: Table, cells: list[list[Cell]], sheet: str | None, header: int) -> Iterator[str]:
    yield "[file]"
    if path.suffix.lower() in WORKBOOKS:
        if sheet:
            yield f"sheet = {_text(sheet)}"
    else:
        dialect = csv_dialect(path, Layout())
        yield f"encoding = {_text(dialect.encoding)}"
        yield f"delimiter = {_text(dialect.delimiter)}"
    if header > 1:
        yield f"header_row = {header} # the rows above were taken for titles"
    texts = [cell for row in cells for cell in row if isinstance(cell, str)]
    yield f"decimal = {_text(decimal_mark(texts))}"
    order, why = date_order(texts)
    if order:
        yield f"date_order = {_text(order)} # {why}"
    words = json.dumps(missing(texts), ensure_ascii=False)
    yield f"missing = {words} # texts that stand for nothing, as written; an empty cell always does"
    if table.note:
        yield f"# {table.note}"


def _events(found: _Found) -> Iterator[list[str]]:
    if found.birth or found.sex:
        yield [
            "[[event]]",
            'name = "enrolment"',
            'kind = "enrolment"',
            *(
                [f"identify = {_text(found.subject)}", "once = true # several rows may repeat it"]
                if found.record != found.subject
                else []
            ),
            'constants = { person = "infant", group = "?" } # suspected, screened, control, sibling or comparator',
            "[event.columns]",
            f"birth = {_text(found.birth)}",
            f'sex = {{ column = {_text(found.sex)}, values = {{ M = "male", F = "female" }} }}',
        ]
    names: set[str] = set()
    for column, test in found.tests:
        yield _result(column, test, found.person(column, test), _unique(test.name, names), found.collected)
    if found.growth:
        lines = [f"{field} = {_text(name)}" for field, name in found.growth.items()]
        yield [
            "[[event]]",
            'name = "growth"',
            'kind = "growth"',
            "[event.columns]",
            *lines,
            f"measured = {_text(found.collected)}",
        ]
    if not (found.birth or found.sex or found.tests or found.growth):
        yield [
            "# No column told what it holds: say the kind of event that a row gives, and the columns of its fields.",
            "# The kinds and their fields stand in the data dictionary.",
            "[[event]]",
            f"name = {_text(UNDECIDED)}",
            f"kind = {_text(UNDECIDED)}",
        ]


def _result(column: str, test: _Test, person: str, name: str, collected: str) -> list[str]:
    plain = _plain(column)
    units = [unit for unit in test.codes if _plain(unit) in plain]
    unit = units[0] if units else (next(iter(test.codes)) if len(test.codes) == 1 else UNDECIDED)
    loinc = test.codes.get(unit, UNDECIDED)
    choices = ", ".join(f"{code} in {known}" for known, code in test.codes.items())
    remark = f" # {choices}" if loinc == UNDECIDED else ""
    return [
        "[[event]]",
        f"name = {_text(name)}",
        'kind = "lab_result"',
        "[event.constants]",
        f"person = {_text(person)}" + (" # infant, mother or comparator" if person == UNDECIDED else ""),
        f"loinc = {_text(loinc)}{remark}",
        f"unit = {_text(unit)}",
        f"specimen = {_text(test.specimen)} # as it is at your lab",
        "[event.columns]",
        f"value = {_text(column)}",
        f"collected = {_text(collected)}",
    ]


def _unique(name: str, taken: set[str]) -> str:
    found = next(each for n in range(1, 1000) if (each := name if n == 1 else f"{name}_{n}") not in taken)
    taken.add(found)
    return found


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text.replace("µ", "u")).lower()).strip("_")


def _text(text: str) -> str:
    """TOML's basic string is JSON's, but for DEL."""
    return json.dumps(text or UNDECIDED, ensure_ascii=False).replace("\x7f", "\\u007f")


def _one_line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
