"""What is due and what did not come as of the cut-off: the operators' lists, by the definitions' text."""

import calendar
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from b12.demo.truth import timing
from b12.demo.truth.cases import case
from b12.demo.truth.core import Row, family_of, key_of
from b12.demo.truth.diet import SCREENED_BELOW_MONTHS, screening
from b12.demo.truth.evidence import Evidence
from b12.demo.truth.follow_up import LEFT, STATUS_MARKERS, VISITS, Course
from b12.demo.truth.keys import Key

ASKED = ("months_3", "months_6")
"""The visits that families are called for."""


@dataclass(frozen=True)
class Missing:
    """A rule about what did not come, in days from what it waits for."""

    after: int
    within: int
    escalate_after: int
    person: str
    kind: str
    severity: str


MISSING = {
    "overdue_test": Missing(1, 60, 14, "infant", "lab_result", "warning"),
    "untreated_case": Missing(7, 90, 7, "infant", "dose", "critical"),
    "untested_mother": Missing(30, 120, 30, "mother", "lab_result", "warning"),
}


class Followed:
    """An infant as of the cut-off."""

    def __init__(self, evidence: Evidence, cut_off: date) -> None:
        self.evidence, self.subject, self.cut_off = evidence, evidence.subject, cut_off

    @cached_property
    def has_left(self) -> bool:
        """By the latest word, whenever it was said."""
        stood = sorted(self.subject.of("status"), key=lambda said: said["effective"].date)
        return bool(stood) and stood[-1]["state"] in LEFT

    @cached_property
    def index_date(self) -> date | None:
        """Of a case."""
        found = case(self.evidence)
        if not found.is_case or found.index_age_days is None:
            return None
        return self.subject.birth + timedelta(days=found.index_age_days)

    @cached_property
    def visits(self) -> list[Row]:
        """Each visit that is asked for."""
        start = self.evidence.start
        if start is None or self.subject.enrolment["person"] != "infant":
            return []
        began = self.subject.birth + timedelta(days=start.age_days)
        return [
            self._visit(row, began)
            for row in timing.rows(Course(self.evidence, self.cut_off))
            if row["visit"] in ASKED and row["state"] != "not_expected"
        ]

    def _visit(self, row: Row, began: date) -> Row:
        first, last, target = VISITS[row["visit"]]
        came = row.get(f"{row['state']}_study_day")
        return {
            **{name: row[name] for name in ("site", "subject_key", "visit", "visit_order", "state")},
            "is_wanted": row["state"] in ("due", "missed") and not self.has_left,
            "has_left": self.has_left,
            "opens_date": began + timedelta(days=first),
            "target_date": began + timedelta(days=target),
            "closes_date": began + timedelta(days=last),
            "came_date": None if came is None else began + timedelta(days=came),
            "since_closed_days": (self.cut_off - began).days - last,
            "is_approximate": self.subject.enrolment["birth"].precision == "month",
        }


def tables(everyone: Sequence[Evidence], cut_off: date) -> dict[str, list[Row]]:
    """The three lists; a site that fell silent is not told here, for it takes the day of arrival."""
    followed = [Followed(evidence, cut_off) for evidence in everyone]
    return {
        "staging.follow_up_due": [row for each in followed for row in each.visits],
        "staging.screening_list": [row for each in followed for row in _screened(each)],
        "staging.absences": [
            _absence(rule, key, about, since, cut_off)
            for rule, key, about, since in _missing(followed)
            if 0 <= (cut_off - since).days - MISSING[rule].after <= MISSING[rule].within
        ],
    }


def _screened(each: Followed) -> list[Row]:
    subject = each.subject
    years, month = divmod(subject.birth.month - 1 + SCREENED_BELOW_MONTHS, 12)
    year = subject.birth.year + years
    last = calendar.monthrange(year, month + 1)[1]
    return [
        {
            **{name: row[name] for name in ("site", "subject_key", "cut_off_age_months")},
            "until_date": date(year, month + 1, min(subject.birth.day, last)),
            "is_approximate": subject.enrolment["birth"].precision == "month",
        }
        for row in screening(each.evidence, each.cut_off)
        if row["is_eligible"]
    ]


def _missing(followed: Sequence[Followed]) -> Iterator[tuple[str, Key, str, date]]:
    """Rule, whose, about which visit, and since when: nothing of whoever left."""
    staying = [each for each in followed if each.subject.enrolment["person"] == "infant" and not each.has_left]
    tested = {
        family_of(each.subject)
        for each in followed
        for result in each.subject.results
        if result.said["person"] == "mother" and result.analyte in STATUS_MARKERS
    }
    untested: dict[Key, list[tuple[date, Key]]] = {}
    for each in staying:
        key = key_of(each.subject)
        for row in each.visits:
            if row["state"] == "missed":
                yield "overdue_test", key, row["visit"], row["closes_date"]
        if each.index_date is not None:
            if each.evidence.start is None:
                yield "untreated_case", key, "", each.index_date
            if family_of(each.subject) not in tested and not _bars_mother(each):
                untested.setdefault(family_of(each.subject), []).append((each.index_date, key))
    for cases in untested.values():
        since, key = min(cases)
        yield "untested_mother", key, "", since


def _bars_mother(each: Followed) -> bool:
    return any(said["status"] == "withdrawn" and "mother" in said["scopes"] for said in each.subject.of("consent"))


def _absence(rule: str, key: Key, about: str, since: date, cut_off: date) -> Row:
    missing = MISSING[rule]
    due = since + timedelta(days=missing.after)
    return {
        "rule": rule,
        "site": key.site,
        "subject_key": key,
        "about": about,
        "person": missing.person,
        "kind": missing.kind,
        "severity": missing.severity,
        "due_date": due,
        "overdue_days": (cut_off - due).days,
        "escalate_after_days": missing.escalate_after,
    }
