"""What holds for every model, whatever it computes."""

import re
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from expectations import release
from pipelines import lineage
from registry import models
from registry.models import Model, load_models, needed_for
from tests.registry_fixture import BLR01, built
from tests.sample_events import one_of_each

ALL = load_models()
FORBIDDEN = re.compile(
    r"\b(now|today|random|current_date|current_timestamp|get_current_timestamp|uuid|gen_random_uuid|setseed"
    r"|transaction_timestamp|localtime|localtimestamp|date_diff|datediff|read_parquet|read_csv)\b",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def columns(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[str, str]]]:
    """Name and type of the columns of every table, after a build over one event of each kind."""
    names = [model.name for model in ALL]
    with built(tmp_path_factory.mktemp("models"), {BLR01: one_of_each()}, names) as connection:
        return {name: [(row[0], row[1]) for row in connection.execute(f"DESCRIBE {name}").fetchall()] for name in names}


@pytest.mark.parametrize("model", ALL, ids=lambda model: model.name)
def test_every_column_is_documented_and_every_documented_column_exists(
    model: Model, columns: dict[str, list[tuple[str, str]]]
) -> None:
    assert [name for name, _ in columns[model.name]] == [column.name for column in model.columns]
    assert all(column.description.endswith(".") for column in model.columns)


@pytest.mark.parametrize("model", ALL, ids=lambda model: model.name)
def test_the_key_consists_of_columns(model: Model) -> None:
    assert set(model.key) <= {column.name for column in model.columns}


@pytest.mark.parametrize("model", ALL, ids=lambda model: model.name)
def test_no_model_reads_a_clock_or_chance_or_a_file(model: Model) -> None:
    called = {
        function.sql_name().lower() if not isinstance(function, exp.Anonymous) else str(function.this).lower()
        for function in sqlglot.parse_one(model.sql, dialect="duckdb").find_all(exp.Func)
    }
    assert not [name for name in called if FORBIDDEN.search(name)]
    without_comments = re.sub(r"--.*", "", model.sql)
    assert not FORBIDDEN.search(without_comments)


@pytest.mark.parametrize("model", [model for model in ALL if model.in_release], ids=lambda model: model.name)
def test_a_release_holds_ages_and_no_dates(model: Model, columns: dict[str, list[tuple[str, str]]]) -> None:
    assert not [name for name, kind in columns[model.name] if kind.startswith(("DATE", "TIME"))]


@pytest.mark.parametrize(
    "model", [model for model in ALL if model.layer in ("core", "research")], ids=lambda model: model.name
)
def test_a_column_is_of_the_type_that_its_name_promises(
    model: Model, columns: dict[str, list[tuple[str, str]]]
) -> None:
    """Each build asks this of itself, and publishes nothing otherwise."""
    wrong = [
        (name, kind)
        for name, kind in columns[model.name]
        for pattern, wanted in release.TYPES.items()
        if re.search(pattern, name) and kind != wanted
    ]
    assert wrong == []


@pytest.mark.parametrize("model", ALL, ids=lambda model: model.name)
def test_lineage_names_columns_that_exist(model: Model, columns: dict[str, list[tuple[str, str]]]) -> None:
    known = {name: {column for column, _ in found} for name, found in columns.items()}
    for sources in lineage.of(model).values():
        for table, column in sources:
            assert column in known.get(table, {column})


def test_a_model_stands_behind_what_it_reads() -> None:
    places = {model.name: place for place, model in enumerate(ALL)}
    assert all(places[name] < places[model.name] for model in ALL for name in model.depends_on)


def test_needed_for_takes_what_a_model_reads_and_nothing_else() -> None:
    names = [model.name for model in needed_for(["staging.identity"])]
    assert names == ["staging.deliveries", "staging.replayed", "staging.contested", "staging.identity"]


def test_a_model_that_names_no_layer_is_refused(tmp_path: Path) -> None:
    _write(tmp_path, "-- grain: one row\n-- key: a\nSELECT a FROM subjects")
    with pytest.raises(ValueError, match="name its layer"):
        models.load_models(tmp_path)


@pytest.mark.parametrize("sql", ["SELECT 1 AS a; SELECT 2 AS a", "DROP TABLE core.subjects", "SELEC 1"])
def test_what_is_not_one_query_is_refused(tmp_path: Path, sql: str) -> None:
    _write(tmp_path, f"-- grain: one row\n-- key: a\n{sql}")
    with pytest.raises(ValueError, match="one SELECT"):
        models.load_models(tmp_path)


def test_a_model_without_its_header_is_refused(tmp_path: Path) -> None:
    _write(tmp_path, "SELECT 1 AS a")
    with pytest.raises(ValueError, match="header"):
        models.load_models(tmp_path)


def test_a_model_that_reads_a_later_layer_is_refused(tmp_path: Path) -> None:
    _write(tmp_path, "-- grain: one row\n-- key: a\nSELECT a FROM summary.other")
    _write(tmp_path, "-- grain: one row\n-- key: a\nSELECT 1 AS a", layer="summary", name="other")
    with pytest.raises(ValueError, match="later layer"):
        models.load_models(tmp_path)


def _write(root: Path, sql: str, layer: str = "core", name: str = "one") -> None:
    (root / layer).mkdir(parents=True, exist_ok=True)
    (root / layer / f"{name}.sql").write_text(sql)
    (root / layer / f"{name}.yml").write_text("description: A model.\ncolumns:\n  - {name: a, description: A.}\n")
