"""The closed lists: analytes with their LOINC codes and units, signs, milestones, instruments, regions.

The tables are data in `contracts/tables`, each entry with its source; nothing here knows a number.
"""

import tomllib
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

_TWELVE_PLACES = Decimal("1e-12")
_EXACT = Context(prec=60)
"""Wide enough for every product: the default context rounds to 28 digits."""


class Code(NamedTuple):
    """One LOINC code of an analyte."""

    loinc: str
    analyte: str
    name: str
    specimens: frozenset[str]
    factors: dict[str, Decimal]
    """Canonical units per accepted UCUM unit, every accepted spelling of it included."""
    canonical_unit: str


class Instrument(NamedTuple):
    """A developmental instrument: scores are comparable only within one edition and domain."""

    editions: dict[str, frozenset[str]]
    """The domains of each edition."""


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
    analytes = table("analytes")
    spellings: dict[str, list[str]] = analytes["aliases"]
    return {
        code["loinc"]: Code(
            code["loinc"],
            analyte["id"],
            code["name"],
            frozenset(analyte["specimens"]),
            {
                spelling: Decimal(factor)
                for unit, factor in code["units"].items()
                for spelling in (unit, *spellings.get(unit, ()))
            },
            analyte["unit"],
        )
        for analyte in analytes["analyte"]
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
        entry["code"]: Instrument({edition["code"]: frozenset(edition["domains"]) for edition in entry["edition"]})
        for entry in table("instruments")["instrument"]
    }


@cache
def diffusivity_factors() -> dict[str, Decimal]:
    """Square millimetres per second in each accepted unit of diffusivity."""
    return {entry["ucum"]: Decimal(entry["factor"]) for entry in table("diffusivity")["diffusivity_unit"]}


def exact_product(value: Decimal, factor: Decimal) -> Decimal:
    """The product without rounding: a door's number has at most 28 digits, a factor at most 10."""
    return _EXACT.multiply(value, factor)


def convert(loinc: str, unit: str, value: Decimal) -> Canonical:
    """The value in the canonical unit: the exact product with the table's factor, to 12 decimal places.

    Raises KeyError for a code or a unit that the table does not hold.
    """
    code = loinc_codes()[loinc]
    product = exact_product(value, code.factors[unit])
    return Canonical(code.analyte, product.quantize(_TWELVE_PLACES, ROUND_HALF_UP, _EXACT), code.canonical_unit)


def check_digit(loinc: str) -> bool:
    """Whether the digit behind the hyphen is the mod-10 check digit of the digits before it."""
    number, _, digit = loinc.partition("-")
    total = 0
    for position, character in enumerate(reversed(number)):
        doubled = int(character) * (2 if position % 2 == 0 else 1)
        total += doubled // 10 + doubled % 10
    return str(-total % 10) == digit
