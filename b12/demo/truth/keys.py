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

    @classmethod
    def dated(cls, keys: Iterable[tuple[int, Key]]) -> "Ordered":
        """Keys by what stands beside them, then in their own order."""
        return cls(tuple((each, each[1]) for each in keys))

    @classmethod
    def joined(cls, lists: Iterable["Ordered"]) -> "Ordered":
        """One list after the other."""
        return cls(tuple(((place, by), key) for place, each in enumerate(lists) for by, key in each.pairs))


class Least(NamedTuple):
    """The least of some keys."""

    keys: tuple[Key, ...]
