"""From which columns each column of a model comes, kept in `lineage.json` because tracing takes many seconds.

A model that was changed since is traced anew when it is asked for, so the file can be old but never wrong. It is
written by `make fix`; what is done with lineage belongs to model_assets.py.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

from registry import inputs
from registry.models import Model, lineage, load_models

FILE = Path(__file__).with_name("lineage.json")

Columns = Mapping[str, Sequence[tuple[str, str]]]
"""Per column, the (table, column) pairs that it is computed from."""


def of(model: Model) -> Columns:
    """The model's lineage."""
    kept = _kept().get(model.name)
    if kept is not None and kept["of"] == _fingerprint(model):
        return {column: [(table, name) for table, name in sources] for column, sources in kept["columns"].items()}
    return lineage(model)


def written() -> str:
    """The file's content as it should be."""
    traced = {
        model.name: {
            "of": _fingerprint(model),
            "columns": {column: [list(source) for source in sources] for column, sources in of(model).items()},
        }
        for model in sorted(load_models(), key=lambda model: model.name)
    }
    lines = []
    for name, entry in traced.items():
        columns = ",\n".join(f"    {json.dumps(c)}: {json.dumps(s)}" for c, s in entry["columns"].items())
        lines.append(f' {json.dumps(name)}: {{"of": {json.dumps(entry["of"])}, "columns": {{\n{columns}\n }}}}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _fingerprint(model: Model) -> str:
    """Of all that tracing reads: the SQL, its columns, and those of the tables that it reads."""
    digest = sha256(model.sql.encode())
    for table in (model.name, *model.reads):
        digest.update(f"\n{table}: {', '.join(_columns_of().get(table, ()))}".encode())
    return digest.hexdigest()[:16]


@cache
def _columns_of() -> dict[str, list[str]]:
    return {model.name: [column.name for column in model.columns] for model in load_models()} | inputs.columns()


@cache
def _kept() -> dict[str, dict[str, object]]:
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
