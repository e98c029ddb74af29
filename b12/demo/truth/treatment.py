"""What was given to an infant and how much of what was due, by the definitions' text.

When treatment started is in `evidence`; what came of it in `recovery`.
"""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from b12.demo.truth.core import Row, key_of
from b12.demo.truth.evidence import Evidence
from b12.demo.truth.follow_up import Course
from b12.demo.truth.keys import Key
from b12.demo.truth.records import B12_COMPOUNDS

REGIMEN_DAYS = 14
INJECTED = {"im", "sc", "iv"}


class Regimen(NamedTuple):
    """How many doses of how much its first two weeks hold; and first day, last day and doses of each step."""

    name: str
    doses: range
    ug: int
    is_by_injection_only: bool
    steps: tuple[tuple[int, int, int], ...]


REGIMENS = (
    Regimen("daily_injections", range(10, 15), 1000, True, ((0, 13, 14),)),
    Regimen("daily_weekly_monthly", range(5, 10), 1000, True, ((0, 6, 7), (7, 41, 4), (42, 201, 5))),
    Regimen("five_of_500", range(3, 7), 500, False, ((0, 13, 5),)),
    Regimen("single_of_400", range(1, 2), 400, True, ((0, 0, 1),)),
)


class Planned(NamedTuple):
    """A dose on the day on which it was given, else was due."""

    day: int
    said: Row
    record: str

    @property
    def is_given(self) -> bool:
        """Neither missed nor refused."""
        return bool(self.said["status"] == "given")

    @property
    def is_therapeutic(self) -> bool:
        """Given, and said to be or of 100 ug or more where no purpose is noted."""
        purpose = self.said.get("purpose")
        return self.is_given and (purpose == "therapeutic" or (purpose is None and self.said["ug"] >= 100))

    @property
    def tells_of_regimen(self) -> bool:
        """A therapeutic dose, or one that was to be."""
        return self.is_therapeutic or (not self.is_given and self.said.get("purpose") in ("therapeutic", None))


def tables(evidence: Evidence, cut_off: date) -> dict[str, list[Row]]:
    """The series of doses, the steps of a known regimen and what was kept to of both."""
    found: dict[str, list[Row]] = {"research.treatment": [_treatment(evidence)]}
    found |= {"research.dose_series": [], "research.regimen_steps": [], "research.adherence": []}
    series = _series(evidence)
    if evidence.subject.enrolment["person"] != "infant" or not series:
        return found
    steps = _steps(evidence, series, cut_off)
    found["research.dose_series"] = _doses(evidence, series)
    found["research.regimen_steps"] = steps
    found["research.adherence"] = [_adherence(evidence, series, steps)]
    return found


def _who(evidence: Evidence) -> Row:
    return {"subject_key": key_of(evidence.subject), "site": evidence.subject.site}


def _treatment(evidence: Evidence) -> Row:
    start = evidence.start
    first = [d for d in evidence.doses if start and d.is_therapeutic and d.age_days == start.age_days]
    given = [d for d in evidence.doses if start and 0 <= d.age_days - start.age_days < REGIMEN_DAYS]
    return {
        **_who(evidence),
        "treatment_start_age_days": start.age_days if start else None,
        "treatment_start_minute": min((d.minute for d in first if d.minute is not None), default=None),
        "maternal_start_age_days": min((d.age_days for d in evidence.mothers_doses), default=None),
        "regimen": "+".join(sorted({f"{d.said['compound']}:{d.said['route']}" for d in given})) or None,
        "regimen_doses": len(given),
        "regimen_ug": sum((d.said["ug"] for d in given), Decimal(0)) if given else None,
    }


def _series(evidence: Evidence) -> list[Planned]:
    """Every dose of B12 that was meant for the infant, in order; the clock decides within a day where it is known."""
    meant = [
        Planned(evidence.subject.age(said.get("given") or said["scheduled"]), said, by.record)
        for by in evidence.subject.by("dose")
        if (said := by.statement.data)["person"] == "infant" and said["compound"] in B12_COMPOUNDS
    ]
    return sorted(meant, key=lambda dose: (dose.day, _minute(dose)))


def _minute(dose: Planned) -> int:
    """Minute of the day; what has none stands last."""
    minute = dose.said["given"].minute if dose.is_given else None
    return 1440 if minute is None else int(minute)


def _doses(evidence: Evidence, series: list[Planned]) -> list[Row]:
    rows = []
    for number, dose in enumerate(series, 1):
        earlier = [other.day for other in series[: number - 1] if other.is_given]
        said = dose.said
        rows.append(
            {
                **_who(evidence),
                "record_key": Key("record", evidence.subject.site, dose.record),
                "dose_number": number,
                **{name: said.get(name) for name in ("compound", "route", "ug", "status", "purpose")},
                "is_therapeutic": dose.is_therapeutic,
                "scheduled_age_days": evidence.subject.age(said.get("scheduled")),
                "age_days": dose.day if dose.is_given else None,
                "study_day": dose.day - evidence.start.age_days if evidence.start else None,
                "since_given_days": dose.day - max(earlier) if earlier else None,
            }
        )
    return rows


def _regimen(begun: list[Planned]) -> Regimen | None:
    """The first that fits what was meant on days 0 to 13."""
    amounts = {dose.said["ug"] for dose in begun if dose.is_given}
    by_injection = all(dose.said["route"] in INJECTED for dose in begun)
    for regimen in REGIMENS:
        is_of_route = by_injection or not regimen.is_by_injection_only
        if is_of_route and len(begun) in regimen.doses and amounts == {regimen.ug}:
            return regimen
    return None


def _steps(evidence: Evidence, series: list[Planned], cut_off: date) -> list[Row]:
    """The steps that were over before the infant left and before the cut-off."""
    if evidence.start is None:
        return []
    course, start = Course(evidence, cut_off), evidence.start.age_days
    regimen = _regimen([d for d in series if 0 <= d.day - start < REGIMEN_DAYS and d.tells_of_regimen])
    rows: list[Row] = []
    if regimen is None:
        return rows
    for order, (first, last, due) in enumerate(regimen.steps, 1):
        days = {d.day for d in series if d.is_given and first <= d.day - start <= last}
        if course.cut_off_day > last and (course.left is None or course.left[1] > last):
            told = {"regimen": regimen.name, "step_order": order, "from_day": first, "to_day": last}
            told |= {"doses_due": due, "days_with_dose": len(days), "doses_met": min(due, len(days))}
            rows.append({**_who(evidence), **told})
    return rows


def _adherence(evidence: Evidence, series: list[Planned], steps: list[Row]) -> Row:
    given = [dose.day for dose in series if dose.is_given]
    due, met = sum(step["doses_due"] for step in steps), sum(step["doses_met"] for step in steps)
    # A dose that was missed still ends the wait since the last one.
    gaps = [row["since_given_days"] for row in _doses(evidence, series) if row["since_given_days"] is not None]
    return {
        **_who(evidence),
        "doses_due": len(series),
        "doses_given": len(given),
        "doses_missed": sum(dose.said["status"] == "missed" for dose in series),
        "doses_refused": sum(dose.said["status"] == "refused" for dose in series),
        "given_share": share(len(given), len(series)),
        "first_given_age_days": min(given, default=None),
        "last_given_age_days": max(given, default=None),
        "longest_gap_days": max(gaps, default=None),
        "regimen": steps[0]["regimen"] if steps else None,
        "regimen_doses_due": due if steps else None,
        "regimen_doses_met": met if steps else None,
        "regimen_share": share(met, due) if steps else None,
    }


def share(part: int, whole: int) -> Decimal:
    """A part of a whole, to twelve places."""
    return (Decimal(part) / whole).quantize(Decimal("1e-12"), ROUND_HALF_UP)
