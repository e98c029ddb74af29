"""Whether signs have gone and lost milestones have come back, by the definitions' text.

What blood tells of recovery is in `follow_up`.
"""

from collections import defaultdict

from b12.demo.statements import Moment
from b12.demo.truth.evidence import MAJOR, MINOR
from b12.demo.truth.follow_up import VISITS, Course, Outcome

TREMOR = "HP:0001337"
LAST_BASELINE_DAY, LAST_EARLY_DAY = 3, 14

Looks = dict[int, set[str]]
"""What was said of one sign or milestone, by study day."""


class Signs:
    """The signs and milestones of a treated infant, in days from the first dose."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.looks: dict[str, Looks] = defaultdict(lambda: defaultdict(set))
        self.onsets: dict[tuple[str, int], int] = {}
        subject = course.evidence.subject
        for said in subject.of("symptom"):
            if said["code"] in MAJOR | MINOR:
                day = self._day(said["observed"])
                self.looks[said["code"]][day].add(said["status"])
                if said.get("onset") and said["status"] == "present":
                    self.onsets[said["code"], day] = self._day(said["onset"])
        for said in subject.of("milestone"):
            self.looks[said["code"]][self._day(said["observed"])].add(said["status"])

    def _day(self, moment: Moment) -> int:
        return (moment.date - self.course.evidence.subject.birth).days - self.course.start.age_days

    @staticmethod
    def is_there(said: set[str]) -> bool:
        """The sign is seen, or the milestone is not."""
        return bool(said & {"present", "lost", "not_yet", "emerging"})

    def _begins_under_treatment(self, code: str, day: int) -> bool:
        return code == TREMOR and self.onsets.get((code, day), day if day > LAST_BASELINE_DAY else 0) > 0

    def _seen(self, code: str) -> list[int]:
        """Days on which the sign was seen, or the milestone found lost."""
        return sorted(day for day, said in self.looks[code].items() if said & {"present", "lost"})

    def before(self) -> set[str]:
        """What was there before treatment."""
        found = set()
        for code, looks in self.looks.items():
            for day in self._seen(code):
                gone = min((d for d, said in looks.items() if d > day and not self.is_there(said)), default=1)
                if -30 <= day <= LAST_BASELINE_DAY and gone > 0 and not self._begins_under_treatment(code, day):
                    found.add(code)
        return found

    def first_seen_early(self) -> set[str]:
        """What was seen too late for a baseline, and up to day 14."""
        return {
            code
            for code in self.looks
            for day in self._seen(code)
            if LAST_BASELINE_DAY < day <= LAST_EARLY_DAY and not self._begins_under_treatment(code, day)
        } - self.before()

    def tremor_of_treatment(self, until: int) -> set[str]:
        """A tremor that began under treatment up to a day."""
        began = [day for day in self._seen(TREMOR) if self._begins_under_treatment(TREMOR, day)]
        return {TREMOR} if began and min(began) <= until else set()

    def has_gone(self, code: str, visit: str) -> bool | None:
        """At a visit: by the look nearest to its target day, or because it had gone before."""
        first, last, target = VISITS[visit]
        looks = self.looks[code]
        within = [day for day in looks if first <= day <= last]
        if within:
            return not self.is_there(looks[min(within, key=lambda day: (abs(day - target), day))])
        earlier = [day for day in looks if day < first]
        return True if earlier and not self.is_there(looks[max(earlier)]) else None

    def was_looked_at(self, first: int, last: int) -> int | None:
        """The last day on which anything was looked for."""
        days = [day for looks in self.looks.values() for day in looks if first <= day <= last]
        return max(days, default=None)

    def outcome(self, visit: str) -> Outcome:
        """Whether everything had gone by a visit."""
        first, last, _ = VISITS[visit]
        looked = self.was_looked_at(first, last)
        before = self.before()
        if not before:
            if self.first_seen_early():
                return Outcome(True, "not_assessable", "baseline_post_dose", study_day=looked)
            asked = any(
                -30 <= day <= LAST_BASELINE_DAY for code in self.looks if ":" in code for day in self.looks[code]
            )
            if asked:
                return Outcome(False, "not_affected", study_day=looked)
            return Outcome(None, "not_assessable", "no_baseline", study_day=looked)
        if looked is None:
            later = any(day > 0 for looks in self.looks.values() for day in looks)
            reason = self.course.absent(visit) or ("out_of_window" if later else "no_follow_up")
            return Outcome(True, "not_assessable", reason)
        must = before | self.first_seen_early() | self.tremor_of_treatment(last)
        gone = [self.has_gone(code, visit) for code in must]
        if False in gone:
            return Outcome(True, "not_recovered", study_day=looked)
        if None in gone:
            return Outcome(True, "not_assessable", "no_follow_up", study_day=looked)
        return Outcome(True, "recovered", study_day=looked)
