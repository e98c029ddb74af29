"""The page `docs/reference/tables.md`, made from the models' dictionaries.

What a table or a column means is said in its `.yml` and the header of its `.sql`, nowhere else.
"""

from collections.abc import Iterator
from pathlib import Path

from registry.models import LAYERS, Model, load_models

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "tables.md"
_HEAD = """\
# Tables of a release

Made by `make fix` from the models; the same words stand in the release as comments. A release
holds `core`, `research`, `summary` and the `definitions` that they were made with. The tables of `staging` hold
calendar dates and stay with the operators, in `operators.duckdb`; those that are read from the release stand first.
"""


def page() -> str:
    """The page's text."""
    return "\n".join([_HEAD, *_contents(), *(line for model in _models() for line in _table(model))])


def _models() -> list[Model]:
    return sorted(load_models(), key=lambda model: (-LAYERS.index(model.layer), model.name))


def _contents() -> Iterator[str]:
    yield "| table | one row for each |\n|---|---|"
    for model in _models():
        anchor = model.name.replace(".", "")
        yield f"| [`{model.name}`](#{anchor}) | {_cell(model.grain.removeprefix('one row per '))} |"
    yield ""


def _table(model: Model) -> Iterator[str]:
    yield f"## `{model.name}`\n\n{model.description}\n"
    yield f"Grain: {model.grain}. Key: {', '.join(f'`{name}`' for name in model.key)}.\n"
    yield "| column | unit | meaning |\n|---|---|---|"
    for column in model.columns:
        yield f"| `{column.name}` | {_cell(column.unit or '')} | {_cell(column.description)} |"
    yield ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
