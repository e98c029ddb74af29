"""Raw events for tests, made from the contract's one example per kind.

What a test asserts of them belongs to the test.
"""

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from contracts.events import KINDS


@cache
def _example(kind: str) -> bytes:
    return files("contracts").joinpath("examples", f"{kind}.json").read_bytes()


def event(
    kind: str = "lab_result", site: str = "BLR01", *, data: dict[str, Any] | None = None, **envelope: Any
) -> bytes:
    """One valid event of `site`; `envelope` (id, subject, time, record) and `data` replace or add fields."""
    content = msgspec.json.decode(_example(kind))
    content["source"] = f"/sites/{site}"
    content.update(envelope)
    content["data"].update(data or {})
    return msgspec.json.encode(content)


def one_of_each(site: str = "BLR01") -> list[bytes]:
    """One valid event of every kind, each with its own id."""
    return [event(kind, site, id=f"{kind}-1") for kind in KINDS]
