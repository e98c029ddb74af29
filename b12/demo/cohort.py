"""The whole synthetic cohort as deliveries: who says what, by which way, in which order, faults and all.

Files are written by `files`; what the registry must make of it is computed by `truth`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from b12.demo import faults
from b12.demo.clinic import statements
from b12.demo.courses import COURSES
from b12.demo.courses.course import Course
from b12.demo.infants import infants
from b12.demo.statements import Delivery, Moment, Statement

SEED = 20_260_630
CUT_OFF = date(2026, 6, 30)
"""As of when the demonstration looks at its cohort: fixed, so that every run gives the same release."""


@dataclass(frozen=True)
class Cohort:
    """Everything that the three sites say."""

    deliveries: tuple[Delivery, ...]

    @property
    def dyads(self) -> int:
        """Subjects who were enrolled by a push or an interface."""
        return len(
            {(d.statement.site, d.statement.subject) for d in self.deliveries if d.statement.kind == "enrolment"}
        )

    def sent_by(self, site: str, channel: str, up_to_round: int = 2) -> list[Delivery]:
        """What one site says by one way, in order."""
        own = [d for d in self.deliveries if (d.statement.site, d.channel) == (site, channel)]
        return [d for d in own if d.round <= up_to_round]


def make(seed: int = SEED, courses: Sequence[Course] = COURSES) -> Cohort:
    """The cohort of a seed; `courses` may go on after those of the demonstration, which the faults are planted in."""
    return Cohort(tuple(faults.plant(told(seed, courses))))


def told(seed: int, courses: Sequence[Course]) -> list[Delivery]:
    """What the sites say of any courses, without a fault."""
    said = [statement for infant in infants(seed, courses) for statement in statements(infant)]
    return [_delivery(number, statement) for number, statement in enumerate(said)]


def _delivery(number: int, statement: Statement) -> Delivery:
    """Copenhagen writes its own events, results straight from the laboratory's system; the others send files."""
    if statement.site != "SYN03":
        return Delivery(statement, "push")
    by_lab = statement.kind == "lab_result"
    day = max(value.date for value in statement.data.values() if isinstance(value, Moment))
    time = datetime.combine(day, datetime.min.time(), UTC) + timedelta(days=1, hours=10, seconds=number)
    return Delivery(
        statement, "interface" if by_lab else "push", id=f"{'lis' if by_lab else 'crf'}-{number:06d}", time=time
    )
