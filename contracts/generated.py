"""The reference files that are made from the contract.

What they hold is made by json_schemas, asyncapi and dictionary; b12/generated.py writes and compares them.
"""

import json
from pathlib import Path

from contracts import asyncapi, dictionary, json_schemas
from contracts.events import KINDS

REFERENCE = Path("docs/reference")
SCHEMAS = REFERENCE / "schemas"


def files() -> dict[Path, str]:
    """The text of each, by its path in the repository."""
    import yaml  # only who changes the contract needs it

    description = yaml.safe_dump(asyncapi.document(), sort_keys=False, allow_unicode=True, width=120)
    schemas = {SCHEMAS / f"b12.{kind}.v1.json": _as_json(json_schemas.schema(kind)) for kind in KINDS}
    return {
        **schemas,
        REFERENCE / "asyncapi.yaml": f"# Made from the contract by `make fix`.\n{description}",
        REFERENCE / "data-dictionary.md": dictionary.page(),
    }


def _as_json(schema: json_schemas.Schema) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
