"""Infants in any number, each property of theirs a knob, and beside each what is true of it behind the measurements.

Nothing here claims to be a real effect, rate or frequency. The courses that visit every branch of the definitions are
in `courses`; what a release must hold of either is computed by `truth`.
"""

import random
from dataclasses import dataclass

from b12.demo.courses.course import HYPOTONIA, Course, Draw, Scores, Sign

_DAYS = (-1, 91, 182)
_DOSES_OF_BENGALURU = (*range(7), 14, 21, 28, 35, 65, 96, 126, 157, 187)
_MONTH = 30.4375
_WELL = 6.5


@dataclass(frozen=True)
class Knobs:
    """What can be turned. As it stands nothing changes but what is measured: no treatment, no growing up."""

    dyads: int = 40
    age_days: tuple[int, int] = (190, 300)
    diets: tuple[str, ...] = ("vegan", "lacto_vegetarian")
    onset: tuple[int, int] = (-60, -10)
    """Range of the first day of hypotonia, from presentation."""
    homocysteine: tuple[float, float] = (8.0, 0.3)
    """Median in umol/L and spread of the logarithm among all who are tested; who measures 10 or more is a case."""
    error: float = 0.15
    """Coefficient of variation of one measurement, within the infant and in the laboratory."""
    treatment: float = 0.0
    """Share by which treatment lowers homocysteine for good."""
    maturation: float = 0.0
    """Share by which it falls in a month of growing up, treated or not."""
    missed: float = 0.0
    """Chance that a dose of the last day is missed; of an earlier day in proportion."""
    attends: tuple[float, float] = (1.0, 1.0)
    """Chance of coming to a visit of who is within the target of recovery, and of who is not."""
    drops_out: float = 0.0
    """Chance of leaving for good before each visit."""
    score: tuple[float, float, float] = (92.0, 12.0, 5.0)
    """Mean and spread of the true scores, and the standard error of one measurement."""
    scans: tuple[int, ...] = ()
    """Days of diffusion scans, at a site that makes them."""
    site: str = "SYN01"


@dataclass(frozen=True)
class Simulated:
    """One infant's course, and the homocysteine behind its draws: before treatment, at three and at six months."""

    course: Course
    homocysteine: tuple[float, ...]


def simulated(seed: int, name: str, knobs: Knobs) -> list[Simulated]:
    """Definite cases by what was measured, whatever is true."""
    chances = [random.Random(f"{seed}/{name}/{number}") for number in range(knobs.dyads)]  # noqa: S311  # a cohort that can be made again
    return [_one(chance, name, knobs) for chance in chances]


def _one(chance: random.Random, name: str, knobs: Knobs) -> Simulated:
    before, measured = _selected(chance, knobs)
    treated = before * (1 - knobs.treatment)
    true = [before, *(treated * (1 - knobs.maturation) ** (day / _MONTH) for day in _DAYS[1:])]
    stays_until = _leaves(chance, knobs)
    draws = [Draw(_DAYS[0], {"b12": "deficient", "homocysteine": f"={measured}", "folate": "fine"})]
    able = chance.gauss(*knobs.score[:2])
    scores = [_scores(chance, knobs, 0, able)]
    for day, value in zip(_DAYS[1:], true[1:], strict=True):
        comes = chance.random() < knobs.attends[0 if value <= _WELL else 1]
        if comes and day < stays_until:
            draws.append(Draw(day, {"b12": "replete", "homocysteine": f"={_measured(chance, knobs, value)}"}))
            scores.append(_scores(chance, knobs, day, able))
    course = Course(
        name,
        "definite",
        (knobs.site,),
        tuple(draws),
        knobs.age_days,
        diet=chance.choice(knobs.diets),
        signs=(Sign(HYPOTONIA, onset=chance.randint(*knobs.onset)),),
        regimen="site",
        regimen_ends=min(stays_until, 190),
        missed=_missed(chance, knobs),
        scores=tuple(scores),
        scans=knobs.scans,
        states=(("moved", stays_until),) if stays_until < _DAYS[-1] else (),
        presents=("2024-08-01", "2025-08-01"),
    )
    return Simulated(course, tuple(true))


def _selected(chance: random.Random, knobs: Knobs) -> tuple[float, str]:
    """The true and the measured homocysteine of one who measures 10 or more."""
    median, spread = knobs.homocysteine
    while True:
        true = median * chance.lognormvariate(0, spread)
        measured = _measured(chance, knobs, true)
        if float(measured) >= 10:
            return true, measured


def _measured(chance: random.Random, knobs: Knobs, true: float) -> str:
    return f"{max(true * chance.gauss(1, knobs.error), 1):.1f}"


def _scores(chance: random.Random, knobs: Knobs, day: int, able: float) -> Scores:
    motor, mental = (str(round(chance.gauss(able, knobs.score[2]))) for _ in range(2))
    return Scores(day, motor, mental)


def _leaves(chance: random.Random, knobs: Knobs) -> int:
    """The day of leaving; of who stays, one behind the last visit."""
    for day in _DAYS[1:]:
        if chance.random() < knobs.drops_out:
            return day - chance.randint(10, 60)
    return 400


def _missed(chance: random.Random, knobs: Knobs) -> tuple[int, ...]:
    """Later doses are missed more often; the first never is."""
    last = _DOSES_OF_BENGALURU[-1]
    return tuple(n for n, day in enumerate(_DOSES_OF_BENGALURU) if chance.random() < knobs.missed * day / last)
