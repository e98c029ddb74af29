"""Conformance of a kind's current rows with the contract: its structs, closed lists, codes and units.

The door asked the same of each delivery, but by the contract of its day: a list that lost a code shows here. What a
site's rows must look like as a whole stands in suites.py.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from contracts import codes
from contracts.events import DATA
from contracts.kinds.base import Data
from contracts.shapes import shapes
from expectations.checks import Check, literal
from expectations.current import check

_CLOSED_LISTS = {"milestone": ("code", "milestones"), "symptom": ("code", "signs"), "imaging": ("region", "regions")}


def conformance(kind: str) -> Iterator[Check]:
    """Every such check of one kind; a single failing row is too many."""
    struct = DATA[kind]
    required = [
        column for field in msgspec.structs.fields(struct) if field.required for column in _columns(struct, field.name)
    ]
    keys = ["id_key", "subject_key", "record_key", "event_time"]
    yield check(
        kind,
        "required_fields",
        "Every required field has a value.",
        " OR ".join(f"{column} IS NULL" for column in keys + required),
    )
    for field, values in _listed(struct).items():
        if shapes(struct)[field] == "list":
            failing = f'len(list_filter("{field}", lambda code: code NOT IN ({_in(values)}))) > 0'
            yield check(kind, f"{field}_listed", f"Every code in {field} is in the contract's list.", failing)
        else:
            yield _in_list(kind, field, values)
    if dates := [name for name, shape in shapes(struct).items() if shape == "when"]:
        failing = " OR ".join(f"(({field}_date IS NULL) <> ({field}_precision IS NULL))" for field in dates)
        yield check(kind, "precisions", "Every date has a precision, and only a date has one.", failing)
    yield from _codes(kind)


def _in_list(kind: str, field: str, values: Any) -> Check:
    return check(
        kind,
        f"{field}_listed",
        f"{field} is in the contract's list.",
        f'"{field}" NOT IN ({_in(values)})',
        expectation="expect_column_values_to_be_in_set",
        arguments={"column": field, "value_set": sorted(values)},
        applies=f'"{field}" IS NOT NULL',
    )


def _codes(kind: str) -> Iterator[Check]:
    if kind == "lab_result":
        loincs = codes.loinc_codes()
        units = ", ".join(
            f"({literal(k)}, {literal(unit)})" for k, code in sorted(loincs.items()) for unit in sorted(code.factors)
        )
        specimens = ", ".join(
            f"({literal(k)}, {literal(s)})" for k, code in sorted(loincs.items()) for s in sorted(code.specimens)
        )
        yield _in_list(kind, "loinc", loincs)
        yield check(
            kind,
            "unit_fits_code",
            "The unit is one that the LOINC code can have, so it has a factor.",
            f"(loinc, unit) NOT IN ({units})",
            applies="unit IS NOT NULL",
        )
        yield check(
            kind,
            "specimen_fits_code",
            "The specimen is one that the code is for.",
            f"(loinc, specimen) NOT IN ({specimens})",
        )
        yield check(
            kind,
            "value_and_unit",
            "A result that is not cancelled has a value and a unit.",
            "value IS NULL OR unit IS NULL",
            applies="status <> 'cancelled'",
        )
    elif kind == "condition":
        yield check(
            kind,
            "code_is_of_a_system",
            "The code names its system: ICD-10, SNOMED CT or HPO.",
            "NOT regexp_full_match(code, '(ICD10:[A-Z][0-9]{2}(\\.[0-9A-Z]{1,4})?|SNOMED:[0-9]{6,18}|HP:[0-9]{7})')",
        )
    elif kind == "assessment":
        domains = ", ".join(
            f"({literal(code)}, {literal(edition)}, {literal(domain)})"
            for code, instrument in sorted(codes.instruments().items())
            for edition, names in sorted(instrument.editions.items())
            for domain in sorted(names)
        )
        yield check(
            kind,
            "domain_of_edition",
            "The domain belongs to the edition of the instrument.",
            f"(instrument, edition, domain) NOT IN ({domains})",
        )
    elif kind in _CLOSED_LISTS:
        field, name = _CLOSED_LISTS[kind]
        yield _in_list(kind, field, codes.closed_list(name))


def _columns(struct: type[Data], field: str) -> list[str]:
    shape = shapes(struct)[field]
    ending = {"when": "_date", "mother": "_key", "scan": "_key", "record": "_key"}.get(shape, "")
    return [f'"{field}{ending}"']


def _listed(struct: type[Data]) -> dict[str, tuple[str, ...]]:
    """The fields whose codes stand in the struct itself."""
    found = {}
    info = msgspec.inspect.type_info(struct)
    assert isinstance(info, msgspec.inspect.StructType)  # noqa: S101  # narrows the type
    for field in info.fields:
        if values := _literals(field.type):
            found[field.name] = values
    return found


def _literals(info: msgspec.inspect.Type) -> tuple[str, ...]:
    if isinstance(info, msgspec.inspect.LiteralType):
        return tuple(str(value) for value in info.values)
    if isinstance(info, msgspec.inspect.UnionType):
        return next((found for member in info.types if (found := _literals(member))), ())
    if isinstance(info, msgspec.inspect.VarTupleType):
        return _literals(info.item_type)
    return ()


def _in(values: Any) -> str:
    return ", ".join(literal(value) for value in sorted(values))
