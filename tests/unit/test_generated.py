"""The generated files: the committed ones are fresh, and a stale one is told by its name."""

from pathlib import Path

import pytest

from b12 import generated
from contracts import generated as contract
from contracts.events import KINDS


def test_the_committed_files_are_fresh() -> None:
    assert generated.stale() == []


def test_files_are_written_once_and_the_same_each_time(tmp_path: Path) -> None:
    schemas = {contract.SCHEMAS / f"b12.{kind}.v1.json" for kind in KINDS}
    assert {*generated.write(tmp_path)} - schemas == {
        contract.REFERENCE / "asyncapi.yaml",
        contract.REFERENCE / "asset-graph.txt",
        contract.REFERENCE / "commands.md",
        contract.REFERENCE / "data-dictionary.md",
        contract.REFERENCE / "metrics.md",
        contract.REFERENCE / "tables.md",
        Path("pipelines/lineage.json"),
    }
    assert all((tmp_path / schema).is_file() for schema in schemas)
    assert generated.stale(tmp_path) == []
    assert generated.write(tmp_path) == []


def test_changed_missing_and_left_over_files_are_stale(tmp_path: Path) -> None:
    generated.write(tmp_path)
    (tmp_path / contract.REFERENCE / "asyncapi.yaml").write_text("changed")
    (tmp_path / contract.SCHEMAS / "b12.dose.v1.json").unlink()
    (tmp_path / contract.SCHEMAS / "b12.genome.v1.json").write_text("{}")
    assert [path.name for path in generated.stale(tmp_path)] == [
        "asyncapi.yaml",
        "b12.dose.v1.json",
        "b12.genome.v1.json",
    ]
    generated.write(tmp_path)
    assert generated.stale(tmp_path) == []


def test_a_check_fails_and_names_what_is_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    generated.write(tmp_path)
    monkeypatch.setattr(generated, "stale", lambda: [contract.REFERENCE / "asyncapi.yaml"])
    assert generated.main(["--check"]) == 1
    assert "docs/reference/asyncapi.yaml" in capsys.readouterr().err
    assert generated.main(["--chek"]) == 2
