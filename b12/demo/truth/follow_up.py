"""What was measured before treatment and at each visit, and whether the infant recovered, by the definitions' text."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

from b12.demo.truth.evidence import Evidence, above, haemoglobin_cut_off, mma_limit
from b12.demo.truth.records import Result

STATUS_MARKERS = ("b12", "homocysteine", "mma", "holotranscobalamin")
BLOOD_COUNT = ("haemoglobin", "mcv")

# First, last and target day, counted from the first dose.
VISITS = {"months_3": (75, 120, 90), "months_6": (150, 210, 180), "months_12": (330, 420, 365)}

# What is said when a family is no longer followed.
LEFT = {"died": "died", "moved": "lost", "lost": "lost", "completed": "no_follow_up"}


@dataclass(frozen=True)
class Outcome:
    """One dimension of one infant at one visit."""

    is_at_risk: bool | None
    state: str
    reason: str | None = None
    is_reference_band_changed: bool = False
    study_day: int | None = None


class Course:
    """A treated infant, in days from the first dose."""

    def __init__(self, evidence: Evidence, cut_off: date) -> None:
        if evidence.start is None:
            raise ValueError("an infant without a first dose has no study days")
        self.evidence = evidence
        self.start = evidence.start
        subject = evidence.subject
        self.cut_off_day = (cut_off - subject.birth).days - self.start.age_days

    def day(self, result: Result) -> int:
        """Study day of a result: 0 is the day of the first dose."""
        return result.age_days - self.start.age_days

    # Which results count

    def place(self, result: Result) -> str:
        """`baseline`, a visit, `post_dose` (too late for a baseline, up to day 14) or `unscheduled`.

        Blood counts are a baseline up to day 3, unless blood had been given.
        """
        day = self.day(result)
        if result.is_blood_count:
            is_baseline = -30 <= day <= 3 and not self.is_transfused(result)
        else:
            is_baseline = -30 <= day <= 0 and not self.start.before(result)
        if is_baseline:
            return "baseline"
        if 0 <= day <= 14:
            return "post_dose"
        return next((visit for visit, (first, last, _) in VISITS.items() if first <= day <= last), "unscheduled")

    def is_transfused(self, result: Result) -> bool:
        """Whether blood was given in the 90 days before; what was given that day came after."""
        return any(0 < result.age_days - given <= 90 for given in self.evidence.transfusions)

    @cached_property
    def _placed(self) -> dict[str, list[Result]]:
        found: dict[str, list[Result]] = defaultdict(list)
        for result in self.evidence.usable:
            if result.analyte in (*STATUS_MARKERS, *BLOOD_COUNT):
                found[self.place(result)].append(result)
        return found

    @property
    def placed(self) -> list[Result]:
        """Every usable result of a marker."""
        return [result for results in self._placed.values() for result in results]

    @property
    def early(self) -> list[Result]:
        """Too late for a baseline, and up to day 14."""
        return self._placed["post_dose"]

    @property
    def unscheduled(self) -> list[Result]:
        """Measured on days that belong to no window."""
        return self._placed["unscheduled"]

    def at(self, visit: str) -> dict[str, Result]:
        """The result of each marker that counts at a visit or at baseline.

        The nearest to the target day; then the earlier; on one day that of the draw with most markers, then the newest.
        """
        target = self.window(visit)[2]

        def nearness(result: Result) -> tuple[object, ...]:
            counted, newest = self.standing(result)
            return abs(self.day(result) - target), result.age_days, -counted, -newest

        placed = self._placed[visit]
        return {
            analyte: min((r for r in placed if r.analyte == analyte), key=nearness)
            for analyte in {r.analyte for r in placed}
        }

    def standing(self, result: Result) -> tuple[int, float]:
        """Of several on one day the greatest counts: the draw with most markers, then the newest."""
        return self._counted(result), result.by.time.timestamp() if result.by.time else 0

    def _counted(self, result: Result) -> int:
        """How many of B12, homocysteine and MMA its draw has."""
        draw = {r.analyte for r in self.evidence.usable if (r.age_days, r.minute) == (result.age_days, result.minute)}
        return len(draw & {"b12", "homocysteine", "mma"})

    # Visits

    def window(self, visit: str) -> tuple[int, int, int]:
        """First, last and target day; of the baseline the widest."""
        return (-30, 3, 0) if visit == "baseline" else VISITS[visit]

    def visit_state(self, visit: str) -> tuple[str, str | None]:
        """Whether something was measured, is due, or is no longer expected; and why nothing was."""
        first, last, _ = self.window(visit)
        if self.at(visit):
            return "in_window", None
        left = self.left
        if left and left[1] <= last:
            return "not_expected", left[0]
        if self.cut_off_day < first:
            return "not_due", "not_due"
        if self.cut_off_day <= last:
            return "due", "not_due"
        if visit == "baseline":
            return "missed", "no_baseline"
        return "missed", "out_of_window" if self.unscheduled else "no_follow_up"

    @property
    def left(self) -> tuple[str, int] | None:
        """Why and on which study day the infant left, by the latest word."""
        subject = self.evidence.subject
        said = sorted(subject.of("status"), key=lambda said: said["effective"].date)
        if not said or said[-1]["state"] not in LEFT:
            return None
        return LEFT[said[-1]["state"]], subject.age(said[-1]["effective"]) - self.start.age_days

    def absent(self, visit: str) -> str | None:
        """Why nothing could come of a visit: the infant had left, or it had not closed."""
        return self.absent_until(self.window(visit)[1])

    def absent_until(self, last: int) -> str | None:
        """The same of a span that ends on a study day."""
        left = self.left
        if left and left[1] <= last:
            return left[0]
        return "not_due" if self.cut_off_day <= last else None

    # Recovery

    def outcome(self, dimension: str, visit: str) -> Outcome:
        """Whether the infant recovered in one dimension by one visit."""
        markers = ("homocysteine", "mma") if dimension == "biochemical" else BLOOD_COUNT
        before = {m: r for m, r in self.at("baseline").items() if m in markers}
        after = {m: r for m, r in self.at(visit).items() if m in markers}
        days = [self.day(r) for r in after.values()]
        seen = {
            "is_reference_band_changed": any(self._band_changed(before[m], after[m]) for m in before.keys() & after),
            "study_day": max(days, default=None),
        }
        abnormal = [m for m, r in before.items() if self.is_abnormal(r)]
        at_risk, reason = self._risk(dimension, before, abnormal)
        if reason:
            return Outcome(at_risk, "not_assessable", reason, **seen)
        if not at_risk:
            return Outcome(False, "not_affected", None, **seen)
        needed = {*abnormal, "haemoglobin"} if dimension == "haematological" else set(abnormal)
        if missing := self._missing(dimension, visit, needed & after.keys()):
            return Outcome(True, "not_assessable", missing, **seen)
        if dimension == "haematological" and any(self.is_transfused(r) for r in after.values()):
            return Outcome(True, "not_assessable", "transfused", **seen)
        must = set(markers) if dimension == "biochemical" else needed
        abnormal_after = [m for m in must & after.keys() if self.is_abnormal(after[m])]
        decided = [m for m in needed & after.keys() if self.is_abnormal(after[m]) is not None]
        if len(decided) == len(needed) and not abnormal_after:
            return Outcome(True, "recovered", None, **seen)
        if self._improved(dimension, before, after, needed):
            return Outcome(True, "improved", None, **seen)
        if abnormal_after:
            return Outcome(True, "not_recovered", None, **seen)
        undecided = [m for m in must & after.keys() if self.is_abnormal(after[m]) is None]
        return Outcome(True, "not_assessable", "no_cut_off" if undecided else "no_follow_up", **seen)

    def _risk(self, dimension: str, before: dict[str, Result], abnormal: list[str]) -> tuple[bool | None, str | None]:
        """Whether the infant was abnormal before treatment, and why that is not known."""
        if abnormal:
            return True, None
        markers = ("homocysteine", "mma") if dimension == "biochemical" else BLOOD_COUNT
        if any(self.is_abnormal(r) for r in self.early if r.analyte in markers):
            return True, "baseline_post_dose"
        if any(self.is_abnormal(r) is None for r in before.values()):
            return None, "no_cut_off"
        if before:
            return False, None
        if dimension == "biochemical" and "b12" in self.at("baseline"):
            return None, "b12_only"
        return None, "no_baseline"

    def _missing(self, dimension: str, visit: str, measured: set[str]) -> str | None:
        """Why nothing that is needed was measured at the visit."""
        if measured:
            return None
        state, reason = self.visit_state(visit)
        if state in ("not_due", "due"):
            return "not_due"
        if state == "not_expected":
            return reason
        if dimension == "biochemical" and "b12" in self.at(visit):
            return "b12_only"
        markers = ("homocysteine", "mma") if dimension == "biochemical" else BLOOD_COUNT
        later = [r for r in self.unscheduled if r.analyte in markers and self.day(r) > 0]
        return "out_of_window" if later else "no_follow_up"

    def is_abnormal(self, result: Result) -> bool | None:
        """Outside the target of recovery; None where there is no cut-off."""
        if result.analyte == "homocysteine":
            return above(result, Decimal("6.5"))
        if result.analyte == "mma":
            return above(result, mma_limit(result.age_months))
        if result.analyte == "haemoglobin":
            return self.evidence.anaemic(result)
        return above(result, 95)

    @staticmethod
    def _band_changed(before: Result, after: Result) -> bool:
        """Whether another limit applies at the later age."""
        limits = {"mma": mma_limit, "haemoglobin": haemoglobin_cut_off}.get(before.analyte)
        if limits is None:
            return False
        first, second = limits(before.age_months), limits(after.age_months)
        return None not in (first, second) and first != second

    @staticmethod
    def _improved(dimension: str, before: dict[str, Result], after: dict[str, Result], needed: set[str]) -> bool:
        """Markers have fallen by half, or haemoglobin has risen by 10 g/L."""
        if dimension == "haematological":
            pair = before.get("haemoglobin"), after.get("haemoglobin")
            return all(pair) and pair[1].value - pair[0].value >= 10
        pairs = [(before[m], after[m]) for m in needed if m in before and m in after]
        return bool(pairs) and all(b.value - a.value >= b.value / 2 for b, a in pairs)
