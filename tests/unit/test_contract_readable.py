"""No type is worked out in a thread: msgspec then ends the process now and then, so every one is at import."""

import gc
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from contracts.readable import readable

_ROOMS = ("b12", "contracts", "expectations", "lake", "pipelines", "registry", "sites", "streams")
_SOURCE = Path(__file__).parents[2]


def _sources() -> Iterator[tuple[str, str]]:
    for room in _ROOMS:
        for path in sorted((_SOURCE / room).rglob("*.py")):
            yield path.relative_to(_SOURCE).with_suffix("").as_posix().replace("/", "."), path.read_text()


def _is_worked_out(type_: type[Struct]) -> bool:
    return any(type(kept).__name__ == "StructInfo" for kept in gc.get_referents(type_))


def test_a_type_is_worked_out_when_it_is_marked() -> None:
    class Read(Struct):
        field: int

    assert not _is_worked_out(Read)
    assert _is_worked_out(readable(Read))


@pytest.mark.parametrize("type_", ["Range", "Reference"])
def test_so_are_the_operands_of_rules(type_: str) -> None:
    assert _is_worked_out(getattr(importlib.import_module("contracts.rulebook"), type_))


def test_every_struct_that_convert_reads_is_worked_out_at_import() -> None:
    read = {
        (module, name)
        for module, text in _sources()
        for name in re.findall(r"msgspec\.convert\(.*, (_?[A-Z]\w+)[,)]", text)
    }
    assert len(read) >= 4
    for module, name in read:
        assert _is_worked_out(getattr(importlib.import_module(module), name)), f"{module}: {name} is not @readable"


def test_json_is_read_by_decoders_that_are_made_at_import() -> None:
    assert [module for module, text in _sources() if re.search(r"json\.decode\(.*type=", text)] == []
