"""The registry makes of the synthetic cohort what the truth says, row for row; and the comparison is no formality.

Infants on the edge of every definition are with it here, so that a number that moves by one is noticed.
"""

import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from b12.demo import cohort, infants
from b12.demo.courses import COURSES
from b12.demo.courses.edges import EDGES
from b12.demo.truth import cases, evidence, identity, records
from registry import build, definitions
from registry.models import load_models, needed_for
from tests.truth_build import Registry, built
from tests.truth_comparison import differences

EVERYONE = (*COURSES, *EDGES)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return built(tmp_path_factory.mktemp("truth"), cohort.make(courses=EVERYONE).deliveries)


def listed_wrongly(registry: Registry) -> dict[str, list[str]]:
    """What the operators' lists and the truth about them do not share."""
    lists = {name.removeprefix("staging."): rows for name, rows in registry.lists.items()}
    with duckdb.connect(str(registry.operators), read_only=True) as connection:
        return differences(connection, lists, registry.home.secret())


def agrees(table: str, registry: Registry, directory: Path, **changed: Path) -> bool:
    """Whether a table that is built again, with what it reads, is as the truth says."""
    candidate, operators = directory / "candidate.duckdb", directory / "operators.duckdb"
    for _ in build.run(registry.given, candidate, operators, models=needed_for([table]), commented=False, **changed):
        pass
    with duckdb.connect(str(candidate), read_only=True) as connection:
        return not _differs(table, registry, connection)


def test_every_infant_on_an_edge_is_of_the_class_that_a_reader_expects() -> None:
    deliveries = cohort.make(courses=EVERYONE).deliveries
    courses = {infant.code: infant.course for infant in infants.infants(cohort.SEED, EVERYONE)}
    for subject in records.subjects(deliveries, identity.verdicts(deliveries)):
        course = courses[subject.code]
        assert cases.case(evidence.Evidence(subject)).case_class == course.expects, course.name


def test_the_whole_registry_is_as_the_truth_says(registry: Registry) -> None:
    with duckdb.connect(str(registry.candidate), read_only=True) as connection:
        assert differences(connection, registry.truth, registry.home.secret()) == {}


def test_the_operators_are_told_of_what_is_due_and_of_what_did_not_come_as_the_truth_says(registry: Registry) -> None:
    models = {model.name for model in load_models() if model.layer == "operators"}
    assert set(registry.lists) == models
    assert {row["rule"] for row in registry.lists["staging.absences"]} == {
        *("overdue_test", "untreated_case", "untested_mother")
    }
    assert listed_wrongly(registry) == {}


@pytest.mark.parametrize("seed", [1, 2])
def test_other_numbers_that_arrive_in_any_order_and_twice_are_as_the_truth_says(seed: int, tmp_path: Path) -> None:
    other = built(tmp_path, cohort.make(seed, EVERYONE).deliveries, random.Random(seed))  # noqa: S311  # an order that can be made again
    answers = {name: rows for name, rows in other.truth.items() if not name.startswith("summary.")}
    with duckdb.connect(str(other.candidate), read_only=True) as connection:
        assert differences(connection, answers, other.home.secret()) == {}
    assert listed_wrongly(other) == {}


# Of which the truth says nothing of its own: what they lead to is compared.
UNTOLD_TABLES = {
    *("explanation_lines", "recovery_course", "recovery_course_blood", "recovery_course_clinical"),
    *("recovery_course_developmental", "recovery_domains", "recovery_markers", "recovery_regions", "recovery_signs"),
}
_RECOVERY = ("blood", "clinical", "developmental", "imaging")
_PARTS = {"baseline_reason", "parts_at_risk", "parts_assessed", "parts_recovered"}
UNTOLD_COLUMNS = {
    "cases": {"definition_version"},
    "explanations": {"definition_version", "class_meaning"},
    "near_misses": {"definition_version"},
    "dti_changes": {"caveat"},
    "feeding_at_diagnosis": {"record_keys"},
    "follow_up": {"record_keys"},
    **dict.fromkeys(("recovery", *(f"recovery_{part}" for part in _RECOVERY)), _PARTS),
    "relapses": {"criteria", "record_keys"},
    "scorecard": {"median_days_to_arrival"},
    "screening": {"screening", "screening_version"},
    "time_to_recovery": {"last_not_recovered_study_day", "last_look_study_day"},
}


def test_the_truth_speaks_of_every_table_and_column_but_those_named_here(registry: Registry) -> None:
    released = {model.name for model in load_models() if model.layer in ("core", "research", "summary")}
    untold = {f"research.{name}" for name in UNTOLD_TABLES}
    assert set(registry.truth) == released - untold
    silent = {}
    with duckdb.connect(str(registry.candidate), read_only=True) as connection:
        for name, rows in registry.truth.items():
            assert rows, name
            columns = {column for column, *_ in connection.table(name).description}
            silent[name.split(".")[1]] = columns - rows[0].keys()
    assert {name: columns for name, columns in silent.items() if columns} == UNTOLD_COLUMNS


def test_a_changed_definition_is_noticed(registry: Registry, tmp_path: Path) -> None:
    shipped = Path(definitions.__file__).parents[1] / "contracts" / "definitions" / "markers.toml"
    changed = shipped.read_text(encoding="utf-8").replace("value = 148", "value = 147.5")
    (tmp_path / "markers.toml").write_text(changed, encoding="utf-8")
    assert not agrees("research.cases", registry, tmp_path, definitions_from=tmp_path)


def test_a_changed_factor_is_noticed(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = dict(definitions.loinc_codes())
    codes["2132-9"] = codes["2132-9"]._replace(factors={"pg/mL": Decimal("0.738")})
    monkeypatch.setattr(definitions, "loinc_codes", lambda: codes)
    definitions.tables.cache_clear()
    try:
        assert not agrees("core.lab_results", registry, tmp_path)
    finally:
        definitions.tables.cache_clear()


# Table, row, column and by how much. What cannot be noticed is left out: a class that a better one always hides.
MOVED = [
    *[
        ("threshold", f"id = '{name}'", "value", by)
        for name, by in (
            ("b12_deficient", "1"),
            ("b12_low_from", "1"),
            ("b12_low_to", "1"),
            ("homocysteine_raised", "-0.1"),
            ("homocysteine_above_target", "0.1"),
            ("mma_raised_infant", "-0.01"),
            ("mma_raised_child", "0.01"),
            ("holotranscobalamin_low", "0.1"),
            ("anaemia_6_to_23_months", "-1"),
            ("anaemia_24_to_59_months", "1"),
            ("macrocytosis", "0.1"),
            ("folate_low", "0.1"),
            ("mother_b12_deficient", "1"),
        )
    ],
    ("threshold", "id = 'mma_raised_infant'", "to_months", "1"),
    ("threshold", "id = 'anaemia_6_to_23_months'", "from_months", "-1"),
    ("elevation_adjustment", "TRUE", "linear", "0.0001"),
    *[
        ("parameter", f"id = '{name}'", "value", by)
        for name, by in (
            ("eligible_below_months", "1"),
            ("pair_days", "1"),
            ("signs_days_before", "-1"),
            ("blood_count_days_before", "-1"),
            ("class_days_after_treatment", "-1"),
            ("class_days_untreated", "-1"),
            ("therapeutic_without_purpose_ug", "1"),
            ("post_dose_to_day", "1"),
            ("transfusion_effect_days", "-1"),
        )
    ],
    *[
        ("exposure", f"id = '{name}'", "days_before", "1")
        for name in ("infant_dose", "mother_dose", "transfusion", "feeding")
    ],
    ("visit", "id = 'months_6'", "to_day", "-1"),
    ("visit", "id = 'months_3'", "target_day", "-1"),
    ("baseline_window", "item = 'mma'", "from_day", "1"),
    ("recovery_criterion", "analyte = 'homocysteine'", "improved_by", "0.01"),
    ("development_rule", "id = 'at_risk_below'", "value", "1"),
    ("development_rule", "id = 'change_without_sem'", "value", "-1"),
    ("baseline_window", "item = 'signs'", "from_day", "1"),
    ("baseline_window", "item = 'signs'", "to_day", "1"),
    ("baseline_window", "item = 'assessment'", "to_day", "1"),
    ("sign_count", "class = 'minor'", "at_least", "-1"),
    ("screening", "TRUE", "below_months", "-1"),
    ("milestone_ages", "milestone = 'sitting_without_support' AND scale = 'who_2006'", "months", "0.1"),
    ("milestone_scale", "code = 'cdc_2022'", "limit_centile", "-25"),
    ("gestation", "TRUE", "correct_until_months", "-1"),
    ("imaging_window", "id = 'after'", "to_day", "-200"),
    ("tensor_rule", "TRUE", "fa_tolerance", "0.1"),
    ("growth_rule", "TRUE", "lying_minus_standing_cm", "0.1"),
    ("growth_rule", "TRUE", "standing_from_day", "1"),
    ("growth_rule", "TRUE", "inner_z", "-1"),
    ("baseline_window", "item = 'growth'", "from_day", "30"),
    ("regimen_step", "regimen = 'five_of_500'", "doses", "1"),
]


@pytest.fixture(scope="module")
def workbench(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A copy of the build in which a definition can be moved and the research models run again."""
    directory = tmp_path_factory.mktemp("moved")
    candidate, operators = directory / "candidate.duckdb", directory / "operators.duckdb"
    candidate.write_bytes(registry.candidate.read_bytes())
    operators.write_bytes(registry.operators.read_bytes())
    with build.opened(candidate, operators) as connection:
        yield connection


@pytest.mark.parametrize("moved", MOVED, ids=lambda moved: " ".join(moved))
def test_a_number_that_moves_is_noticed(
    moved: tuple[str, str, str, str], registry: Registry, workbench: duckdb.DuckDBPyConnection
) -> None:
    table, where, column, by = moved
    workbench.execute("BEGIN")
    try:
        workbench.execute(f"UPDATE definitions.{table} SET {column} = {column} + ({by}) WHERE {where}")
        assert any(_differs(name, registry, workbench) for name in _answered_again(table, registry, workbench))
    finally:
        workbench.execute("ROLLBACK")


def _answered_again(table: str, registry: Registry, workbench: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Each answer of research that rests on the table, once it is there: whoever has seen enough needs no more."""
    moved = {f"definitions.{table}"}
    for model in needed_for(name for name in registry.truth if name.startswith("research.")):
        if model.layer == "research" and moved.intersection(model.reads):
            moved.add(model.name)
            workbench.execute(f"CREATE OR REPLACE TABLE {model.name} AS {model.sql}")
            if model.name in registry.truth:
                yield model.name


def _differs(name: str, registry: Registry, workbench: duckdb.DuckDBPyConnection) -> bool:
    return bool(differences(workbench, {name: registry.truth[name]}, registry.home.secret()))


def test_nothing_of_the_cohort_is_taken_for_another_unit_a_copy_or_rounded(registry: Registry) -> None:
    with duckdb.connect(str(registry.operators), read_only=True) as connection:
        assert connection.execute("SELECT count(*) > 0 FROM levels").fetchone() == (True,)
        assert connection.execute("SELECT site, rule FROM level_hits").fetchall() == []
        assert connection.execute("SELECT site, rule FROM digit_hits").fetchall() == []
        assert connection.execute("SELECT rule FROM history_hits WHERE rule LIKE 'same%'").fetchall() == []
