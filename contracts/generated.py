"""Writes the reference files that are made from the contract, or says which of them are stale.

`python -m contracts.generated` writes, `--check` compares. What the files hold is made by json_schemas, asyncapi and
dictionary; reading and writing happen here alone.
"""

import json
import sys
from pathlib import Path

from contracts import asyncapi, dictionary, json_schemas
from contracts.events import KINDS

ROOT = Path(__file__).parent.parent
REFERENCE = Path("docs/reference")
SCHEMAS = REFERENCE / "schemas"


def generated_files() -> dict[Path, str]:
    """The text of every generated file by its path in the repository."""
    import yaml  # only who changes the contract needs it

    description = yaml.safe_dump(asyncapi.document(), sort_keys=False, allow_unicode=True, width=120)
    schemas = {SCHEMAS / f"b12.{kind}.v1.json": _as_json(json_schemas.schema(kind)) for kind in KINDS}
    return {
        **schemas,
        REFERENCE / "asyncapi.yaml": f"# Made from the contract by `python -m contracts.generated`.\n{description}",
        REFERENCE / "data-dictionary.md": dictionary.page(),
    }


def stale(root: Path = ROOT) -> list[Path]:
    """Generated files that are missing, differ from what the contract says, or belong to no kind any more."""
    wanted = generated_files()
    differing = [path for path, text in wanted.items() if not _same(root / path, text)]
    left_over = [path.relative_to(root) for path in (root / SCHEMAS).glob("*.json")]
    return sorted({*differing, *(path for path in left_over if path not in wanted)})


def write(root: Path = ROOT) -> list[Path]:
    """Bring every generated file up to date; returns those that changed."""
    wanted = generated_files()
    changed = stale(root)
    for path in changed:
        if path in wanted:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(wanted[path], encoding="utf-8", newline="\n")
        else:
            (root / path).unlink()
    return changed


def _same(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()


def _as_json(schema: json_schemas.Schema) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Write, or with --check compare: 0, 1 when files are stale, 2 for any other argument."""
    if arguments not in ([], ["--check"]):
        print("usage: python -m contracts.generated [--check]", file=sys.stderr)
        return 2
    if not arguments:
        for path in write():
            print(f"wrote {path}")
        return 0
    outdated = stale()
    for path in outdated:
        print(f"stale: {path}", file=sys.stderr)
    if outdated:
        print("run `make fix` and commit what it writes", file=sys.stderr)
    return 1 if outdated else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
