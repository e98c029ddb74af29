"""Writes every file of the repository that is made from code or dictionaries, or says which are stale.

    python -m b12.generated            writes
    python -m b12.generated --check    compares

What the files hold is made in the rooms that know it; reading and writing happen here alone.
"""

import sys
from functools import cache
from pathlib import Path

from b12 import reference as commands
from contracts import generated as contract
from pipelines import generated as pipelines
from registry import reference as tables
from streams import reference as metrics

ROOT = Path(__file__).parents[1]


@cache
def files() -> dict[Path, str]:
    """The text of every generated file, by its path in the repository."""
    pages = {room.PAGE: room.page() for room in (tables, metrics, commands)} | pipelines.files()
    return contract.files() | {path.relative_to(ROOT): text for path, text in pages.items()}


def stale(root: Path = ROOT) -> list[Path]:
    """Generated files that are missing, differ from what they are made of, or belong to no kind any more."""
    differing = [path for path, text in files().items() if not _same(root / path, text)]
    left_over = [path.relative_to(root) for path in (root / contract.SCHEMAS).glob("*.json")]
    return sorted({*differing, *(path for path in left_over if path not in files())})


def write(root: Path = ROOT) -> list[Path]:
    """Bring every generated file up to date; those that changed."""
    changed = stale(root)
    for path in changed:
        if path in files():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(files()[path], encoding="utf-8", newline="\n")
        else:
            (root / path).unlink()
    return changed


def main(arguments: list[str]) -> int:
    """Write, or with --check compare: 0, 1 when files are stale, 2 for any other argument."""
    if arguments not in ([], ["--check"]):
        print("usage: python -m b12.generated [--check]", file=sys.stderr)
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


def _same(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
