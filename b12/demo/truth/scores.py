"""Whether each domain of development recovered, by the definitions' text.

The partners of the cohort keep to one instrument each and note no error of measurement; the models' fixtures try both.
"""

from decimal import Decimal
from typing import Any

from b12.demo.truth.follow_up import VISITS, Course, Outcome

Scale = tuple[str, str, str, str]
Score = tuple[int, dict[str, Any]]
"""Study day, and what was said."""


class Scores:
    """The scores of a treated infant, in days from the first dose."""

    def __init__(self, course: Course) -> None:
        self.course = course
        subject = course.evidence.subject
        self.scores: dict[Scale, list[Score]] = {}
        for said in subject.of("assessment"):
            scale = (said["instrument"], said["edition"], said["domain"], said["score_type"])
            day = (said["assessed"].date - subject.birth).days - course.start.age_days
            self.scores.setdefault(scale, []).append((day, said))

    def near(self, scale: Scale, first: int, last: int, target: int) -> Score | None:
        """The one nearest to a day, one with a number before one without."""
        within = [(day, said) for day, said in self.scores[scale] if first <= day <= last]
        return min(within, key=lambda s: (s[1].get("score") is None, abs(s[0] - target), s[0]), default=None)

    def outcome(self, visit: str) -> Outcome:
        """Whether every low domain is at 85 by a visit."""
        first, last, target = VISITS[visit]
        before = {scale: found for scale in self.scores if (found := self.near(scale, -30, 14, 0))}
        after = {scale: found for scale in before if (found := self.near(scale, first, last, target))}
        scored = {scale: found for scale, found in after.items() if found[1].get("score") is not None}
        day = max((found[0] for found in scored.values()), default=None)
        low = [s for s, (_, said) in before.items() if said.get("score") is not None and said["score"] < 85]
        if not low:
            if any(said["status"] == "untestable" for _, said in before.values()):
                return Outcome(None, "not_assessable", "untestable", study_day=day)
            if before:
                return Outcome(False, "not_affected", study_day=day)
            return Outcome(None, "not_assessable", "no_baseline", study_day=day)
        assessed = [scale for scale in low if scale in scored]
        if not assessed:
            return Outcome(True, "not_assessable", self._missing(visit, low, after), study_day=day)
        recovered = [scale for scale in assessed if scored[scale][1]["score"] >= 85]
        better = [s for s in assessed if scored[s][1]["score"] - before[s][1]["score"] >= Decimal(15)]
        if len(recovered) == len(low):
            return Outcome(True, "recovered", study_day=day)
        if set(recovered) | set(better) == set(assessed):
            return Outcome(True, "improved", study_day=day)
        return Outcome(True, "not_recovered", study_day=day)

    def _missing(self, visit: str, low: list[Scale], after: dict[Scale, Score]) -> str:
        if any(scale in after and after[scale][1]["status"] == "untestable" for scale in low):
            return "untestable"
        if reason := self.course.absent(visit):
            return reason
        later = any(day > 0 and said.get("score") is not None for scale in low for day, said in self.scores[scale])
        return "out_of_window" if later else "no_follow_up"
