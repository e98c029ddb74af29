"""Milestones written a second time, in plain Python from the text of the definitions, against random histories.

Nothing here comes from the contract's definitions or from a query: numbers and words are this file's own.
"""

import random
from decimal import Decimal
from itertools import groupby
from typing import Any

from tests.models.built import rows
from tests.models.cohort import Cohort

SITS, LIMIT = "sitting_without_support", Decimal("9.2") * Decimal("30.4375")
WORST_LAST = ("not_yet", "emerging", "achieved", "regained", "lost")


def expected(looks: list[tuple[int, str]], correction: int) -> tuple[list[tuple[int, str]], dict[str, Any]]:
    """State against WHO's 99th centile by age, and the attainment, of one infant."""
    days = [
        (age, max((status for _, status in same), key=WORST_LAST.index))
        for age, same in groupby(sorted(looks), key=lambda look: look[0])
    ]
    shown = [age for age, status in days if status in ("achieved", "regained", "lost")]
    by = min(shown, default=None)
    after = max((age for age, _ in days if by is not None and age < by), default=0) if by is not None else None
    limit = LIMIT + correction
    states, losses, contradictions = [], 0, 0
    ever, lost, ever_lost = False, False, False
    for age, status in days:
        if status == "lost":
            losses += not lost
            state, ever, lost, ever_lost = "lost", True, True, True
        elif status in ("achieved", "regained"):
            ever, lost = True, False
            state = "on_time" if by <= limit else "late" if after >= limit else "undecided"
            if ever_lost or status == "regained":
                state = "regained"
        elif lost:
            state = "lost"
        elif ever:
            state, contradictions = "contradicted", contradictions + 1
        else:
            state = "not_yet_past_limit" if age > limit else "not_yet"
        states.append((age, state))
    told = {"attained_after_age_days": after, "attained_by_age_days": by, "losses": losses}
    return states, told | {"contradictions": contradictions, "looks": len(days)}


def test_random_histories_are_read_alike() -> None:
    chance = random.Random(5)  # noqa: S311  # cases, not secrets
    cohort = Cohort()
    written = {}
    for _ in range(400):
        gestation = chance.choice((280, 259, 258, 230, 196))
        infant = cohort.infant(gestation_total_days=gestation)
        ages = (100, 200, 279, 280, 281, 282, 302, 303, 331, 364, 365, 500, 800)
        looks = [(chance.choice(ages), chance.choice(WORST_LAST)) for _ in range(chance.randrange(1, 7))]
        for age, status in looks:
            infant.milestone(SITS, age, status)
        written[infant.key] = expected(looks, 280 - gestation if gestation < 259 else 0)
    connection = cohort.build("research.milestone_states", "research.milestone_attainment")
    by_key: dict[Any, list[tuple[int, str]]] = {key: [] for key in written}
    query = "FROM research.milestone_states WHERE scale = 'who_2006' ORDER BY subject_key, age_days"
    for row in rows(connection, query):
        by_key[row["subject_key"]].append((row["age_days"], row["state"]))
    attained = {
        row["subject_key"]: row for row in rows(connection, f"FROM research.milestone_attainment WHERE code = '{SITS}'")
    }
    connection.close()
    assert by_key == {key: states for key, (states, _) in written.items()}
    told = {key: {name: attained[key][name] for name in one} for key, (_, one) in written.items()}
    assert told == {key: one for key, (_, one) in written.items()}
