"""Cohorts in which treatment does nothing: what the definitions read as recovery all the same. And one where it works.

The registry agrees with the truth about them row for row, so the figures are taken from the truth.
"""

from dataclasses import replace
from statistics import mean
from typing import NamedTuple

import duckdb
import pytest

from b12.demo import cohort, infants
from b12.demo.simulator import HOMOCYSTEINE, Knobs, Quantity, Simulated, simulated
from b12.demo.truth.core import Row
from b12.demo.truth.keys import Key
from registry.models import load_models
from tests.truth_build import built
from tests.truth_comparison import differences

SEED = 7
GROWING_UP = replace(HOMOCYSTEINE, maturation=-0.09)
"""Who grows up needs less of it each month, treated or not."""
ZERO_EFFECT = {
    "selection": Knobs(dyads=45, homocysteine=replace(HOMOCYSTEINE, error=0.25)),
    "maturation": Knobs(
        dyads=30, homocysteine=replace(GROWING_UP, error=0.0), score=Quantity(92.0, 12.0, 0.0, is_relative=False)
    ),
    "adherence": Knobs(dyads=60, missed=0.5, drops_out=0.3, homocysteine=GROWING_UP),
    "attendance": Knobs(dyads=30, homocysteine=GROWING_UP, attends=(0.95, 0.4)),
    "everything": Knobs(
        dyads=30,
        site="SYN03",
        homocysteine=replace(HOMOCYSTEINE, error=0.25),
        mma=Quantity(0.3, 0.3, 0.2),
        haemoglobin=Quantity(104.0, 7.0, 4.0, is_relative=False),
        scans=(0, 180),
        radial=Quantity(0.8, 0.08, 0.0, maturation=-0.02),
        axial=Quantity(1.4, 0.05, 0.0),
    ),
}
WORKS = Knobs(
    dyads=30,
    homocysteine=replace(HOMOCYSTEINE, error=0.0, treatment=-0.45),
    mma=Quantity(2.0, 0.4, 0.0, treatment=-0.88),
    haemoglobin=Quantity(100.0, 6.0, 0.0, treatment=9.0, is_relative=False),
    score=Quantity(80.0, 6.0, 0.0, treatment=7.0, is_relative=False),
)
"""A treatment that works, measured without error: what is read is what is true."""
COHORTS = ZERO_EFFECT | {"works": WORKS}


class Read(NamedTuple):
    """What the truth reads in the cohorts, and what is behind the measurements."""

    rows: dict[str, list[Row]]
    behind: dict[str, list[Simulated]]
    cohort_of: dict[Key, str]

    def of(self, name: str, table: str, **said: object) -> list[Row]:
        """Rows of one cohort that say so."""
        rows = [row for row in self.rows[table] if self.cohort_of.get(row["subject_key"]) == name]
        return [row for row in rows if said.items() <= row.items()]

    def states(self, name: str, dimension: str, visit: str) -> list[str]:
        """Of those at risk."""
        rows = self.of(name, "research.recovery", dimension=dimension, visit=visit, is_at_risk=True)
        return [row["state"] for row in rows]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Read:
    behind = {name: simulated(SEED, name, knobs) for name, knobs in COHORTS.items()}
    courses = [infant.course for cases in behind.values() for infant in cases]
    registry = built(tmp_path_factory.mktemp("zero"), cohort.told(SEED, courses))
    answers = {name: rows for name, rows in registry.truth.items() if not name.startswith("core.")}
    with duckdb.connect(str(registry.candidate), read_only=True) as connection:
        assert differences(connection, answers, registry.home.secret()) == {}
    everyone = infants.infants(SEED, courses)
    return Read(registry.truth, behind, {Key("subject", i.partner.id, i.code): i.course.name for i in everyone})


def test_selection_and_measurement_error_alone_are_read_as_recovery(read: Read) -> None:
    assert all(infant.homocysteine[0] == infant.homocysteine[-1] for infant in read.behind["selection"])
    assert "recovered" in read.states("selection", "biochemical", "months_6")
    assert "recovered" in read.states("selection", "developmental", "months_6")


def test_growing_up_alone_is_read_as_recovery_as_often_as_it_happens(read: Read) -> None:
    true = sum(infant.homocysteine[-1] <= 6.5 for infant in read.behind["maturation"])
    states = read.states("maturation", "biochemical", "months_6")
    assert true > 0
    rounded = sum(round(infant.homocysteine[-1], 1) <= 6.5 for infant in read.behind["maturation"])
    assert states.count("recovered") == rounded
    assert "recovered" not in read.states("maturation", "developmental", "months_6")


def test_doses_over_the_whole_follow_up_go_with_recovery_and_the_regimen_does_not(read: Read) -> None:
    given = {row["subject_key"]: row["doses_given"] for row in read.of("adherence", "research.adherence")}
    begun = {row["subject_key"]: row["regimen_doses"] for row in read.of("adherence", "research.cases")}
    seen = read.of("adherence", "research.recovery", dimension="biochemical", visit="months_6")
    recovered = {row["subject_key"] for row in seen if row["state"] == "recovered"}
    others = given.keys() - recovered
    assert mean(given[key] for key in recovered) > mean(given[key] for key in others) + 1
    assert abs(mean(begun[key] for key in recovered) - mean(begun[key] for key in others)) < 0.5


def test_who_does_not_come_stays_in_the_denominator_with_a_reason(read: Read) -> None:
    rows = read.of("attendance", "research.recovery", dimension="biochemical", visit="months_6")
    absent = [row for row in rows if row["state"] == "not_assessable"]
    assert len(rows) == ZERO_EFFECT["attendance"].dyads
    assert all(row["is_at_risk"] for row in rows)
    assert absent
    assert {row["reason"] for row in absent} == {"no_follow_up"}
    true = mean(infant.homocysteine[-1] <= 6.5 for infant in read.behind["attendance"])
    recovered = sum(row["state"] == "recovered" for row in rows)
    assert recovered / (len(rows) - len(absent)) > true, "a share of the assessed alone is too high"


def test_measurement_error_alone_is_read_as_recovery_of_blood_counts_and_of_mma(read: Read) -> None:
    behind = read.behind["everything"]
    assert all(len(set(infant.mma)) == len(set(infant.haemoglobin)) == 1 for infant in behind)
    assert {"recovered", "not_recovered"} <= set(read.states("everything", "haematological", "months_6"))
    assert {"recovered", "not_recovered"} <= set(read.states("everything", "biochemical", "months_6"))


def test_growing_up_alone_changes_scans_and_is_recovery_of_nothing(read: Read) -> None:
    changes = [row for row in read.of("everything", "research.dti_changes") if row["change"] is not None]
    across = [row["change"] for row in changes if row["metric"] == "rd"]
    assert len(across) == 3 * ZERO_EFFECT["everything"].dyads
    assert all(change < 0 for change in across)
    assert all(row["change"] > 0 for row in changes if row["metric"] == "fa")
    states = {row["state"] for row in read.of("everything", "research.recovery", dimension="imaging")}
    assert states == {"not_assessable"}


def test_a_treatment_that_works_is_read_as_it_is_where_nothing_is_measured_wrongly(read: Read) -> None:
    behind = read.behind["works"]
    # At six months everyone is a year old: the limit of MMA is 0.30.
    well = sum(round(i.homocysteine[-1], 1) <= 6.5 and round(i.mma[-1], 3) <= 0.30 for i in behind)
    assert 0 < well < len(behind)
    assert read.states("works", "biochemical", "months_6").count("recovered") == well
    low = [infant for infant in behind if round(infant.score[0]) < 85]
    states = read.states("works", "developmental", "months_6")
    assert len(states) == len(low)
    assert states.count("recovered") == sum(round(infant.score[-1]) >= 85 for infant in low)


_SAYS_SO = ("not an effect of treatment", "not separable from maturation")


def _changes(name: str) -> bool:
    """Tables that show one infant before and after, or how much it was given while it was watched."""
    table = name.removeprefix("research.")
    shown = ("recovery", "time_to_recovery", "relapses", "development", "growth", "dti_changes", "adherence")
    return table.startswith(shown) and table != "recovery_visits"


def test_every_table_of_a_change_says_that_it_is_no_effect_of_treatment() -> None:
    changing = [model for model in load_models() if model.layer == "research" and _changes(model.name)]
    assert len(changing) > 15
    silent = [model.name for model in changing if not any(said in model.description for said in _SAYS_SO)]
    assert silent == []
