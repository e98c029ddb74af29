"""What a `when` of a mapping asks of one cell."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from operator import ge, gt, le, lt

from sites.cells import number, text_of
from sites.mapping import Condition
from sites.reading import Cell

_COMPARISONS = {"below": lt, "above": gt, "at_least": ge, "at_most": le}


def tests(condition: Condition, decimal: str) -> Iterable[Callable[[Cell], bool]]:
    """The tests that a cell must all pass; a comparison with an empty cell does not hold."""
    for wanted in (condition.one_of, None if condition.is_ is None else (condition.is_,)):
        if wanted is not None:
            yield _among(frozenset(map(text_of, wanted)), is_wanted=True)
    for unwanted in (condition.none_of, None if condition.is_not is None else (condition.is_not,)):
        if unwanted is not None:
            yield _among(frozenset(map(text_of, unwanted)), is_wanted=False)
    if condition.given is not None:
        yield lambda cell: (cell is not None) is condition.given
    for name, compare in _COMPARISONS.items():
        limit = getattr(condition, name)
        if limit is not None:
            yield _compared(compare, Decimal(limit), decimal)


def _among(texts: frozenset[str], *, is_wanted: bool) -> Callable[[Cell], bool]:
    return lambda cell: (cell is not None and text_of(cell) in texts) is is_wanted


def _compared(compare: Callable[[Decimal, Decimal], bool], limit: Decimal, decimal: str) -> Callable[[Cell], bool]:
    return lambda cell: cell is not None and compare(number(cell, decimal), limit)
