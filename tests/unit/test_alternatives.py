"""A study's own definitions beside the release: what moves, who is of another class, and why."""

import csv
from pathlib import Path

import pytest

from b12.cli import main
from contracts.errors import UsageError
from lake.home import Home
from lake.snapshot import snapshot
from registry import alternatives, comparison, definitions, inputs, release
from registry.alternatives import Alternative
from registry.errors import DefinitionsWrong, NoRelease
from registry.models import load_models, needed_for
from registry.queries import ask
from tests.lake_fixture import record
from tests.registry_fixture import BLR01, CUT_OFF, without_rules
from tests.sample_events import event

MODELS = without_rules(needed_for(["research.near_misses", "research.timeline", "summary.attrition"]))
SHIPPED = Path(definitions.__file__).parents[1] / "contracts" / "definitions"


def by_lower_b12(directory: Path) -> Path:
    """Definitions by which B12 is deficient only below 80 pmol/L, and low from there."""
    directory.mkdir()
    text = (SHIPPED / "markers.toml").read_text(encoding="utf-8")
    (directory / "markers.toml").write_text(text.replace("value = 148\n", "value = 80\n"), encoding="utf-8")
    return directory


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """One infant with B12 between the two limits and one below both, each with raised homocysteine."""
    home = Home(tmp_path_factory.mktemp("alternatives") / "home")
    home.ensure_secret()
    home.put_site(BLR01)
    sent = [found for subject, b12 in (("BETWEEN", 118.5), ("BELOW", 60)) for found in infant(subject, b12)]
    record(home, BLR01, sent)
    release.make(home, inputs.pinned(home, snapshot(home), CUT_OFF), models=MODELS)
    record(home, BLR01, infant("LATER", 118.5))
    return home


def infant(subject: str, b12: float) -> list[bytes]:
    bare = {"reference_low": None, "reference_high": None, "limit_low": None, "limit_high": None}
    results = {"2132-9": (b12, "pg/mL"), "13965-9": (20.0, "umol/L")}
    return [
        event("enrolment", id=f"{subject}-e", record=f"{subject}-e", subject=subject),
        *(
            event(
                id=f"{subject}-{loinc}",
                record=f"{subject}-{loinc}",
                subject=subject,
                data={"loinc": loinc, "value": value, "unit": unit, **bare},
            )
            for loinc, (value, unit) in results.items()
        ),
    ]


@pytest.fixture(scope="module")
def made(released: Home, tmp_path_factory: pytest.TempPathFactory) -> Alternative:
    return alternatives.make(
        released, by_lower_b12(tmp_path_factory.mktemp("definitions") / "lower_b12"), models=MODELS
    )


def test_only_what_depends_on_a_threshold_moves(made: Alternative) -> None:
    reads = {model.name: set(model.reads) for model in load_models()}
    depending = {"definitions.threshold"}
    while more := {name for name, read in reads.items() if read & depending} - depending:
        depending |= more
    assert set(made.moved) <= depending
    assert {"definitions.threshold", "research.marker_states", "research.cases", "summary.attrition"} <= set(made.moved)
    assert not [name for name in depending if name.startswith("core.")]
    assert not {"research.timeline", "research.growth", "research.milestone_states"} & depending


def test_it_stands_beside_the_release_and_is_never_current(released: Home, made: Alternative) -> None:
    current = release.current(released)
    assert (made.manifest.beside, made.manifest.number) == (current.id, current.number)
    assert made.manifest.definitions != current.definitions
    assert [each.id for each in release.history(released)] == [current.id, made.manifest.id]
    assert release.one(released, "1") == current


def test_it_holds_what_the_release_read_and_nothing_since(released: Home, made: Alternative) -> None:
    with ask(released, "SELECT count(*) FROM core.subjects", made.manifest.id) as answer:
        assert list(answer) == [(2,)]


def test_made_again_it_is_there_already(released: Home, made: Alternative, tmp_path: Path) -> None:
    again = alternatives.make(released, by_lower_b12(tmp_path / "x"), "lower_b12", models=MODELS)
    assert (again.is_new, again.manifest.id) == (False, made.manifest.id)


def test_who_is_of_another_class_and_why(released: Home, made: Alternative) -> None:
    found = comparison.compare(released, "1", "lower_b12")
    assert list(found.steps) == [("definite", "definite", 1), ("definite", "possible", 1)]
    (change,) = found.changes
    assert (change.site, change.before, change.after) == ("BLR01", "definite", "possible")
    assert change.reasons == (
        "b12_deficient: true (< 148) became false (< 80)",
        "b12_low: false (>= 148 and < 221) became true (>= 80 and < 221)",
    )
    limits = {each.before["id"]: (each.table, each.before["value"], each.after["value"]) for each in found.definitions}
    assert limits == dict.fromkeys(
        ("b12_deficient", "b12_low_from", "mother_b12_deficient"), ("definitions.threshold", 148, 80)
    )
    assert found.after == made.manifest


def test_a_release_beside_itself_differs_in_nothing(released: Home) -> None:
    found = comparison.compare(released, "1", "1")
    assert (found.definitions, found.moved, found.changes) == ([], (), [])
    assert found.steps == [("definite", "definite", 2)]


def test_the_commands_tell_it(released: Home, made: Alternative, capsys: pytest.CaptureFixture[str]) -> None:
    home = ["--home", str(released.path)]
    assert main([*home, "compare", "1", "lower_b12"]) == 0
    out = capsys.readouterr().out
    assert "definitions.threshold: id b12_deficient, value 148" in out
    assert "1 x b12_deficient: true (< 148) became false (< 80)" in out
    assert main([*home, "compare", "1", "lower_b12", "--subjects"]) == 0
    (row,) = csv.DictReader(capsys.readouterr().out.splitlines())
    assert (row["before"], row["after"], row["site"]) == ("definite", "possible", "BLR01")
    assert main([*home, "release", "list"]) == 0
    assert made.manifest.id in capsys.readouterr().out


def test_what_stands_in_for_nothing_is_refused(released: Home, tmp_path: Path) -> None:
    with pytest.raises(DefinitionsWrong, match="no definitions are here"):
        alternatives.make(released, tmp_path / "nowhere", "x")
    (tmp_path / "marker.toml").write_text("", encoding="utf-8")
    with pytest.raises(DefinitionsWrong, match=r"marker\.toml stands in for no file"):
        alternatives.make(released, tmp_path, "x")
    with pytest.raises(UsageError, match="--name"):
        alternatives.make(released, tmp_path, "../x")
    with pytest.raises(NoRelease, match="none of that name"):
        comparison.compare(released, "1", "another")
