"""Writes `docs/reference/tables.md` from the models' dictionaries: `python -m registry.reference [--check]`.

What a table or a column means is said in its `.yml` and the header of its `.sql`, nowhere else.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from registry.models import LAYERS, Model, load_models

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "tables.md"
_HEAD = """\
# Tables of a release

Made by `python -m registry.reference` from the models; the same words stand in the release as comments. A release
holds `core`, `research`, `summary` and the `definitions` that they were made with. The tables of `staging` hold
calendar dates and stay with the operators, in `operators.duckdb`.
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


def main(arguments: Sequence[str]) -> int:
    """Write the page, or with `--check` say whether it is stale (exit code 1)."""
    if "--check" not in arguments:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page():
        return 0
    sys.stderr.write(f"{PAGE.name} is stale: run `make fix` and commit what it writes\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
