"""One asset for each model, told from the same `.sql` and `.yml` that the build runs.

Building them belongs to registry_build.py.
"""

from collections.abc import Mapping

import dagster as dg

from pipelines import lineage
from pipelines.checks import RELEASE, model_key
from pipelines.lake_assets import DEFINITIONS, kind_key
from registry.build import Built
from registry.models import Model

_LAKE = "staging.lake_"


def table_key(table: str) -> dg.AssetKey | None:
    """The asset that stands for a table as models name it; None for the inputs of a build."""
    if table.startswith(_LAKE):
        return kind_key(table.removeprefix(_LAKE))
    return DEFINITIONS if table.startswith("definitions.") else model_key(table)


def model_specs(models: tuple[Model, ...]) -> list[dg.AssetSpec]:
    """The models, and the release that is made of them."""
    names = {model.name for model in models}
    return [_spec(model, names) for model in models] + [
        dg.AssetSpec(
            RELEASE,
            deps=[model_key(model.name) for model in models if model.in_release],
            group_name="release",
            description="The immutable DuckDB file that analysts query, published only when every invariant holds.",
            kinds={"duckdb"},
            skippable=True,
        )
    ]


def _spec(model: Model, names: set[str]) -> dg.AssetSpec:
    known = {table: key for table in model.reads if (key := _known(table, names))}
    return dg.AssetSpec(
        model_key(model.name),
        deps=sorted(set(known.values())),
        group_name=model.layer,
        description=f"{model.description}\n\nOne row: {model.grain}. Key: {', '.join(model.key)}.",
        kinds={"duckdb", "sql"},
        skippable=True,
        metadata={
            "dagster/column_schema": column_schema(model, {}),
            "dagster/column_lineage": dg.TableColumnLineage(
                {
                    column: [
                        dg.TableColumnDep(asset_key=known[table], column_name=_column(table, name))
                        for table, name in sources
                        if table in known
                    ]
                    for column, sources in lineage.of(model).items()
                }
            ),
        },
    )


def _known(table: str, names: set[str]) -> dg.AssetKey | None:
    is_asset = table in names or table.startswith((_LAKE, "definitions."))
    return table_key(table) if is_asset else None


def _column(table: str, column: str) -> str:
    return f"{table.removeprefix('definitions.')}.{column}" if table.startswith("definitions.") else column


def column_schema(model: Model, types: Mapping[str, str]) -> dg.TableSchema:
    """The model's columns with what they mean; `types` are DuckDB's, by column, where a build has told them."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                type=types.get(column.name, "unknown until the first build"),
                description=f"{column.description} Unit: {column.unit}." if column.unit else column.description,
            )
            for column in model.columns
        ]
    )


def materialized(built: Built) -> dg.AssetMaterialization:
    """What a build says of a model as soon as it is built: counts and types, never a row.

    An event and no output of the op: for a site that is held a model is built, and told, a second time.
    """
    return dg.AssetMaterialization(
        model_key(built.model.name),
        metadata={
            "dagster/row_count": built.rows,
            "dagster/column_schema": column_schema(built.model, built.types),
            "seconds": round(built.seconds, 3),
        },
    )
