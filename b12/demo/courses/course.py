"""What a course is made of: draws, signs, scores, doses, in days from presentation.

The courses themselves stand beside this module; how one becomes dates and numbers belongs in `infants`.
"""

from dataclasses import dataclass

# Ranges in canonical units from which a laboratory's number is drawn. `fine` and `raised` of MMA depend on age.
BANDS: dict[str, dict[str, tuple[float, float]]] = {
    "b12": {"deficient": (55, 138), "low": (152, 216), "normal": (232, 520), "replete": (420, 1150)},
    "homocysteine": {"high": (10.6, 44), "impaired": (6.9, 9.6), "fine": (3.3, 6.2)},
    "mma": {"fine": (0.11, 0.27)},
    "mma under 12 months": {"raised": (1.4, 4.4), "halved": (1.3, 1.36)},
    "mma from 12 months": {"raised": (1.1, 3.4), "halved": (0.36, 0.5)},
    "holotranscobalamin": {"low": (9, 36), "normal": (46, 110)},
    "haemoglobin": {"anaemic": (76, 98), "fine": (117, 132)},
    "mcv": {"macrocytic": (97, 108), "fine": (72, 86)},
    "folate": {"fine": (14, 60), "low": (4.7, 6.3)},
    "creatinine": {"fine": (18, 34), "high": (60, 90)},
}

FINE = {
    "b12": "replete",
    "homocysteine": "fine",
    "mma": "fine",
    "haemoglobin": "fine",
    "mcv": "fine",
    "folate": "fine",
}
"""A follow-up at which everything measured is within its target."""


@dataclass(frozen=True)
class Draw:
    """One blood draw: per analyte a band, `@` and a canonical number, or `=` and what the laboratory writes."""

    day: int
    found: dict[str, str]
    clock: str | None = None
    person: str = "infant"


@dataclass(frozen=True)
class Sign:
    """A sign: noticed, first seen at a visit, and at which visit it had gone."""

    code: str
    day: int = 0
    onset: int | None = None
    gone: int | None = None
    severity: str | None = None
    source: str = "examined"


@dataclass(frozen=True)
class Scores:
    """A motor and a mental score of the site's instrument; None: untestable."""

    day: int
    motor: str | None
    mental: str | None


@dataclass(frozen=True)
class Course:
    """What happens to the infants who take this course, one for each entry of `sites`."""

    name: str
    expects: str
    """The class that a reader of the definitions gives: what the truth itself is tested against."""
    sites: tuple[str, ...]
    draws: tuple[Draw, ...] = ()
    age_days: tuple[int, int] = (150, 330)
    """Range of the age at presentation."""
    group: str = "suspected"
    route: str | None = "symptoms"
    feeding: str = "exclusive"
    fed_from: int | None = None
    """First day of that feeding in days from presentation; None: from birth."""
    formula: tuple[int, int] | None = None
    """First and last day of a period on formula alone."""
    diet: str | None = None
    """Diet of the mother; None: one of the site's usual ones."""
    maternal_b12: str | None = None
    """The mother's daily intake in micrograms."""
    signs: tuple[Sign, ...] = ()
    regimen: str | None = None
    starts: int = 0
    clock: str | None = None
    """Clock time of the first dose."""
    doses: tuple[tuple[int, str, str, str | None], ...] = ()
    """Doses beside the regimen: day from presentation, person, micrograms, purpose."""
    missed: tuple[int, ...] = ()
    """Which doses of the regimen were missed, counted from 0."""
    scores: tuple[Scores, ...] = ()
    lost: str | None = None
    """A milestone that was lost at presentation and regained by the last visit."""
    delay: float = 1.0
    """How much later than usual milestones are attained."""
    conditions: tuple[tuple[str, str, int], ...] = ()
    """Class, code and day of conditions of the infant."""
    states: tuple[tuple[str, int], ...] = ()
    """Where the infant stands, and since which day."""
    gestation: tuple[int, int] | None = None
    """Weeks and days; None: at term."""
    presents: tuple[str, str] = ("2024-08-01", "2025-10-20")
    """First and last day on which the infant may present."""
    birth_month_only: bool = False
    person: str = "infant"
    scans: tuple[int, ...] = ()
    """Days of diffusion scans."""
    diffusion: tuple[tuple[str, str], ...] = ()
    """Axial and radial diffusivity in um2/ms at each scan, alike in every region; without, each region's by luck."""
    regimen_ends: int = 190
    """Days from the first dose until which the regimen goes on."""
    mother: str | None = None
    """A mother whom infants of this name share."""


TREMOR, HYPOTONIA, REGRESSION, DELAY = "HP:0001337", "HP:0001252", "HP:0002376", "HP:0001263"
IRRITABLE, LETHARGIC, PALE, DARK = "HP:0000737", "HP:0001254", "HP:0000980", "HP:0000953"

FULL = {
    "b12": "deficient",
    "homocysteine": "high",
    "mma": "raised",
    "holotranscobalamin": "low",
    "haemoglobin": "anaemic",
    "mcv": "macrocytic",
    "folate": "fine",
}


FINE_ONCE_MORE = (Draw(91, FINE), Draw(182, FINE))
"""Follow-ups at three and six months."""
