"""What is asked of a record beside others: the rows of contracts/definitions/history.toml, by name.

How each is asked is SQL (`staging.history_hits`, `staging.levels`): a lab's check sees one event at a time and asks
none of them.
"""

import tomllib
from functools import cache
from importlib.resources import files

from msgspec import Struct, convert

from contracts.rulebook import Category, Effect, Severity


class HistoryRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One question about a record beside the others of its subject or site."""

    id: str
    """Its name, which a confirmation gives."""
    version: int
    kind: str
    """Kind of the events that it is asked of."""
    field: str
    """Field of `data` that it asks about."""
    category: Category
    severity: Severity
    effect: Effect
    asks: str
    """What must be, in plain words."""
    fix: str
    """What the sender does when it is not."""
    status: str
    citation: str


@cache
def history_rules() -> dict[tuple[str, str], HistoryRule]:
    """By kind and name."""
    text = files("contracts").joinpath("definitions", "history.toml").read_text(encoding="utf-8")
    rules = convert(tomllib.loads(text)["history_rule"], list[HistoryRule])
    return {(rule.kind, rule.id): rule for rule in rules}
