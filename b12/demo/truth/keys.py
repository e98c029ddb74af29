"""Pseudonyms as what they are made of, so that whoever compares can make them: only a registry knows the secret."""

from collections.abc import Iterable
from typing import Any, NamedTuple


class Key(NamedTuple):
    """What a pseudonym is made of."""

    role: str
    site: str
    value: str


class Ordered(NamedTuple):
    """A list in the order of pseudonyms: pairs of what a value is ordered by, and the value."""

    pairs: tuple[tuple[Any, Any], ...]

    @classmethod
    def of(cls, keys: Iterable[Key]) -> "Ordered":
        """Keys in their own order."""
        return cls(tuple((key, key) for key in keys))


class Least(NamedTuple):
    """The least of some keys."""

    keys: tuple[Key, ...]
