"""Turns courses into infants: who they are, when they were born and when they presented.

What their site says of them belongs in `laboratory` and `clinic`.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from b12.demo.courses import COURSES
from b12.demo.courses.course import Course
from b12.demo.partners import PARTNERS, Partner
from b12.demo.statements import Moment, Statement


@dataclass(frozen=True)
class Infant:
    """One infant on one course."""

    code: str
    partner: Partner
    course: Course
    birth: date
    presents: date
    chance: random.Random

    @property
    def birth_moment(self) -> Moment:
        """The birth as the site knows it."""
        return Moment.month_of(self.birth) if self.course.birth_month_only else Moment(self.birth)

    @property
    def treated(self) -> date:
        """Day of the regimen's first dose."""
        return self.day(self.course.starts)

    def day(self, offset: int) -> date:
        """A day counted from presentation."""
        return self.presents + timedelta(days=offset)

    def statement(self, kind: str, key: tuple[object, ...], **data: Any) -> Statement:
        """Something said of this infant; fields that are None are left out."""
        said = {name: value for name, value in data.items() if value is not None}
        return Statement(self.partner.id, self.code, kind, tuple(map(str, key)), said)


def infants(seed: int, courses: Sequence[Course] = COURSES) -> list[Infant]:
    """Everyone in the cohort; one infant's luck does not depend on another's."""
    counts = dict.fromkeys(PARTNERS, 0)
    found = []
    for course in courses:
        for site in course.sites:
            counts[site] += 1
            code = f"{_PREFIX[site]}{counts[site]:03d}"
            chance = random.Random(f"{seed}/{code}/{course.name}")  # noqa: S311  # a cohort that can be made again
            first, last = map(date.fromisoformat, course.presents)
            presents = first + timedelta(days=chance.randint(0, (last - first).days))
            birth = presents - timedelta(days=chance.randint(*course.age_days))
            found.append(Infant(code, PARTNERS[site], course, birth, presents, chance))
    return found


_PREFIX = {"SYN01": "BLR-", "SYN02": "A", "SYN03": "cph."}
