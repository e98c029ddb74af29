"""Who is a case, and of which class: each rule of the default definition at its edge.

The scenarios stand in case_scenarios/. All infants are of one cohort, so that none may change another's class.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from registry.models import load_models
from tests.models.built import rows
from tests.models.case_scenarios.blood import CENSORED, MARKERS, TOGETHER, UNUSABLE
from tests.models.case_scenarios.classes import (
    DEFINITE,
    INELIGIBLE,
    NONE,
    POSSIBLE,
    PROBABLE,
    SUSPECTED,
    UNKNOWN,
)
from tests.models.case_scenarios.history import ELIGIBLE, EXPOSURE, MOTHER, SIGNS, SUSPICION, TREATMENT
from tests.models.cohort import Cohort
from tests.models.core_tables import CORE

PLAIN = [*MARKERS, *CENSORED, *UNUSABLE, *TOGETHER, *SIGNS, *EXPOSURE, *TREATMENT, *SUSPICION, *MOTHER]
ALL = [*((*given, {}) for given in PLAIN), *ELIGIBLE]


@pytest.fixture(scope="module")
def found() -> Iterator[dict[str, dict[str, Any]]]:
    """The row of research.cases of every scenario, by its name."""
    cohort = Cohort()
    infants = {name: cohort.infant(**enrolment).tell(story) for name, story, _, _, enrolment in ALL}
    connection = cohort.build("research.cases")
    by_key = {row["subject_key"]: row for row in rows(connection, "FROM research.cases")}
    connection.close()
    return {name: by_key[infant.key] for name, infant in infants.items()}


@pytest.mark.parametrize(("name", "expected", "more"), [(n, e, m) for n, _, e, m, _ in ALL], ids=[s[0] for s in ALL])
def test_case(name: str, expected: str, more: dict[str, Any], found: dict[str, dict[str, Any]]) -> None:
    row = found[name]
    assert {"class": row["class"]} | {column: row[column] for column in more} == {"class": expected} | more


def test_scenarios_have_names_of_their_own(found: dict[str, dict[str, Any]]) -> None:
    assert len(found) == len(ALL)


def test_every_class_can_be_reached_by_each_of_its_alternatives(found: dict[str, dict[str, Any]]) -> None:
    """A rule that nobody can meet would be a mistake in the table."""
    reached: dict[str, set[int | None]] = {}
    for row in found.values():
        reached.setdefault(row["class"], set()).add(row["alternative"])
    assert reached == {
        INELIGIBLE: {1, 2, 3},
        DEFINITE: {1, 2},
        PROBABLE: set(range(1, 11)),
        POSSIBLE: {1, 2, 3, 4, 5, 6},
        SUSPECTED: {1, 2, 3},
        NONE: {1},
        UNKNOWN: {None},
    }


def test_a_decision_names_the_records_that_it_rests_on() -> None:
    cohort = Cohort()
    infant = cohort.infant()
    deficient, raised = infant.lab("b12", 100, 200), infant.lab("mma", 2, 210)
    infant.lab("b12", 500, 400)
    connection = cohort.build("research.explanations")
    (row,) = rows(connection, "FROM research.explanations")
    connection.close()
    assert (row["class"], row["criteria"], row["states"]) == (DEFINITE, ["b12_deficient", "mma_raised"], ["true"] * 2)
    assert row["record_keys"] == [deficient, raised]
    assert (row["definition"], row["definition_version"], row["index_age_days"]) == ("default", 1, 200)


def test_the_small_core_tables_have_columns_of_the_core_models() -> None:
    models = {model.name: {column.name for column in model.columns} for model in load_models()}
    for table, columns in CORE.items():
        assert set(columns) <= models[f"core.{table}"]
