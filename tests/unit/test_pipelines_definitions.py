"""What Dagster loads: complete, quick, and of the same source as the build."""

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from contracts.site import Site
from lake.home import Home
from pipelines import lineage
from pipelines.definitions import build_defs
from registry.models import load_models, needed_for
from tests.registry_fixture import BLR01, OSL01

MODELS = needed_for(["core.doses"])


@pytest.fixture
def defs(home: Home) -> dg.Definitions:
    home.put_site(BLR01)
    home.put_site(OSL01)
    return build_defs(home, models=MODELS)


def test_definitions_load_without_great_expectations(tmp_path: Path) -> None:
    code = (
        "import sys; from pipelines.definitions import definitions; definitions();"
        " assert 'great_expectations' not in sys.modules and 'faust' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"B12_HOME": str(tmp_path), "PATH": ""}, timeout=60)


def test_definitions_are_valid(defs: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(defs)


def test_a_site_has_a_freshness_of_its_own_unless_it_is_disabled(home: Home, defs: dg.Definitions) -> None:
    assets = defs.resolve_asset_graph()
    assert assets.get(dg.AssetKey(["sites", "BLR01"])).freshness_policy
    home.put_site(Site(id="OLD01", name="Gone", country="IN", time_zone="Asia/Kolkata", synthetic=True, disabled=True))
    later = build_defs(home, models=MODELS).resolve_asset_graph()
    assert later.get(dg.AssetKey(["sites", "OLD01"])).freshness_policy is None


def test_a_model_tells_its_columns_and_where_they_come_from(defs: dg.Definitions) -> None:
    spec = defs.resolve_asset_graph().get(dg.AssetKey(["core", "doses"]))
    schema = spec.metadata["dagster/column_schema"]
    assert isinstance(schema, dg.TableSchema)
    given = next(column for column in schema.columns if column.name == "ug")
    assert given.description
    sources = spec.metadata["dagster/column_lineage"]
    assert isinstance(sources, dg.TableColumnLineage)
    assert {dep.asset_key.to_user_string() for dep in sources.deps_by_column["ug"]} == {"staging/current_dose"}


def test_one_run_at_a_time_makes_everything(defs: dg.Definitions) -> None:
    job = defs.resolve_job_def("build")
    assert [node.name for node in job.nodes_in_topological_order] == ["registry", "verdict_receipts"]
    assert job.executor_def.name == "in_process"


def test_a_build_that_knows_what_did_not_come_tells_it(home: Home) -> None:
    job = build_defs(home, models=needed_for(["staging.absences"])).resolve_job_def("build")
    first, *told = [node.name for node in job.nodes_in_topological_order]
    assert (first, sorted(told)) == ("registry", ["absence_alerts", "verdict_receipts"])


def test_a_model_that_was_changed_is_traced_anew() -> None:
    model = next(model for model in load_models() if model.name == "core.statuses")
    assert lineage.of(model)["state"] == [("staging.current_status", "state")]
    changed = type(model)(**{**model.__dict__, "sql": f"{model.sql}\n-- changed"})
    assert {column: list(map(tuple, sources)) for column, sources in lineage.of(changed).items()} == dict(
        lineage.of(model)
    )
