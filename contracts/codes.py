"""The closed lists: analytes with their LOINC codes and units, signs, milestones, instruments, regions.

The tables are data in `contracts/tables`, each entry with its source; nothing here knows a number.
"""

import tomllib
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

_TWELVE_PLACES = Decimal("1e-12")


class Code(NamedTuple):
    """One LOINC code of an analyte."""

    loinc: str
    analyte: str
    name: str
    specimens: frozenset[str]
    factors: dict[str, Decimal]
    """Canonical units per accepted UCUM unit."""
    canonical_unit: str


class Instrument(NamedTuple):
    """A developmental instrument: scores are comparable only within one edition and domain."""

    editions: frozenset[str]
    domains: frozenset[str]


class Canonical(NamedTuple):
    """A value in its analyte's canonical unit."""

    analyte: str
    value: Decimal
    unit: str


def table(name: str) -> Any:
    """One file of `contracts/tables`, parsed."""
    return tomllib.loads(files("contracts").joinpath("tables", f"{name}.toml").read_text(encoding="utf-8"))


@cache
def loinc_codes() -> dict[str, Code]:
    """Every accepted LOINC code."""
    return {
        code["loinc"]: Code(
            code["loinc"],
            analyte["id"],
            code["name"],
            frozenset(code.get("specimens", analyte["specimens"])),
            {unit: Decimal(factor) for unit, factor in code["units"].items()},
            analyte["unit"] if "unit" not in code else code["unit"],
        )
        for analyte in table("analytes")["analyte"]
        for code in analyte["code"]
    }


@cache
def closed_list(name: str) -> frozenset[str]:
    """The codes of one table whose entries each have a `code`: signs, milestones, regions, instruments."""
    return frozenset(entry["code"] for entry in table(name)[name.removesuffix("s")])


@cache
def instruments() -> dict[str, Instrument]:
    """Every accepted developmental instrument."""
    return {
        entry["code"]: Instrument(frozenset(entry["editions"]), frozenset(entry["domains"]))
        for entry in table("instruments")["instrument"]
    }


def convert(loinc: str, unit: str, value: Decimal) -> Canonical:
    """The value in the canonical unit: the exact product with the table's factor, to 12 decimal places.

    Raises KeyError for a code or a unit that the table does not hold.
    """
    code = loinc_codes()[loinc]
    product = value * code.factors[unit]
    return Canonical(code.analyte, product.quantize(_TWELVE_PLACES, ROUND_HALF_UP), code.canonical_unit)


def check_digit(loinc: str) -> bool:
    """Whether the digit behind the hyphen is the mod-10 check digit of the digits before it."""
    number, _, digit = loinc.partition("-")
    total = 0
    for position, character in enumerate(reversed(number)):
        doubled = int(character) * (2 if position % 2 == 0 else 1)
        total += doubled // 10 + doubled % 10
    return str(-total % 10) == digit
