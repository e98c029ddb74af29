"""Infants who lie on the last day, the last digit or the last month of a definition, for tests of the definitions.

The demonstration does without them; together with its courses they notice when any number moves by one.
"""

from b12.demo.courses.course import (
    DELAY,
    FINE,
    FULL,
    HYPOTONIA,
    IRRITABLE,
    PALE,
    TREMOR,
    Course,
    Draw,
    Sign,
)
from b12.demo.courses.edges_of_due import DUE_EDGES
from b12.demo.courses.edges_of_growth import GROWTH_EDGES
from b12.demo.courses.edges_of_mothers import MOTHERS_EDGES
from b12.demo.courses.edges_of_recovery import RECOVERY_EDGES
from b12.demo.courses.edges_of_screening import SCREENING_EDGES

_NORMAL = {**FINE, "b12": "normal"}
_LOW_HIGH = {"b12": "low", "homocysteine": "high"}
_LOW_RAISED = {"b12": "low", "mma": "raised"}
_TRANSFUSION = "SNOMED:116859006"


def _once(name: str, expects: str, site: str, found: dict[str, str], **given: object) -> Course:
    """An infant with one draw."""
    return Course(name, expects, (site,), (Draw(0, found),), **{"age_days": (200, 330), **given})


_VALUES = (
    _once("221 pmol/L is not low", "none", "SYN02", {**FINE, "b12": "=221"}),
    _once("homocysteine just below 10", "possible", "SYN02", {**FINE, "b12": "=147", "homocysteine": "=1.34"}),
    _once("homocysteine 9.9", "possible", "SYN01", {**FINE, "b12": "=199", "homocysteine": "=9.9"}),
    _once(
        "holotranscobalamin 40.0 is not low",
        "not_assessable",
        "SYN03",
        {"holotranscobalamin": "=40.0", "mma": "raised"},
    ),
    _once("MCV 95.1 is macrocytosis", "probable", "SYN01", {**_LOW_RAISED, "mcv": "=95.1", "haemoglobin": "fine"}),
    _once("MCV 95.0 is not", "possible", "SYN01", {**_LOW_RAISED, "mcv": "=95.0", "haemoglobin": "fine"}),
    _once(
        "folate 6.8 is enough",
        "definite",
        "SYN03",
        {**FINE, "b12": "deficient", "homocysteine": "high", "folate": "=6.8"},
    ),
    _once(
        "folate 6.7 is short",
        "possible",
        "SYN03",
        {**FINE, "b12": "deficient", "homocysteine": "high", "folate": "=6.7"},
    ),
    _once("haemoglobin 11.1 g/dL at 920 m", "possible", "SYN01", {**_LOW_HIGH, "haemoglobin": "=11.1"}),
)

_AGES = (
    _once("a newborn with MCV above 95", "probable", "SYN01", {**_LOW_HIGH, "mcv": "macrocytic"}, age_days=(8, 25)),
    _once("a newborn with raised MMA", "definite", "SYN01", {"b12": "deficient", "mma": "raised"}, age_days=(8, 25)),
    _once(
        "holotranscobalamin at 1 month",
        "not_assessable",
        "SYN03",
        {"holotranscobalamin": "low", "mma": "raised"},
        age_days=(32, 56),
    ),
    _once(
        "holotranscobalamin at 2 months",
        "probable",
        "SYN03",
        {"holotranscobalamin": "low", "mma": "raised"},
        age_days=(62, 85),
    ),
    _once(
        "holotranscobalamin at 23 months",
        "probable",
        "SYN03",
        {"holotranscobalamin": "low", "homocysteine": "high"},
        age_days=(702, 725),
    ),
    _once(
        "holotranscobalamin at 24 months",
        "not_assessable",
        "SYN03",
        {"holotranscobalamin": "low", "homocysteine": "high"},
        age_days=(732, 755),
    ),
    _once(
        "haemoglobin at 5 months has no cut-off",
        "possible",
        "SYN01",
        {**_LOW_HIGH, "haemoglobin": "anaemic"},
        age_days=(154, 179),
    ),
    _once(
        "haemoglobin at 6 months has one",
        "probable",
        "SYN01",
        {**_LOW_RAISED, "haemoglobin": "anaemic"},
        age_days=(185, 205),
    ),
    _once("anaemia at 23 months", "probable", "SYN02", {**_LOW_HIGH, "haemoglobin": "anaemic"}, age_days=(702, 725)),
    _once("107 g/L at 23 months", "possible", "SYN02", {**_LOW_HIGH, "haemoglobin": "=112"}, age_days=(702, 725)),
    _once("107 g/L at 24 months", "probable", "SYN02", {**_LOW_HIGH, "haemoglobin": "=112"}, age_days=(732, 755)),
    _once("109.6 g/L at 24 months", "probable", "SYN01", {**_LOW_HIGH, "haemoglobin": "=11.5"}, age_days=(740, 755)),
    _once("110.6 g/L at 24 months", "possible", "SYN01", {**_LOW_HIGH, "haemoglobin": "=11.6"}, age_days=(740, 755)),
    _once(
        "found at 35 months", "definite", "SYN01", FULL, age_days=(1069, 1088), presents=("2025-01-10", "2025-10-20")
    ),
    _once(
        "found at 36 months",
        "not_eligible",
        "SYN01",
        FULL,
        age_days=(1097, 1115),
        presents=("2025-01-10", "2025-10-20"),
    ),
)

_DAYS = (
    Course(
        "markers 14 days apart",
        "definite",
        ("SYN02",),
        (Draw(0, {"b12": "deficient"}), Draw(14, {"homocysteine": "high"})),
    ),
    Course(
        "markers 15 days apart",
        "possible",
        ("SYN02",),
        (Draw(0, {"b12": "deficient"}), Draw(15, {"homocysteine": "high"})),
    ),
    _once("a sign 30 days before", "probable", "SYN03", _LOW_RAISED, signs=(Sign(TREMOR, -30),)),
    _once("a sign 31 days before", "possible", "SYN03", _LOW_RAISED, signs=(Sign(TREMOR, -31),)),
    Course(
        "anaemia 14 days before",
        "probable",
        ("SYN01",),
        (Draw(-14, {"haemoglobin": "anaemic"}), Draw(0, _LOW_HIGH)),
        (230, 330),
    ),
    Course(
        "anaemia 15 days before",
        "possible",
        ("SYN01",),
        (Draw(-15, {"haemoglobin": "anaemic"}), Draw(0, _LOW_HIGH)),
        (230, 330),
    ),
    Course(
        "100 ug start treatment where no purpose is noted, 99 do not",
        "possible",
        ("SYN02",),
        (Draw(-1, {**FINE, "b12": "deficient"}), Draw(91, FINE)),
        doses=((0, "infant", "99", None), (3, "infant", "100", None)),
    ),
    Course(
        "the second marker on day 14",
        "definite",
        ("SYN03",),
        (Draw(0, {"b12": "deficient", "homocysteine": "fine"}), Draw(14, {"mma": "raised"}), Draw(91, FINE)),
        regimen="site",
    ),
    Course(
        "the second marker on day 15",
        "possible",
        ("SYN03",),
        (Draw(0, {"b12": "deficient", "homocysteine": "fine"}), Draw(15, {"mma": "raised"}), Draw(91, FINE)),
        regimen="site",
    ),
    Course(
        "blood was given 90 and 91 days before the visits",
        "definite",
        ("SYN01",),
        (Draw(-1, FULL), Draw(91, FINE), Draw(210, FINE)),
        regimen="site",
        conditions=(("procedure", _TRANSFUSION, 1), ("procedure", _TRANSFUSION, 119)),
    ),
    Course(
        "a baseline on day -30", "definite", ("SYN01",), (Draw(-30, FULL), Draw(75, FINE)), (230, 330), regimen="site"
    ),
    Course(
        "a baseline on day -31", "definite", ("SYN01",), (Draw(-31, FULL), Draw(120, FINE)), (230, 330), regimen="site"
    ),
    Course(
        "all taken on day 1", "definite", ("SYN01",), (Draw(1, FULL), Draw(121, FINE), Draw(150, FINE)), regimen="site"
    ),
    Course(
        "blood counts on day 3",
        "definite",
        ("SYN01",),
        (
            Draw(-1, {"b12": "deficient", "mma": "raised"}),
            Draw(3, {"haemoglobin": "anaemic", "mcv": "macrocytic"}),
            Draw(210, FINE),
        ),
        regimen="site",
    ),
    Course(
        "blood counts on day 4",
        "definite",
        ("SYN01",),
        (
            Draw(-1, {"b12": "deficient", "mma": "raised"}),
            Draw(4, {"haemoglobin": "anaemic", "mcv": "macrocytic"}),
            Draw(330, FINE),
        ),
        regimen="site",
        presents=("2024-08-01", "2025-02-01"),
    ),
    Course(
        "as far from the target on both sides",
        "definite",
        ("SYN03",),
        (Draw(0, FULL), Draw(80, {**FINE, "homocysteine": "impaired"}), Draw(100, FINE), Draw(420, FINE)),
        regimen="site",
        presents=("2024-08-01", "2025-02-01"),
    ),
    Course(
        "two draws on one day",
        "definite",
        ("SYN03",),
        (
            Draw(0, FULL),
            Draw(90, {"homocysteine": "impaired", "mma": "raised"}, "08:00"),
            Draw(90, FINE, "14:00"),
            Draw(180, {**FINE, "homocysteine": "impaired"}, "08:00"),
            Draw(180, FINE, "09:00"),
        ),
        regimen="site",
    ),
)

_EXPOSURES = (
    _once(
        "a prophylactic dose 180 days before",
        "not_assessable",
        "SYN02",
        _NORMAL,
        doses=((-180, "infant", "50", "prophylactic"),),
    ),
    _once(
        "a prophylactic dose 181 days before", "none", "SYN02", _NORMAL, doses=((-181, "infant", "50", "prophylactic"),)
    ),
    _once(
        "the mother treated 90 days before",
        "not_assessable",
        "SYN01",
        _NORMAL,
        doses=((-90, "mother", "1000", "therapeutic"),),
    ),
    _once(
        "the mother treated 91 days before", "none", "SYN01", _NORMAL, doses=((-91, "mother", "1000", "therapeutic"),)
    ),
    _once(
        "blood given 90 days before", "not_assessable", "SYN02", _NORMAL, conditions=(("procedure", _TRANSFUSION, -90),)
    ),
    _once("blood given 91 days before", "none", "SYN02", _NORMAL, conditions=(("procedure", _TRANSFUSION, -91),)),
    _once("blood given on the day", "none", "SYN02", _NORMAL, conditions=(("procedure", _TRANSFUSION, 0),)),
    _once("formula from that day on", "none", "SYN03", _NORMAL, formula=(0, 20)),
    _once("formula from the day before on", "not_assessable", "SYN03", _NORMAL, formula=(-1, 20)),
    _once("formula until 90 days before", "not_assessable", "SYN03", _NORMAL, formula=(-110, -90)),
    _once("formula until 91 days before", "none", "SYN03", _NORMAL, formula=(-110, -91)),
)


def _suspected(name: str, expects: str, feeding: str, diet: str, mothers_b12: str) -> Course:
    draws = (Draw(0, {"b12": mothers_b12}, person="mother"),)
    return Course(name, expects, ("SYN02",), draws, (200, 330), feeding=feeding, diet=diet, signs=(Sign(TREMOR),))


_RULES = (
    _suspected("signs, and the mother's B12 is 147", "suspected", "not_breastfed", "omnivore", "=147"),
    _suspected("signs, and the mother's B12 is 148", "not_assessable", "not_breastfed", "omnivore", "=148"),
    _suspected("signs, and a vegetarian mother", "suspected", "not_breastfed", "lacto_vegetarian", "normal"),
    _suspected("signs, and breastfed", "suspected", "exclusive", "omnivore", "normal"),
    _once("low B12, homocysteine, a sign", "probable", "SYN02", _LOW_HIGH, signs=(Sign(HYPOTONIA),)),
    _once("low B12, homocysteine, macrocytosis", "probable", "SYN02", {**_LOW_HIGH, "mcv": "macrocytic"}),
    _once("low B12, homocysteine, nothing else", "possible", "SYN02", {**_LOW_HIGH, "mcv": "fine"}),
    _once("low B12, MMA, anaemia", "probable", "SYN02", {**_LOW_RAISED, "haemoglobin": "anaemic"}),
    _once("normal B12, MMA, a sign", "possible", "SYN02", {"b12": "normal", "mma": "raised"}, signs=(Sign(DELAY),)),
    _once("low B12, MMA, one minor sign", "possible", "SYN02", _LOW_RAISED, signs=(Sign(PALE),)),
    _once(
        "low B12, MMA, two minor signs, one of them gone",
        "possible",
        "SYN02",
        _LOW_RAISED,
        signs=(Sign(PALE, -9, gone=-4), Sign(IRRITABLE)),
    ),
)


def _change(name: str, before: dict[str, str], after: dict[str, str]) -> Course:
    """An infant whose markers change by about half, or whose haemoglobin rises by about 10 g/L."""
    draws = (Draw(-1, {"b12": "deficient", **before}), Draw(90, {"b12": "replete", **after}))
    return Course(name, "definite", ("SYN01",), draws, (210, 240), regimen="site")


_CHANGES = (
    _change("homocysteine halved", {"homocysteine": "=20.0"}, {"homocysteine": "=10.0"}),
    _change("homocysteine not quite halved", {"homocysteine": "=20.0"}, {"homocysteine": "=10.2"}),
    _change("homocysteine 6.6 is above the target", {"homocysteine": "=13.0"}, {"homocysteine": "=6.6"}),
    _change("MMA halved", {"mma": "=3000"}, {"mma": "=1500"}),
    _change("MMA not quite halved", {"mma": "=3000"}, {"mma": "=1530"}),
    _change("haemoglobin 10 g/L up", {"mma": "=3000", "haemoglobin": "=8.4"}, {"mma": "=200", "haemoglobin": "=9.4"}),
    _change("haemoglobin 9 g/L up", {"mma": "=3000", "haemoglobin": "=8.4"}, {"mma": "=200", "haemoglobin": "=9.3"}),
)

EDGES: tuple[Course, ...] = (
    *(*_VALUES, *_AGES, *_DAYS, *_EXPOSURES, *_RULES, *_CHANGES),
    *(*RECOVERY_EDGES, *SCREENING_EDGES, *MOTHERS_EDGES, *GROWTH_EDGES, *DUE_EDGES),
)
