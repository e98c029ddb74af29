"""Why the registry does not count an accepted delivery, and what its sender can do, in plain words.

How a verdict is reached belongs to the registry's models.
"""

import tomllib
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from contracts import judge, rulebook

VERDICTS = (
    "included",
    "duplicate",
    "conflict",
    "superseded",
    "retracted",
    "withdrawn",
    "held",
    "quarantined",
    "replayed",
    "refused",
)
"""Every verdict. What was received is the sum of them."""


class Reason(NamedTuple):
    """One reason of the registry."""

    reason: str
    verdict: str
    means: str
    fix: str


@cache
def reasons() -> dict[str, Reason]:
    """The reasons that are neither a rule of the door nor a row rule, by their code."""
    text = files("contracts").joinpath("rules", "verdicts.toml").read_text(encoding="utf-8")
    return {
        entry["reason"]: Reason(entry["reason"], entry["verdict"], entry["means"], entry["fix"])
        for entry in tomllib.loads(text)["verdict"]
    }


def fix(kind: str, verdict: str, reason: str | None) -> str | None:
    """What to do about a delivery of this kind with this verdict; None for an included one.

    Raises KeyError for a reason that the contract does not know.
    """
    if reason is None:
        return None
    if verdict == "refused":
        return judge.rules()[reason].fix
    if verdict == "quarantined":
        return rulebook.rule(kind, reason).fix
    return reasons()[reason].fix
