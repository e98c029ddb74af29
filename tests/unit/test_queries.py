"""`b12 sql` and `b12 release`: what an analyst may ask of a release, and what is said when it cannot be answered."""

import json
from datetime import date, timedelta

import pytest

from b12.cli import main
from lake.home import Home
from pipelines.build import Finished
from registry import absences, due, release
from registry.errors import NoRelease, QueryFailed
from registry.queries import ask
from tests.registry_fixture import BLR01, given
from tests.sample_events import one_of_each


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Home:
    directory = tmp_path_factory.mktemp("queries")
    home = Home(directory / "home")
    release.make(home, given(directory, {BLR01: [*one_of_each(), b"not JSON"]}), threads=1)
    return home


def test_a_query_is_answered_from_the_current_release(released: Home) -> None:
    with ask(released, "SELECT verdict, deliveries FROM summary.verdicts WHERE kind = 'lab_result'") as answer:
        assert answer.columns == ("verdict", "deliveries")
        assert list(answer) == [("included", 1)]


def test_what_operators_read_stands_in_the_database_that_a_build_leaves(released: Home) -> None:
    assert [(visit.visit, visit.state) for visit in due.read(released).visits] == [
        ("months_6", "missed"),
        ("months_3", "missed"),
    ]
    assert {alert.data.rule for alert in absences.due(released)} == {"overdue_test"}


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT anlyte FROM core.lab_results", '"anlyte" not found .* "analyte"'),
        ("SELECT * FROM core.lab_result", 'lab_result does not exist! Did you mean "lab_results"'),
        ("SELEC 1", 'syntax error at or near "SELEC"'),
        ("", "one query at a time"),
        ("SELECT 1; SELECT 2", "one query at a time"),
        ("DROP TABLE core.subjects", "read-only"),
        ("INSERT INTO core.subjects SELECT * FROM core.subjects", "read-only"),
        ("FROM read_csv('/etc/hostname')", "reads nothing beside it"),
        ("COPY core.subjects TO 'out.csv'", "reads nothing beside it"),
        ("ATTACH 'other.duckdb'", "reads nothing beside it"),
        ("SET memory_limit = '1GB'", "read-only"),
        ("INSTALL httpfs", "reads nothing beside it"),
    ],
)
def test_what_cannot_be_answered_is_said_in_a_sentence(released: Home, sql: str, says: str) -> None:
    with pytest.raises(QueryFailed, match=says), ask(released, sql) as answer:
        list(answer)


def test_an_error_at_a_row_does_not_quote_the_row(released: Home) -> None:
    query = "SELECT platform::INTEGER FROM core.lab_results"
    with pytest.raises(QueryFailed, match="try_cast") as raised, ask(released, query) as answer:
        list(answer)
    assert "abbott" not in str(raised.value)


def test_without_a_release_the_way_to_one_is_named(home: Home) -> None:
    with pytest.raises(NoRelease, match="b12 build"), ask(home, "SELECT 1"):
        pass


def test_the_command_prints_a_table_csv_or_json(released: Home, capsys: pytest.CaptureFixture[str]) -> None:
    query = "SELECT analyte, value, comparator FROM core.lab_results"
    arguments = ["--home", str(released.path), "sql", query]

    assert main(arguments) == 0
    assert capsys.readouterr().out.split() == ["analyte", "value", "comparator", "b12", "87.430011000000"]

    assert main([*arguments, "--format", "csv"]) == 0
    assert capsys.readouterr().out == "analyte,value,comparator\nb12,87.430011000000,\n"

    assert main([*arguments, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"analyte": "b12", "value": 87.430011, "comparator": None}]


def test_a_typo_ends_the_command_with_a_sentence(released: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(released.path), "sql", "SELECT anlyte FROM core.lab_results"]) == 2
    error = capsys.readouterr().err
    assert "anlyte" in error
    assert "Traceback" not in error


def test_a_table_that_is_not_there_points_to_those_that_are(released: Home) -> None:
    says = r"SHOW ALL TABLES .*docs/reference/tables\.md"
    with pytest.raises(QueryFailed, match=says) as raised, ask(released, "SELECT * FROM sequences"):
        pass
    assert "pg_" not in str(raised.value)


def test_a_backdated_release_becomes_the_current_one_only_when_it_is_said(
    released: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    held = {"BLR01": "left out: core.growth: weight", "NBO01": "core.growth: weight"}
    asked = []

    def built(_home: Home, cut_off: date | None) -> Finished:
        asked.append(cut_off)
        return Finished("run", "r2", is_new=True, waiting=0, held=held, problems=[])

    monkeypatch.setattr("pipelines.build.run_in_process", built)
    build = ["--home", str(released.path), "build"]
    earlier = release.current(released).cut_off - timedelta(days=1)
    assert main([*build, "--cut-off", str(earlier)]) == 2
    assert "say --yes" in capsys.readouterr().err
    assert asked == []
    assert main([*build, "--cut-off", str(earlier), "--yes"]) == 0
    assert main([*build, "--cut-off", str(earlier + timedelta(days=1))]) == 0
    assert asked == [earlier, earlier + timedelta(days=1)]
    said = capsys.readouterr().out
    assert "BLR01 is left out: core.growth: weight\n" in said
    assert "NBO01 is held at its last good offsets: core.growth: weight\n" in said


def test_releases_are_listed_and_shown(released: Home, capsys: pytest.CaptureFixture[str]) -> None:
    now = release.current(released)

    assert main(["--home", str(released.path), "release", "list"]) == 0
    assert f"*  {now.id}" in capsys.readouterr().out

    assert main(["--home", str(released.path), "release", "show"]) == 0
    shown = capsys.readouterr().out
    assert now.content in shown
    assert "16 deliveries" in shown

    assert main(["--home", str(released.path), "release", "show", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["id"] == now.id

    assert main(["--home", str(released.path), "release", "show", "r9"]) == 3
    assert now.id in capsys.readouterr().err
