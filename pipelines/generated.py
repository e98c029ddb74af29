"""Writes what is generated from the models and kept in the repository: their lineage, and the graph that operators see.

    python -m pipelines.generated            writes the files again
    python -m pipelines.generated --check    exits with 1 when one is old

What they are made of belongs to registry/models.
"""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import dagster as dg

from contracts.site import Site
from lake.home import Home
from pipelines import lineage
from pipelines.definitions import build_defs

GRAPH = Path(__file__).parents[1] / "docs" / "reference" / "asset-graph.txt"
_SITE = Site(id="BLR01", name="A laboratory", country="IN", time_zone="Asia/Kolkata", synthetic=True)


def graph() -> str:
    """Every asset with what it is made of and the checks on it, for a home with one site."""
    with tempfile.TemporaryDirectory() as directory:
        home = Home(directory)
        home.put_site(_SITE)
        return "\n".join(_lines(build_defs(home))) + "\n"


def _lines(defs: dg.Definitions) -> Iterator[str]:
    assets = defs.resolve_asset_graph()
    yield "The assets that Dagster shows for a home with one site: `<-` what each is made of, `?` the checks on it."
    yield "Jobs: " + ", ".join(sorted(job.name for job in defs.resolve_all_job_defs() if not job.name.startswith("__")))
    for key in sorted(assets.get_all_asset_keys()):
        node = assets.get(key)
        yield f"\n{key.to_user_string()}  ({node.group_name}{'' if node.is_executable else ', external'})"
        yield from (f"  <- {parent.to_user_string()}" for parent in sorted(node.parent_keys))
        yield from (f"  ? {check.name}" for check in sorted(node.check_keys, key=lambda check: check.name))


def files() -> dict[Path, str]:
    """Every generated file's content as it should be."""
    return {lineage.FILE: lineage.written(), GRAPH: graph()}


def main(arguments: Sequence[str]) -> int:
    """Write the files, or with `--check` say which are old."""
    old = [(path, text) for path, text in files().items() if not path.exists() or path.read_text("utf-8") != text]
    if "--check" in arguments:
        for path, _ in old:
            sys.stderr.write(f"{path.name} is not of these models: write it again with python -m pipelines.generated\n")
        return 1 if old else 0
    for path, text in old:
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
