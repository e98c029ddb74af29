"""What is made from the models and kept in the repository: their lineage, and the graph that operators see.

What they are made of belongs to registry/models; b12/generated.py writes and compares them.
"""

import tempfile
from collections.abc import Iterator
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
