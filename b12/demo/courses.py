"""The courses that infants of the cohort take: what is found, given and found again, in days from presentation.

Invented to visit every branch of the definitions, many at their edges; no effect, rate or frequency is meant.
How a course becomes dates and numbers belongs in `infants`.
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
    regimen_ends: int = 190
    """Days from the first dose until which the regimen goes on."""
    mother: str | None = None
    """A mother whom infants of this name share."""


TREMOR, HYPOTONIA, REGRESSION, DELAY = "HP:0001337", "HP:0001252", "HP:0002376", "HP:0001263"
IRRITABLE, LETHARGIC, PALE, DARK = "HP:0000737", "HP:0001254", "HP:0000980", "HP:0000953"
ATROPHY = "HP:0002059"

FULL = {
    "b12": "deficient",
    "homocysteine": "high",
    "mma": "raised",
    "holotranscobalamin": "low",
    "haemoglobin": "anaemic",
    "mcv": "macrocytic",
    "folate": "fine",
}


def _found(**markers: str) -> dict[str, str]:
    names = {"thcy": "homocysteine", "holotc": "holotranscobalamin", "hb": "haemoglobin"}
    return {names.get(name, name): band for name, band in markers.items()}


FINE_ONCE_MORE = (Draw(91, FINE), Draw(182, FINE))

COURSES: tuple[Course, ...] = (
    # Definite: low B12 with a functional marker.
    Course(
        "three markers, recovers by three months",
        "definite",
        ("SYN01", "SYN01", "SYN02", "SYN02", "SYN03"),
        (Draw(0, FULL, "09:10"), *FINE_ONCE_MORE),
        (190, 330),
        signs=(Sign(TREMOR, onset=-21, gone=91), Sign(HYPOTONIA, onset=-40, gone=91, severity="moderate"), Sign(PALE)),
        regimen="site",
        clock="11:40",
        scores=(Scores(2, "62", "68"), Scores(91, "80", "84"), Scores(182, "92", "95")),
        lost="social_smile",
        delay=1.5,
        scans=(3, 184),
    ),
    Course(
        "improves by three months, recovers by six",
        "definite",
        ("SYN01", "SYN02", "SYN03"),
        (
            Draw(-1, {**FULL, "homocysteine": "@20", "mma": "fine", "haemoglobin": "@84"}, "08:45"),
            Draw(88, {**FINE, "homocysteine": "@8.4", "haemoglobin": "@98"}),
            Draw(176, FINE),
        ),
        (200, 300),
        diet="vegan",
        maternal_b12="0.4",
        signs=(Sign(DELAY, onset=-60, gone=176), Sign(DARK, gone=88)),
        regimen="site",
        missed=(8, 9),
        scores=(Scores(0, "70", "74"), Scores(176, "86", "83")),
        delay=1.3,
        birth_month_only=True,
    ),
    Course(
        "doses missed, not recovered",
        "definite",
        ("SYN01", "SYN02"),
        (
            Draw(-2, {**FULL, "homocysteine": "@12"}),
            Draw(95, {**FINE, "homocysteine": "@11.2", "mma": "raised", "haemoglobin": "@82", "mcv": "macrocytic"}),
            Draw(190, {**FINE, "homocysteine": "@10.8", "mma": "raised", "haemoglobin": "@80", "mcv": "macrocytic"}),
        ),
        (400, 470),
        feeding="predominant",
        diet="vegan",
        signs=(Sign(TREMOR), Sign(LETHARGIC, gone=95)),
        regimen="site",
        missed=(3, 4, 5, 6, 7, 8, 9, 10, 11, 12),
        delay=1.4,
    ),
    Course(
        "relapses after recovery",
        "definite",
        ("SYN01",),
        (
            Draw(0, {**FULL, "mma": "fine"}),
            Draw(90, FINE),
            Draw(180, {**FINE, "b12": "deficient", "homocysteine": "high"}),
        ),
        (210, 260),
        signs=(Sign(REGRESSION, gone=90),),
        regimen="site",
        regimen_ends=40,
        missed=(9, 10),
    ),
    Course(
        "at the edge: 200 pg/mL and 10.0 umol/L",
        "definite",
        ("SYN01",),
        (Draw(0, {**FINE, "b12": "=200", "homocysteine": "=10.0"}), Draw(90, {**FINE, "homocysteine": "=6.5"})),
        route="risk_screening",
        group="screened",
        regimen="site",
        starts=2,
    ),
    Course(
        "below the assay's limit, and that decides",
        "definite",
        ("SYN01",),
        (Draw(0, {**FULL, "b12": "=<150"}), Draw(85, {**FINE, "b12": "=>2000"}), Draw(95, FINE), Draw(178, FINE)),
        signs=(Sign(IRRITABLE), Sign(LETHARGIC)),
        regimen="site",
    ),
    Course(
        "the second marker ten days later",
        "definite",
        ("SYN02",),
        (Draw(0, {"b12": "deficient"}), Draw(10, {"homocysteine": "high"}), *FINE_ONCE_MORE),
        group="screened",
        route="risk_screening",
        regimen="site",
        starts=12,
    ),
    Course(
        "the second marker five days after the first dose",
        "definite",
        ("SYN03",),
        (Draw(-1, {"b12": "deficient", "homocysteine": "fine"}), Draw(5, {"mma": "raised"}), *FINE_ONCE_MORE),
        (200, 300),
        diet="vegan",
        regimen="site",
    ),
    Course(
        "MMA just above the limit from 12 months",
        "definite",
        ("SYN02",),
        (Draw(0, {**FINE, "b12": "deficient", "mma": "=0.31"}), Draw(92, {**FINE, "mma": "=0.30"}), Draw(185, FINE)),
        (368, 380),
        feeding="breastfed_unspecified",
        regimen="site",
        starts=1,
    ),
    Course(
        "a raised MMA that the limit from 12 months would not pass",
        "definite",
        ("SYN02",),
        (
            Draw(0, {**FINE, "b12": "deficient", "mma": "=1.26"}),
            Draw(88, {**FINE, "mma": "=0.42"}),
            Draw(181, {**FINE, "mma": "=0.30"}),
        ),
        (335, 355),
        regimen="site",
    ),
    Course(
        "sampled two hours after the first dose",
        "definite",
        ("SYN01",),
        (Draw(0, {**FULL, "holotranscobalamin": "normal"}, "11:00"), *FINE_ONCE_MORE),
        signs=(Sign(TREMOR, gone=91),),
        regimen="site",
        clock="09:00",
    ),
    Course(
        "sampled just after midnight, treated later that day",
        "definite",
        ("SYN03",),
        (Draw(0, FULL, "00:30"), *FINE_ONCE_MORE),
        (200, 300),
        diet="vegan",
        signs=(Sign(TREMOR, onset=-14, gone=91),),
        regimen="site",
        clock="10:00",
    ),
    Course(
        "transfused",
        "definite",
        ("SYN01",),
        (Draw(0, {**FULL, "haemoglobin": "@54"}), Draw(80, FINE), Draw(180, FINE)),
        (240, 300),
        signs=(Sign(PALE), Sign(LETHARGIC, gone=80)),
        regimen="site",
        starts=1,
        conditions=(("procedure", "SNOMED:116859006", 1),),
    ),
    Course(
        "the mother is treated, not the infant",
        "definite",
        ("SYN01",),
        (Draw(0, {**FINE, "b12": "deficient", "homocysteine": "high"}), Draw(90, {**FINE, "b12": "normal"})),
        (190, 240),
        diet="vegan",
        regimen="mother",
        starts=3,
    ),
    Course(
        "never treated",
        "definite",
        ("SYN02",),
        (Draw(0, {**FINE, "b12": "deficient", "homocysteine": "high"}),),
        (260, 320),
        signs=(Sign(HYPOTONIA),),
        states=(("moved", 20),),
    ),
    Course(
        "lost before six months",
        "definite",
        ("SYN01", "SYN03"),
        (Draw(0, FULL), Draw(94, {**FINE, "homocysteine": "impaired"})),
        (200, 330),
        signs=(Sign(TREMOR, gone=94),),
        regimen="site",
        starts=1,
        regimen_ends=100,
        states=(("alive", 94), ("lost", 200)),
        lost="babbling",
    ),
    Course(
        "died",
        "definite",
        ("SYN02",),
        (Draw(0, FULL),),
        (190, 230),
        signs=(Sign("HP:0001250", severity="severe"),),
        regimen="site",
        regimen_ends=30,
        states=(("died", 41),),
    ),
    Course(
        "born preterm",
        "definite",
        ("SYN02",),
        (Draw(0, FULL), *FINE_ONCE_MORE),
        (250, 300),
        signs=(Sign(DELAY, gone=182),),
        regimen="site",
        gestation=(33, 2),
        scores=(Scores(1, "55", None), Scores(182, "78", "81")),
        delay=1.6,
    ),
    Course(
        "follow-up too early and too late",
        "definite",
        ("SYN01",),
        (Draw(0, FULL), Draw(60, FINE), Draw(135, FINE)),
        (200, 300),
        regimen="site",
    ),
    Course(
        "followed by B12 alone",
        "definite",
        ("SYN02",),
        (Draw(0, FULL), Draw(90, {"b12": "replete"}), Draw(180, {"b12": "replete", "haemoglobin": "fine"})),
        (200, 300),
        regimen="site",
    ),
    Course(
        "two draws in one window",
        "definite",
        ("SYN02", "SYN03"),
        (
            Draw(0, FULL),
            Draw(84, {**FINE, "homocysteine": "impaired"}),
            Draw(100, FINE),
            Draw(180, {**FINE, "homocysteine": "@6.9"}),
            Draw(184, FINE),
        ),
        (200, 300),
        regimen="site",
        conditions=(("diagnosis", "ICD10:E53.8", 0), ("adverse_event", "HP:0000988", 8)),
    ),
    Course(
        "found before three years, past them at the cut-off",
        "definite",
        ("SYN01",),
        (Draw(0, FULL), *FINE_ONCE_MORE, Draw(365, FINE)),
        (240, 300),
        regimen="site",
        presents=("2023-05-01", "2023-07-30"),
        states=(("completed", 400),),
    ),
    Course(
        "three months not yet due",
        "definite",
        ("SYN01", "SYN03"),
        (Draw(0, FULL),),
        (200, 300),
        signs=(Sign(TREMOR),),
        regimen="site",
        regimen_ends=20,
        presents=("2026-05-10", "2026-06-01"),
    ),
    Course(
        "the sicker twin",
        "definite",
        ("SYN01",),
        (Draw(0, FULL), *FINE_ONCE_MORE),
        (214, 214),
        diet="vegan",
        signs=(Sign(TREMOR, gone=91),),
        regimen="site",
        gestation=(35, 4),
        presents=("2025-02-03", "2025-02-03"),
        mother="twins",
    ),
    # Probable.
    Course(
        "both functional markers with normal B12",
        "probable",
        ("SYN02", "SYN03"),
        (Draw(0, {**FINE, "b12": "normal", "homocysteine": "high", "mma": "raised"}), *FINE_ONCE_MORE),
        regimen="site",
        starts=3,
    ),
    Course(
        "low B12 with anaemia by elevation alone",
        "probable",
        ("SYN01",),
        (
            Draw(0, {**FINE, "b12": "=201", "homocysteine": "=10.0", "haemoglobin": "=11.0"}),
            Draw(90, {**FINE, "haemoglobin": "=11.1"}),
            Draw(185, FINE),
        ),
        (200, 320),
        regimen="site",
        starts=4,
    ),
    Course(
        "low B12 with MMA and two minor signs",
        "probable",
        ("SYN03",),
        (Draw(0, {**FINE, "b12": "low", "mma": "raised"}), *FINE_ONCE_MORE),
        diet="vegan",
        signs=(Sign(IRRITABLE, gone=91), Sign("HP:0008872", gone=91)),
        regimen="site",
    ),
    Course(
        "holotranscobalamin with homocysteine, B12 not measured",
        "probable",
        ("SYN03",),
        (Draw(0, {"holotranscobalamin": "=39.9", "homocysteine": "high", "folate": "fine"}), *FINE_ONCE_MORE),
        (80, 140),
        diet="lacto_ovo_vegetarian",
        regimen="site",
        starts=2,
    ),
    Course(
        "low B12 and a sign, nothing else measured",
        "probable",
        ("SYN01",),
        (Draw(0, {"b12": "deficient"}), Draw(93, {"b12": "replete"})),
        signs=(Sign(TREMOR, gone=93),),
        regimen="site",
    ),
    Course(
        "folate short, but MMA raised too",
        "probable",
        ("SYN03",),
        (
            Draw(0, {"b12": "normal", "homocysteine": "high", "mma": "raised", "folate": "low", "creatinine": "fine"}),
            *FINE_ONCE_MORE,
        ),
        regimen="site",
    ),
    # Possible.
    Course(
        "folate short, so homocysteine does not count",
        "possible",
        ("SYN03",),
        (Draw(0, {**FINE, "b12": "deficient", "homocysteine": "high", "folate": "low"}), Draw(90, FINE)),
        regimen="site",
    ),
    Course(
        "creatinine high, so homocysteine does not count",
        "possible",
        ("SYN02",),
        (Draw(0, {"b12": "deficient", "homocysteine": "high", "creatinine": "high"}), Draw(90, FINE)),
        regimen="site",
    ),
    Course(
        "low B12 alone",
        "possible",
        ("SYN01",),
        (Draw(0, {**FINE, "b12": "deficient"}), Draw(90, FINE)),
        group="screened",
        route="risk_screening",
        regimen="site",
        starts=5,
    ),
    Course(
        "markers twenty days apart",
        "possible",
        ("SYN02",),
        (Draw(0, {"b12": "deficient"}), Draw(20, {"homocysteine": "high"}), *FINE_ONCE_MORE),
        regimen="site",
        starts=21,
    ),
    Course(
        "MMA at the limit of the first year",
        "possible",
        ("SYN02",),
        (Draw(0, {**FINE, "b12": "=147", "mma": "=1.25"}), Draw(90, {**FINE, "mma": "=0.30"})),
        (320, 330),
        regimen="site",
    ),
    Course(
        "homocysteine and a sign with normal B12",
        "possible",
        ("SYN01",),
        (Draw(0, {**FINE, "b12": "normal", "homocysteine": "=10.0"}), *FINE_ONCE_MORE),
        signs=(Sign(DELAY, gone=182),),
        regimen="site",
        starts=1,
    ),
    Course(
        "low B12 with MMA, no sign",
        "possible",
        ("SYN02",),
        (Draw(0, {**FINE, "b12": "=220", "mma": "raised"}), *FINE_ONCE_MORE),
        (220, 330),
        regimen="site",
        starts=2,
    ),
    Course(
        "holotranscobalamin and a sign",
        "possible",
        ("SYN02",),
        (Draw(0, {**FINE, "b12": "=221", "holotranscobalamin": "=39"}), Draw(90, FINE)),
        (220, 330),
        signs=(Sign(HYPOTONIA, gone=90),),
        regimen="site",
    ),
    # Suspected: signs and a risk, and no evidence either way.
    Course(
        "treated at once, never measured",
        "suspected",
        ("SYN01",),
        (),
        diet="vegan",
        signs=(Sign(TREMOR), Sign(IRRITABLE)),
        regimen="site",
    ),
    Course(
        "measured only after a dose",
        "suspected",
        ("SYN01", "SYN03"),
        (Draw(4, {"b12": "replete", "homocysteine": "fine", "mma": "fine"}),),
        signs=(Sign(TREMOR),),
        regimen="site",
    ),
    # None.
    Course(
        "healthy",
        "none",
        ("SYN01", "SYN02", "SYN03"),
        (Draw(0, {**FINE, "b12": "normal", "holotranscobalamin": "normal"}),),
        group="control",
        route=None,
        diet="omnivore",
        scores=(Scores(0, "101", "104"),),
        scans=(0,),
    ),
    Course(
        "screened because of the mother's diet, nothing found",
        "none",
        ("SYN01",),
        (
            Draw(0, {**FINE, "b12": "normal"}),
            Draw(0, {"b12": "@160", "homocysteine": "@14"}, person="mother"),
        ),
        group="screened",
        route="risk_screening",
        diet="vegan",
    ),
    Course(
        "the healthier twin",
        "none",
        ("SYN01",),
        (Draw(0, {**FINE, "b12": "normal"}),),
        (214, 214),
        group="sibling",
        route="sibling",
        diet="vegan",
        gestation=(35, 4),
        presents=("2025-02-03", "2025-02-03"),
        mother="twins",
    ),
    Course(
        "low B12, both functional markers fine",
        "none",
        ("SYN02",),
        (Draw(0, {**FINE, "b12": "=148"}),),
        group="screened",
        route="newborn_screening",
        age_days=(60, 100),
    ),
    Course(
        "one functional marker, no sign",
        "none",
        ("SYN03",),
        (Draw(0, {**FINE, "b12": "normal", "homocysteine": "high"}),),
        group="screened",
        route="risk_screening",
    ),
    # Not assessable.
    Course("nothing measured, no sign", "not_assessable", ("SYN01", "SYN03"), group="screened", route="risk_screening"),
    Course(
        "normal B12 on formula",
        "not_assessable",
        ("SYN02",),
        (Draw(0, {"b12": "normal"}),),
        feeding="formula_only",
        group="screened",
        route="risk_screening",
    ),
    Course(
        "a bound that decides nothing",
        "not_assessable",
        ("SYN02",),
        (Draw(0, {"b12": "=<200"}),),
        group="screened",
        route="risk_screening",
    ),
    # Not eligible.
    Course(
        "an inborn error of cobalamin",
        "not_eligible",
        ("SYN02",),
        (Draw(0, FULL),),
        (60, 90),
        signs=(Sign("HP:0001250"),),
        conditions=(("exclusion", "ICD10:E71.1", 3),),
        regimen="site",
        regimen_ends=60,
    ),
    Course(
        "found at thirty-eight months",
        "not_eligible",
        ("SYN01",),
        (Draw(0, FULL),),
        (1160, 1180),
        feeding="weaned",
        fed_from=-400,
        regimen="site",
    ),
    Course(
        "a comparator",
        "not_eligible",
        ("SYN03",),
        (Draw(0, {"b12": "normal", "homocysteine": "fine", "haemoglobin": "fine"}, person="comparator"),),
        (900, 1000),
        group="comparator",
        route=None,
        person="comparator",
    ),
)
