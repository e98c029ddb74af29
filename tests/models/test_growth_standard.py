"""The z-scores against published worked values and against other programs, and the figures against their source.

The other programs are under copyleft and stay outside: growth_oracles.csv holds what these versions of them answered,
once, for made-up children, the corrected age among it. Each is known to differ in places, which contracts/tables/
growth_standard.md names; cgmzscore also rounds S of weight for age, and both it and WHO round z to two digits.
"""

import csv
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from registry import definitions
from tests.models.built import rows
from tests.models.cohort import Cohort

Row = dict[str, Any]
ORACLES = Path(__file__).with_name("growth_oracles.csv")
TOLERANCE = {"cgmzscore 3.3.1": Decimal("0.011"), "rcpchgrowth 4.6.5": Decimal("0.0051")}

README = "R package anthro, World Health Organization: README, example of anthro_zscores"
TESTS = "R package anthro, World Health Organization: tests/testthat"
WORKED = [
    # sex, day, position, kg, cm, what of it, z, flagged, source
    ("male", 1001, None, 18, 120, "length_for_age", "7.31", True, README),
    ("male", 1001, None, 18, 120, "weight_for_age", "2.20", False, README),
    ("male", 1001, None, 18, 120, "weight_for_length", "-2.39", False, README),
    ("male", 1001, None, 18, 120, "bmi_for_age", "-3.01", False, README),
    ("female", 1000, None, 15, 80, "length_for_age", "-3.50", False, README),
    ("female", 1000, None, 15, 80, "weight_for_age", "0.95", False, README),
    ("female", 1000, None, 15, 80, "weight_for_length", "4.13", False, README),
    ("female", 1000, None, 15, 80, "bmi_for_age", "4.66", False, README),
    ("male", 1010, None, 10, 100, "length_for_age", "1.62", False, README),
    ("male", 1010, None, 10, 100, "weight_for_age", "-2.76", False, README),
    ("male", 1010, None, 10, 100, "weight_for_length", "-5.19", True, README),
    ("male", 1010, None, 10, 100, "bmi_for_age", "-5.61", True, README),
    ("male", 1000, None, 15, 100, "length_for_age", "1.70", False, README),
    ("male", 1000, None, 15, 100, "weight_for_age", "0.69", False, README),
    ("male", 1000, None, 15, 100, "weight_for_length", "-0.29", False, README),
    ("male", 1000, None, 15, 100, "bmi_for_age", "-0.58", False, README),
    ("male", 987, "lying", None, "72.86", "length_for_age", "-6.09", True, TESTS),
    ("female", 1522, None, 17, None, "weight_for_age", "0.24", False, TESTS),
    ("female", 731, None, None, "77.5", "length_for_age", "-2.55", False, TESTS),
    ("male", 244, "standing", None, 60, "length_for_age", "-4.81", False, TESTS),
    ("male", 274, "standing", None, 60, "length_for_age", "-5.02", False, TESTS),
    ("female", 365, None, 9, None, "weight_for_age", "0.05", False, "Grellety, figshare 4294085: 0.04885"),
]
HEADS = [
    # sex, day, M, S: data-raw/growthstandards/hcanthro.txt of the R package anthro
    ("male", 14, "35.8649", "0.03258"),
    ("male", 365, "46.0637", "0.02789"),
    ("male", 649, "47.8874", "0.02811"),
    ("female", 400, "45.2124", "0.03018"),
    ("female", 731, "47.1845", "0.02957"),
    ("female", 1000, "48.2269", "0.02923"),
]


@pytest.fixture(scope="module")
def oracles() -> list[dict[str, str]]:
    with ORACLES.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def found(oracles: list[dict[str, str]]) -> dict[tuple[str, int, str], Row]:
    """The rows of every child here, by list, place in it, and index."""
    cohort = Cohort()
    told = {}
    for place, (sex, day, position, kg, cm, *_) in enumerate(WORKED):
        grams = None if kg is None else kg * 1000
        infant = cohort.infant(sex=sex)
        told[infant.measured(day, weight_g=grams, length_cm=cm, position=position)] = ("worked", place)
    for place, child in enumerate(oracles):
        infant = cohort.infant(sex=child["sex"], gestation_total_days=int(child["gestation_days"]))
        names = ("weight_g", "length_cm", "head_circumference_cm")
        measured = {name: Decimal(child[name]) if child[name] else None for name in names}
        told[infant.measured(int(child["age_days"]), **measured)] = ("oracle", place)
    connection = cohort.build("research.growth")
    scored = rows(connection, "FROM research.growth")
    connection.close()
    return {(*told[row["record_key"]], row["index"]): row for row in scored}


@pytest.mark.parametrize("place", range(len(WORKED)), ids=lambda place: f"{WORKED[place][5]}-{place}")
def test_a_published_worked_value_comes_out_digit_for_digit(place: int, found: dict[tuple[str, int, str], Row]) -> None:
    *_, index, z, flagged, _ = WORKED[place]
    row = found["worked", place, index]
    assert (row["z"], row["is_implausible"]) == (Decimal(z), flagged)


def test_other_programs_find_the_same(oracles: list[dict[str, str]], found: dict[tuple[str, int, str], Row]) -> None:
    apart = [
        (child, column, row[column])
        for place, child in enumerate(oracles)
        for row in [found["oracle", place, child["index"]]]
        for column in ("z", "z_uncorrected")
        if abs(row[column] - Decimal(child[column])) > TOLERANCE[child["oracle"]]
    ]
    assert apart == []
    assert {child["oracle"] for child in oracles} == set(TOLERANCE)
    assert sum(child["z"] != child["z_uncorrected"] for child in oracles) >= 10
    assert sum(abs(Decimal(child["z"])) > 3 for child in oracles) >= 10


def test_the_standard_is_whole() -> None:
    (standard,) = (table for table in definitions.tables() if table.name == "growth_standard")
    connection = Cohort().build("research.growth")
    counted = connection.execute(
        "SELECT index, sex, position, count(*), count(DISTINCT day_or_cm), min(day_or_cm), max(day_or_cm)"
        " FROM definitions.growth_standard GROUP BY ALL"
    ).fetchall()
    whole = {
        **{
            (index, position): span
            for index in ("weight_for_age", "length_for_age", "bmi_for_age", "head_circumference_for_age")
            for position, span in (("lying", (731, 731, 0, 730)), ("standing", (1096, 1096, 731, 1826)))
        },
        ("weight_for_length", "lying"): (651, 651, 45, 110),
        ("weight_for_length", "standing"): (551, 551, 65, 120),
    }
    assert {(index, sex, position): tuple(span) for index, sex, position, *span in counted} == {
        (index, sex, position): span for (index, position), span in whole.items() for sex in ("female", "male")
    }
    assert standard.rows == ()
    heads = connection.execute(
        "SELECT sex, day_or_cm::INTEGER, m, s FROM definitions.growth_standard"
        " WHERE index = 'head_circumference_for_age'"
    ).fetchall()
    connection.close()
    assert {(sex, day, Decimal(m), Decimal(s)) for sex, day, m, s in HEADS} <= set(heads)


def test_no_figure_jumps() -> None:
    """A digit lost in copying would stand out from its neighbours; only newborns' weight turns sharply."""
    connection = Cohort().build("research.growth")
    jumps = connection.execute(
        """
        SELECT index, sex, position, day_or_cm
        FROM (
            SELECT
                *,
                abs(m - (lag(m) OVER near + lead(m) OVER near) / 2) / m AS of_m,
                abs(s - (lag(s) OVER near + lead(s) OVER near) / 2) / s AS of_s,
                abs(l - (lag(l) OVER near + lead(l) OVER near) / 2) AS of_l
            FROM definitions.growth_standard
            WINDOW near AS (PARTITION BY index, sex, position ORDER BY day_or_cm)
        )
        WHERE day_or_cm > 14 AND (of_m > 0.0002 OR of_s > 0.0002 OR of_l > 0.0005)
        """
    ).fetchall()
    connection.close()
    assert jumps == []
