"""The reference files are made from the contract: the committed ones are fresh, and a stale one is told by its name."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts import generated
from contracts.events import KINDS


def test_the_committed_files_are_fresh() -> None:
    assert generated.stale() == []


def test_files_are_written_once_and_the_same_each_time(tmp_path: Path) -> None:
    assert len(generated.write(tmp_path)) == len(KINDS) + 2
    assert generated.stale(tmp_path) == []
    assert generated.write(tmp_path) == []


def test_changed_missing_and_left_over_files_are_stale(tmp_path: Path) -> None:
    generated.write(tmp_path)
    (tmp_path / generated.REFERENCE / "asyncapi.yaml").write_text("changed")
    (tmp_path / generated.SCHEMAS / "b12.dose.v1.json").unlink()
    (tmp_path / generated.SCHEMAS / "b12.genome.v1.json").write_text("{}")
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
    monkeypatch.setattr(generated, "stale", lambda: [generated.REFERENCE / "asyncapi.yaml"])
    assert generated.main(["--check"]) == 1
    assert "docs/reference/asyncapi.yaml" in capsys.readouterr().err
    assert generated.main(["--chek"]) == 2


def test_every_reference_in_the_asyncapi_document_leads_somewhere() -> None:
    text = (generated.ROOT / generated.REFERENCE / "asyncapi.yaml").read_text(encoding="utf-8")
    document = yaml.safe_load(text)
    references = list(_references(document))
    assert references
    for reference in references:
        if reference.startswith("#/"):
            place = document
            for step in reference.removeprefix("#/").split("/"):
                place = place[step]
        else:
            assert (generated.ROOT / generated.REFERENCE / reference).is_file()


def test_a_site_meets_three_topics_and_every_kind() -> None:
    document = generated.asyncapi.document()
    assert {channel["address"] for channel in document["channels"].values()} == {
        "b12.site.{site}.events",
        "b12.site.{site}.receipts",
        "b12.site.{site}.alerts",
    }
    assert set(document["channels"]["events"]["messages"]) == set(KINDS)


def test_the_dictionary_names_every_kind_field_code_and_rule() -> None:
    from contracts import codes, judge, rulebook
    from contracts.events import DATA
    from contracts.shapes import shapes

    page = generated.dictionary.page()
    names = {*judge.rules(), *codes.loinc_codes()}
    names |= {name for kind in KINDS for name in shapes(DATA[kind])}
    names |= {rule.name for kind in KINDS for rule in rulebook.rules(kind)}
    for closed_list in ("milestones", "signs", "regions", "instruments"):
        names |= codes.closed_list(closed_list)
    assert {name for name in names if f"`{name}`" not in page} == set()


def _references(node: Any) -> Any:
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "$ref":
                yield value
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)
