"""The models: one `.sql` and one `.yml` each under `models/<layer>/`, their order and their lineage.

What a model computes stands in its SQL; running them belongs to build.py.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import yaml

from registry import compiled, inputs, lake_views

LAYERS = ("staging", "core", "research", "summary", "operators")
"""In the order in which data flows. The first and the last stay with the operators, the others are the release."""

OF_RELEASE = LAYERS[1:-1]

_ROOT = Path(__file__).parent / "models"
_COMPILED = {"row_rules": compiled.rule_hits}
"""Models whose SQL is compiled from the contract: their `.yml` names the compiler, and there is no `.sql`."""
_HEADER = re.compile(r"^-- (grain|key): (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Column:
    """One column of a model, as the dictionary has it."""

    name: str
    description: str
    unit: str | None = None


@dataclass(frozen=True)
class Model:
    """One table of the registry: `core.subjects` stands in `models/core/subjects.sql` and `.yml`.

    What `models/operators/` holds is read in the catalog `staging` too, which is the operators' database.
    """

    name: str
    layer: str
    sql: str
    description: str
    grain: str
    key: tuple[str, ...]
    """Columns that together name a row; unique in every build."""
    columns: tuple[Column, ...]
    depends_on: tuple[str, ...]
    """The models it reads."""
    reads: tuple[str, ...]
    """Every table it reads: models, inputs and definitions."""

    @property
    def in_release(self) -> bool:
        """Whether analysts see it."""
        return self.layer in OF_RELEASE


@cache
def load_models(root: Path = _ROOT) -> tuple[Model, ...]:
    """Every model, each behind those it reads. ValueError when a file is not as a model must be."""
    with duckdb.connect(":memory:") as parser:
        return _ordered(_read(path, parser) for layer in LAYERS for path in sorted((root / layer).glob("*.yml")))


def needed_for(names: Iterable[str], models: Sequence[Model] | None = None) -> tuple[Model, ...]:
    """The models of these names and all that they read, in order."""
    models = load_models() if models is None else models
    by_name = {model.name: model for model in models}
    wanted: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += by_name[name].depends_on
    return tuple(model for model in models if model.name in wanted)


def lineage(model: Model, models: Sequence[Model] | None = None) -> dict[str, tuple[tuple[str, str], ...]]:
    """Per column of the model, the (table, column) pairs that it is computed from, sorted.

    Tables are named as the model's SQL names them; a constant or a count of rows has none.
    """
    from sqlglot.lineage import lineage as trace  # slow to load, and what is kept of lineage needs it no more

    models = load_models() if models is None else models
    schema: dict[str, dict[str, dict[str, str]]] = {}
    known = {m.name: [column.name for column in m.columns] for m in models} | inputs.columns()
    for table in model.reads:
        layer, _, name = table.partition(".")
        schema.setdefault(layer, {})[name] = dict.fromkeys(known.get(table, ()), "unknown")
    nodes = trace(None, model.sql, schema, dialect="duckdb")
    return {column.name: _sources(nodes[column.name]) for column in model.columns}


def _sources(node: Any) -> tuple[tuple[str, str], ...]:
    from sqlglot import exp

    found = set()
    for leaf in node.walk():
        if not leaf.downstream and isinstance(leaf.expression, exp.Table):
            table = leaf.expression
            found.add((f"{table.db}.{table.name}", leaf.name.rpartition(".")[2].strip('"')))
    return tuple(sorted(found))


def _read(path: Path, parser: duckdb.DuckDBPyConnection) -> Model:
    told: Mapping[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    layer = path.parent.name
    name = f"{'staging' if layer == 'operators' else layer}.{path.stem}"
    source = _COMPILED[told["compiled"]]() if "compiled" in told else path.with_suffix(".sql").read_text("utf-8")
    sql = source.strip()
    header = dict(_HEADER.findall(sql))
    if set(header) != {"grain", "key"}:
        raise ValueError(f"{name}: the header needs one line `-- grain: ...` and one `-- key: ...`")
    columns = [Column(c["name"], c["description"], c.get("unit")) for c in told.get("columns", ())]
    if kind := told.get("contract"):
        columns += [Column(name, doc) for name, doc in lake_views.lake_columns(kind).items()]
    reads = _reads(sql, name, parser)
    return Model(
        name=name,
        layer=layer,
        sql=sql,
        description=told["description"].strip(),
        grain=header["grain"].strip(),
        key=tuple(column.strip() for column in header["key"].split(",")),
        columns=tuple(columns),
        depends_on=(),
        reads=reads,
    )


def _reads(sql: str, name: str, parser: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """The tables that a query names, as the parser sees them that will run it."""
    [(parsed,)] = parser.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()
    tree = msgspec.json.decode(parsed)
    if tree["error"] or len(tree["statements"]) != 1:
        raise ValueError(f"{name}: a model is one SELECT")
    own, tables = set(), []
    branches: list[Any] = [tree["statements"]]
    while branches:
        branch = branches.pop()
        if isinstance(branch, dict):
            if branch.get("type") == "BASE_TABLE":
                tables.append((branch["schema_name"], branch["table_name"]))
            own |= {entry["key"] for entry in branch.get("cte_map", {}).get("map", ())}
            branches += branch.values()
        elif isinstance(branch, list):
            branches += branch
    found = {f"{layer}.{table}" for layer, table in tables if layer or table not in own}
    for table in found:
        if table.partition(".")[0] not in (*LAYERS, "definitions"):
            raise ValueError(f"{name}: reads {table.partition('.')[2]}; name its layer")
    return tuple(sorted(found))


def _ordered(models: Iterable[Model]) -> tuple[Model, ...]:
    found = {model.name: model for model in models}
    graph = {name: sorted(set(model.reads) & set(found)) for name, model in sorted(found.items())}
    rank = {layer: number for number, layer in enumerate(LAYERS)}
    for name, reads in graph.items():
        if any(rank[found[read].layer] > rank[found[name].layer] for read in reads):
            raise ValueError(f"{name}: reads a later layer")
    order = sorted(TopologicalSorter(graph).static_order(), key=lambda name: rank[found[name].layer])
    return tuple(_with_dependencies(found[name], tuple(graph[name])) for name in order)


def _with_dependencies(model: Model, depends_on: tuple[str, ...]) -> Model:
    return Model(**{**model.__dict__, "depends_on": depends_on})
