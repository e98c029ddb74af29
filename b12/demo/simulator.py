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
class Quantity:
    """Something that is measured: what it is among all who are tested, how it moves, and how well it is measured."""

    typical: float
    """Median, in the canonical unit."""
    spread: float
    """Standard deviation between infants: of the logarithm, or in units where the quantity is not `relative`."""
    error: float
    """Standard deviation of one measurement, within the infant and in the instrument: as a share, or in units."""
    treatment: float = 0.0
    """What treatment changes for good: a share, or units."""
    maturation: float = 0.0
    """What a month of growing up changes, treated or not: a share, or units."""
    is_relative: bool = True

    def drawn(self, chance: random.Random) -> float:
        """One infant's, before treatment."""
        if self.is_relative:
            return self.typical * chance.lognormvariate(0, self.spread)
        return chance.gauss(self.typical, self.spread)

    def after(self, before: float, days: int) -> float:
        """The same so many days from presentation; treatment begins with it."""
        months = max(days, 0) / _MONTH
        if days <= 0:
            return before
        if self.is_relative:
            return before * (1 + self.treatment) * (1 + self.maturation) ** months
        return before + self.treatment + self.maturation * months

    def measured(self, chance: random.Random, true: float) -> float:
        """What one measurement says."""
        return true * chance.gauss(1, self.error) if self.is_relative else chance.gauss(true, self.error)


HOMOCYSTEINE = Quantity(8.0, 0.3, 0.15)
SCORE = Quantity(92.0, 12.0, 5.0, is_relative=False)


@dataclass(frozen=True)
class Knobs:
    """What can be turned. As it stands nothing changes but what is measured: no treatment, no growing up."""

    dyads: int = 40
    age_days: tuple[int, int] = (190, 300)
    diets: tuple[str, ...] = ("vegan", "lacto_vegetarian")
    onset: tuple[int, int] = (-60, -10)
    """Range of the first day of hypotonia, from presentation."""
    homocysteine: Quantity = HOMOCYSTEINE
    """In umol/L; who measures 10 or more is a case."""
    mma: Quantity | None = None
    """In umol/L; None: not measured."""
    haemoglobin: Quantity | None = None
    """In g/L, at the site's elevation; None: not measured."""
    score: Quantity = SCORE
    """Of either domain of the site's instrument."""
    missed: float = 0.0
    """Chance that a dose of the last day is missed; of an earlier day in proportion."""
    attends: tuple[float, float] = (1.0, 1.0)
    """Chance of coming to a visit of who is within the target of recovery, and of who is not."""
    drops_out: float = 0.0
    """Chance of leaving for good before each visit."""
    scans: tuple[int, ...] = ()
    """Days of diffusion scans, at a site that makes them."""
    axial: Quantity = Quantity(1.4, 0.05, 0.03)
    radial: Quantity = Quantity(0.8, 0.08, 0.03)
    """Diffusivities along and across the fibres in um2/ms, alike in every region; MD and FA follow from them."""
    site: str = "SYN01"
    """One that measures homocysteine in umol/L."""


@dataclass(frozen=True)
class Simulated:
    """One infant's course, and what is behind its measurements."""

    course: Course
    homocysteine: tuple[float, ...]
    """Before treatment, at three and at six months; so are the others."""
    mma: tuple[float, ...] = ()
    haemoglobin: tuple[float, ...] = ()
    score: tuple[float, ...] = ()
    radial: tuple[float, ...] = ()
    """At each scan."""


def simulated(seed: int, name: str, knobs: Knobs) -> list[Simulated]:
    """Definite cases by what was measured, whatever is true."""
    chances = [random.Random(f"{seed}/{name}/{number}") for number in range(knobs.dyads)]  # noqa: S311  # a cohort that can be made again
    return [_one(chance, name, knobs) for chance in chances]


def _one(chance: random.Random, name: str, knobs: Knobs) -> Simulated:
    before, measured = _selected(chance, knobs)
    homocysteine = tuple(knobs.homocysteine.after(before, day) for day in _DAYS)
    mma, haemoglobin = (_behind(chance, quantity) for quantity in (knobs.mma, knobs.haemoglobin))
    able = _behind(chance, knobs.score)
    stays_until = _leaves(chance, knobs)
    draws, scores = [], []
    for visit, day in enumerate(_DAYS):
        comes = visit == 0 or chance.random() < knobs.attends[0 if homocysteine[visit] <= _WELL else 1]
        if comes and day < stays_until:
            found = {"b12": "replete" if visit else "deficient"}
            value = _measured(chance, knobs.homocysteine, homocysteine[visit]) if visit else measured
            found["homocysteine"] = f"={value}"
            if knobs.mma:
                found["mma"] = f"@{max(knobs.mma.measured(chance, mma[visit]), 0.02):.3f}"
            if knobs.haemoglobin:
                found["haemoglobin"] = f"@{knobs.haemoglobin.measured(chance, haemoglobin[visit]):.0f}"
            draws.append(Draw(day, found if visit else {**found, "folate": "fine"}))
            scores.append(_scores(chance, knobs, max(day, 0), able[visit]))
    diffusion = _diffusion(chance, knobs)
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
        diffusion=tuple(seen for seen, _ in diffusion),
        states=(("moved", stays_until),) if stays_until < _DAYS[-1] else (),
        presents=("2024-08-01", "2025-08-01"),
    )
    return Simulated(course, homocysteine, mma, haemoglobin, able, tuple(radial for _, radial in diffusion))


def _behind(chance: random.Random, quantity: Quantity | None) -> tuple[float, ...]:
    if quantity is None:
        return ()
    before = quantity.drawn(chance)
    return tuple(quantity.after(before, day) for day in _DAYS)


def _selected(chance: random.Random, knobs: Knobs) -> tuple[float, str]:
    """The true and the measured homocysteine of one who measures 10 or more."""
    while True:
        true = knobs.homocysteine.drawn(chance)
        measured = _measured(chance, knobs.homocysteine, true)
        if float(measured) >= 10:
            return true, measured


def _measured(chance: random.Random, quantity: Quantity, true: float) -> str:
    return f"{max(quantity.measured(chance, true), 1):.1f}"


def _scores(chance: random.Random, knobs: Knobs, day: int, able: float) -> Scores:
    motor, mental = (str(round(knobs.score.measured(chance, able))) for _ in range(2))
    return Scores(day, motor, mental)


def _diffusion(chance: random.Random, knobs: Knobs) -> list[tuple[tuple[str, str], float]]:
    """The measured diffusivities of each scan, and the true one across the fibres."""
    axial, radial = knobs.axial.drawn(chance), knobs.radial.drawn(chance)
    found = []
    for day in knobs.scans:
        along, across = knobs.axial.after(axial, day), knobs.radial.after(radial, day)
        seen = (knobs.axial.measured(chance, along), knobs.radial.measured(chance, across))
        found.append(((f"{max(seen):.3f}", f"{min(seen):.3f}"), across))
    return found


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
