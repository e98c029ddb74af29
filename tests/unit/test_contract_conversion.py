"""The factors agree with an independent library of units and with the molar masses that the tables name."""

import warnings
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import codes

if TYPE_CHECKING:
    import pint

UCUM = {
    "10*3/uL": "1e3 / uL",
    "10*9/L": "1e9 / L",
    "10*-3.mm2/s": "1e-3 mm**2 / s",
    "mm2/s": "mm**2 / s",
    "um2/ms": "um**2 / ms",
    "um2/s": "um**2 / s",
    "um3": "um**3",
    "meq/L": "mmol/L",  # potassium has one charge
}
"""How pint spells what it does not read as UCUM writes it."""
UCUM |= {ucum.replace("L", "l"): spelling for ucum, spelling in UCUM.items()}
MASSES = {analyte["id"]: analyte.get("molar_mass") for analyte in codes.table("analytes")["analyte"]}
CONVERSIONS = [(loinc, unit) for loinc, code in codes.loinc_codes().items() for unit in code.factors if "{" not in unit]


@cache
def units() -> "pint.UnitRegistry":
    """Read by the one worker that converts anything; every worker of a run imports this module."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pint
    return pint.UnitRegistry(non_int_type=Decimal)


def quantity(value: Decimal, ucum: str) -> "pint.Quantity":
    return value * units().parse_expression(UCUM.get(ucum, ucum))


def by_pint(loinc: str, unit: str, value: Decimal) -> Decimal:
    code = codes.loinc_codes()[loinc]
    reported, canonical = quantity(value, unit), quantity(Decimal(1), code.canonical_unit)
    ratio = reported / canonical
    if not ratio.dimensionless:
        mass = Decimal(MASSES[code.analyte]) * units()("g/mol")
        ratio = ratio / mass if (ratio / mass).dimensionless else ratio * mass
    return Decimal(ratio.to("dimensionless").magnitude)


@pytest.mark.parametrize(("loinc", "unit"), CONVERSIONS)
def test_every_factor_agrees_with_the_molar_mass(loinc: str, unit: str) -> None:
    assert codes.convert(loinc, unit, Decimal(1000)).value == pytest.approx(
        by_pint(loinc, unit, Decimal(1000)), rel=Decimal("1e-5")
    )


@given(
    conversion=st.sampled_from(CONVERSIONS),
    value=st.decimals("0.001", "9999999999", places=3),
)
def test_a_conversion_agrees_with_pint_at_any_value(conversion: tuple[str, str], value: Decimal) -> None:
    assert codes.convert(*conversion, value).value == pytest.approx(by_pint(*conversion, value), rel=Decimal("1e-5"))


@pytest.mark.parametrize("unit", sorted(codes.diffusivity_factors()))
def test_diffusivities_agree_with_pint(unit: str) -> None:
    expected = quantity(Decimal(1), unit).to(units()("mm**2/s").units).magnitude
    assert codes.diffusivity_factors()[unit] == pytest.approx(Decimal(expected), rel=Decimal("1e-12"))


@given(st.sampled_from(CONVERSIONS), st.decimals(-(10**15), 10**15, places=12))
def test_a_conversion_is_the_exact_product_rounded_once_to_twelve_places(
    conversion: tuple[str, str], value: Decimal
) -> None:
    factor = codes.loinc_codes()[conversion[0]].factors[conversion[1]]
    numerator, denominator = (value.as_integer_ratio()[i] * factor.as_integer_ratio()[i] for i in (0, 1))
    converted = codes.convert(*conversion, value).value
    error = converted.as_integer_ratio()[0] * denominator - numerator * converted.as_integer_ratio()[1]
    assert abs(error) * 2 * 10**12 <= denominator * converted.as_integer_ratio()[1]
