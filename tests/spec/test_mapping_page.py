"""The page on mappings shows mappings that load, and explains every key."""

import re
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from sites import mapping, mapping_file

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "write-a-mapping.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_loads(example):
    mapping_file.parse(tomllib.loads(example, parse_float=Decimal), "example.toml")


def test_every_key_is_explained():
    structs = (mapping.FileLayout, mapping.Join, mapping.Condition, mapping.Take, mapping.Output, mapping.Mapping)
    keys = {key for struct in structs for key in struct.__struct_encode_fields__}
    explained = set(re.findall(r"`\[*([a-z_0-9]+)\]*`", PAGE))
    assert keys - explained == set()


def test_what_each_kind_needs_stands_on_the_page():
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| ((?:`\w+`(?:, )?)+) \|$", PAGE, re.MULTILINE)
    told = {kind: tuple(re.findall(r"\w+", needs)) for kinds, needs in rows for kind in re.findall(r"\w+", kinds)}
    assert told == mapping.NEEDS
