"""A mapping file: which column of a lab's table is what, written by the lab in TOML.

What the keys may hold. Reading and checking such a file belongs to `sites.mapping_file`, applying it to `sites.drafts`.
"""

import difflib
from collections.abc import Iterable
from functools import cache
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from contracts.events import DATA
from contracts.readable import readable
from sites.cells import DateOrder
from sites.reading import Layout

NEEDS: dict[str, tuple[str, ...]] = {
    "lab_result": ("value", "status"),
    "imaging": ("value",),
    "assessment": ("score", "category", "status"),
    "growth": ("weight_g", "length_cm", "head_circumference_cm"),
    "milestone": ("status",),
    "symptom": ("status",),
    "dose": ("status",),
    "condition": ("code",),
}
"""Fields of each kind of which a row must fill one, where a column gives them: else it is no event."""


class FileLayout(Layout, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[file]`: how the table is written."""

    decimal: Literal[".", ","] = "."
    date_order: DateOrder | None = None
    century: int | None = None
    missing: tuple[str, ...] = ()
    time_zone: str | None = None


class Join(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[[join]]`: another file, beside this one, whose columns are then `NAME.COLUMN`."""

    name: str
    file: str
    key: str
    """Column of the main file."""
    other_key: str | None = None
    """Column of the joined file; `key` when absent."""
    required: bool = True
    """A row without partner is a problem; else its joined columns are empty."""


class Condition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `when`: every key that is given must hold. A comparison with an empty cell does not hold."""

    column: str
    is_: Any = msgspec.field(name="is", default=None)
    is_not: Any = None
    one_of: tuple[Any, ...] | None = None
    none_of: tuple[Any, ...] | None = None
    below: Any = None
    above: Any = None
    at_least: Any = None
    at_most: Any = None
    given: bool | None = None


Conditions = Condition | tuple[Condition, ...] | None


class Take(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way to a value: exactly one source, and how it is read."""

    column: str | None = None
    columns: tuple[str, ...] | None = None
    value: Any = None
    age_days: str | None = None
    age_weeks: str | None = None
    age_months: str | None = None
    age_years: str | None = None
    days_after: str | None = None
    weeks_after: str | None = None
    months_after: str | None = None

    on: str | None = None
    on_column: str | None = None
    since: str | None = None
    time: str | None = None
    between: str = "-"
    values: dict[str, Any] | None = None
    otherwise: Any = None
    missing: tuple[str, ...] = ()
    extract: str | None = None
    split: str = ";"
    decimal: Literal[".", ","] | None = None
    date_order: DateOrder | None = None
    century: int | None = None
    when: Conditions = None


Names = str | tuple[str, ...]
"""One column or several."""

AGES = ("age_days", "age_weeks", "age_months", "age_years")
SPANS = ("days_after", "weeks_after", "months_after")
SOURCES = ("column", "columns", "value", *AGES, *SPANS)

Source = str | Take | tuple[str | Take, ...]
"""A column's name, one way to a value, or several, of which the first that gives one counts."""


class Output(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[[event]]`: an event that a row gives."""

    name: str
    kind: str
    subject: str | None = None
    identify: Names | None = None
    when: Conditions = None
    needs: tuple[str, ...] | None = None
    once: bool = False
    constants: dict[str, Any] = {}
    columns: dict[str, Source] = {}


@readable
class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole mapping file."""

    subject: str | None = None
    """Column of the infant's study code, for every event that names none."""
    identify: Names = ()
    """Columns that together identify a row for good, for every event that names none."""
    file: FileLayout = FileLayout()
    join: tuple[Join, ...] = ()
    computed: dict[str, Source] = {}
    """Columns made from others, by their new names."""
    event: tuple[Output, ...] = ()

    @property
    def zone(self) -> ZoneInfo | None:
        """Zone of times that name none, where the mapping says it."""
        return ZoneInfo(self.file.time_zone) if self.file.time_zone else None


def alternatives(source: Source) -> tuple[Take, ...]:
    """The ways to a value, each written out."""
    entries = source if isinstance(source, tuple) else (source,)
    return tuple(Take(column=entry) if isinstance(entry, str) else entry for entry in entries)


def conditions(when: Conditions) -> tuple[Condition, ...]:
    """The conditions, all of which must hold."""
    if when is None:
        return ()
    return when if isinstance(when, tuple) else (when,)


def names(given: Names | None) -> tuple[str, ...]:
    """The columns that were named."""
    return (given,) if isinstance(given, str) else given or ()


def near(name: str, known: Iterable[str]) -> str:
    """A hint at the known name that was probably meant."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


@cache
def field_types(kind: str) -> dict[str, tuple[Any, bool]]:
    """The type of each field of a kind, and whether it is required."""
    return {
        field.name: (field.type, field.default is msgspec.NODEFAULT) for field in msgspec.structs.fields(DATA[kind])
    }
