"""Who is a case, and of which class: each rule of the default definition at its edge.

A scenario is one infant's story (see `Infant.tell`), the class, and what else its row of research.cases says. All
infants are of one cohort, so that none may change another's class.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from registry.models import load_models
from tests.models.research_fixture import CORE, Cohort, rows

Scenario = tuple[str, str, str, dict[str, Any]]

ABNORMAL = "b12=50 homocysteine=50 mma=9 holotranscobalamin=5 haemoglobin=60 mcv=120"
NONE, POSSIBLE, PROBABLE, DEFINITE = "none", "possible", "probable", "definite"
SUSPECTED, UNKNOWN, INELIGIBLE = "suspected", "not_assessable", "not_eligible"

# 1 month is 30.4375 days: 12 completed months begin on day 366, 2 on day 61, 24 on day 731, 36 on day 1096.
MARKERS: list[Scenario] = [
    ("200 pg/mL is 147.5612 pmol/L: deficient", "200 b12=147.5612", POSSIBLE, {"criteria": ["b12_deficient"]}),
    ("201 pg/mL is 148.299006 pmol/L: low", "200 b12=148.299006", NONE, {"is_low_b12": True}),
    ("148 is not deficient", "200 b12=148", NONE, {"is_low_b12": True}),
    ("just under 221 is low", "200 b12=220.999999999999", NONE, {"is_low_b12": True}),
    ("221 is not low", "200 b12=221", NONE, {"is_low_b12": False}),
    ("homocysteine of exactly 10 is raised", "200 b12=100 homocysteine=10", DEFINITE, {}),
    ("homocysteine just under 10 is not", "200 b12=100 homocysteine=9.999999", POSSIBLE, {}),
    ("above 6.5 makes no case", "200 b12=150 homocysteine=9.9", NONE, {"is_isolated_functional": False}),
    ("MMA at the limit of 1.25 is not raised", "200 b12=100 mma=1.25", POSSIBLE, {}),
    ("MMA above the limit of 1.25 is", "200 b12=100 mma=1.250001", DEFINITE, {"alternative": 2}),
    ("MMA of 0.8 at 11 months is within the first year's limit", "365 b12=100 mma=0.8", POSSIBLE, {}),
    ("MMA of 0.8 at 12 months is above the limit", "366 b12=100 mma=0.8", DEFINITE, {}),
    ("MMA of 0.30 at 12 months is within it", "366 b12=100 mma=0.30", POSSIBLE, {}),
    ("MMA above 0.26 is no disease", "200 b12=300 mma=0.5", NONE, {"is_isolated_functional": False}),
    ("holoTC under 40 with homocysteine", "200 holotranscobalamin=39.9 homocysteine=12", PROBABLE, {}),
    ("holoTC under 40 with MMA", "200 holotranscobalamin=39.9 mma=2", PROBABLE, {}),
    ("holoTC of 40 is not low", "200 holotranscobalamin=40 homocysteine=12", UNKNOWN, {"reason": "no_baseline"}),
    ("holoTC has no cut-off under 2 months", "60 holotranscobalamin=10 homocysteine=12", UNKNOWN, {}),
    ("holoTC has one at 2 months", "61 holotranscobalamin=10 homocysteine=12", PROBABLE, {}),
    ("holoTC has none at 24 months", "731 holotranscobalamin=10 homocysteine=12", UNKNOWN, {}),
    ("homocysteine and MMA without B12", "200 homocysteine=12 mma=2", PROBABLE, {}),
    ("raised homocysteine alone is isolated", "200 b12=400 homocysteine=12", NONE, {"is_isolated_functional": True}),
    ("low B12 with homocysteine", "200 b12=180 homocysteine=12", POSSIBLE, {}),
    ("low B12 with MMA", "200 b12=180 mma=2", POSSIBLE, {}),
    (
        "all three",
        "200 b12=100 homocysteine=12 mma=2",
        DEFINITE,
        {"criteria": ["b12_deficient", "homocysteine_raised"]},
    ),
]

CENSORED: list[Scenario] = [
    ("<148 is deficient", "200 b12=<148", POSSIBLE, {}),
    ("<=148 decides nothing", "200 b12=<=148", UNKNOWN, {"reason": "censored_undecidable"}),
    ("<150 decides nothing", "200 b12=<150", UNKNOWN, {"reason": "censored_undecidable"}),
    ("<150 is not said to be low either", "200 b12=<150 homocysteine=12", UNKNOWN, {"reason": "censored_undecidable"}),
    (">1476 is not deficient", "200 b12=>1476", NONE, {"is_low_b12": False}),
    (">=148 is not deficient", "200 b12=>=148", NONE, {"is_low_b12": False}),
    (">100 decides nothing", "200 b12=>100", UNKNOWN, {"reason": "censored_undecidable"}),
    ("homocysteine >50 is raised", "200 b12=100 homocysteine=>50", DEFINITE, {}),
    ("homocysteine >9 decides nothing", "200 b12=100 homocysteine=>9", POSSIBLE, {}),
    ("MMA >1.25 is above the limit of 1.25", "200 b12=100 mma=>1.25", DEFINITE, {}),
    ("MMA >=1.25 decides nothing", "200 b12=100 mma=>=1.25", POSSIBLE, {}),
]

UNUSABLE: list[Scenario] = [
    ("a doubtful unit is not counted", "200 b12=100!unit_unconfirmed", UNKNOWN, {"reason": "unit_unconfirmed"}),
    ("a preliminary result is not counted", "200 b12=100!preliminary", UNKNOWN, {"reason": "no_baseline"}),
    ("low folate excludes homocysteine", "200 b12=100 homocysteine=20 folate=6.7", POSSIBLE, {}),
    ("folate of 6.8 does not", "200 b12=100 homocysteine=20 folate=6.8", DEFINITE, {}),
    ("nor does low folate beside a raised MMA", "200 homocysteine=20 folate=3 mma=2", PROBABLE, {}),
    ("low folate 14 days away excludes it", "200 b12=100 homocysteine=20; 214 folate=3", POSSIBLE, {}),
    ("low folate 15 days away does not", "200 b12=100 homocysteine=20; 215 folate=3", DEFINITE, {}),
    ("of several folates the nearest counts", "200 b12=100 homocysteine=20 folate=10; 205 folate=3", DEFINITE, {}),
    ("creatinine above the interval excludes it", "200 b12=100 homocysteine=20 creatinine=60/40", POSSIBLE, {}),
    ("creatinine within the interval does not", "200 b12=100 homocysteine=20 creatinine=40/40", DEFINITE, {}),
    ("creatinine without an interval does not", "200 b12=100 homocysteine=20 creatinine=60", DEFINITE, {}),
    ("nor does creatinine beside a raised MMA", "200 homocysteine=20 creatinine=60/40 mma=2", PROBABLE, {}),
]

TOGETHER: list[Scenario] = [
    ("14 days apart decide together", "200 b12=100; 214 homocysteine=12", DEFINITE, {"index_age_days": 200}),
    ("15 days apart do not", "200 b12=100; 215 homocysteine=12", POSSIBLE, {"index_age_days": 200}),
    (
        "the index is the earlier one that takes part",
        "190 homocysteine=12; 200 b12=100",
        DEFINITE,
        {"index_age_days": 190},
    ),
    ("what takes no part is no index", "180 homocysteine=12; 200 b12=100", POSSIBLE, {"index_age_days": 200}),
    ("a normal specimen is no index", "195 b12=500; 200 b12=100", POSSIBLE, {"index_age_days": 200}),
    ("untreated, day 30 counts", "200 b12=100; 230 homocysteine=12 mma=2", PROBABLE, {"class_end_age_days": 230}),
    ("untreated, day 31 does not", "200 b12=100; 231 homocysteine=12 mma=2", POSSIBLE, {"index_age_days": 200}),
    (
        "day 14 of treatment counts",
        "200 b12=100; 240 dose; 254 mma=2 homocysteine=12",
        PROBABLE,
        {"class_end_age_days": 254},
    ),
    (
        "day 15 of treatment does not",
        "200 b12=100; 201 dose; 216 mma=2 homocysteine=12",
        POSSIBLE,
        {"class_end_age_days": 215},
    ),
    (
        "a later index is flagged",
        "100 dose; 200 b12=100 mma=2",
        DEFINITE,
        {"is_index_after_treatment": True, "class_end_age_days": 230},
    ),
    (
        "one within 14 days is not",
        "200 dose; 214 b12=100 mma=2",
        DEFINITE,
        {"is_index_after_treatment": False, "class_end_age_days": 214},
    ),
]

SIGNS: list[Scenario] = [
    ("a major sign and homocysteine", "200 homocysteine=12; 200 sign tremor", POSSIBLE, {}),
    ("two minor signs and MMA", "200 mma=2; 200 sign irritability; 201 sign lethargy", POSSIBLE, {}),
    ("one minor sign seen twice is one", "200 mma=2; 200 sign irritability; 205 sign irritability", UNKNOWN, {}),
    ("a sign on MRI does not count", "200 mma=2; 200 sign atrophy", UNKNOWN, {}),
    ("an absent sign does not count", "200 mma=2; 200 sign tremor absent", UNKNOWN, {}),
    ("low holoTC with a sign", "200 holotranscobalamin=30; 200 sign tremor", POSSIBLE, {}),
    ("a sign 30 days before counts", "200 mma=2; 170 sign tremor", POSSIBLE, {}),
    ("a sign 31 days before does not", "200 mma=2; 169 sign tremor", UNKNOWN, {}),
    ("a sign gone before the index does not", "200 mma=2; 180 sign tremor; 190 sign tremor resolved", UNKNOWN, {}),
    ("a sign gone on the index date does not", "200 mma=2; 180 sign tremor; 200 sign tremor absent", UNKNOWN, {}),
    ("a sign gone after the index does", "200 mma=2; 180 sign tremor; 201 sign tremor resolved", POSSIBLE, {}),
    (
        "a sign that comes back does",
        "200 mma=2; 175 sign tremor; 180 sign tremor resolved; 195 sign tremor",
        POSSIBLE,
        {},
    ),
    ("a tremor that begins on day 14 of treatment counts", "200 mma=2; 200 dose; 214 sign tremor", POSSIBLE, {}),
    ("one that begins on day 15 does not", "200 mma=2; 200 dose; 215 sign tremor", UNKNOWN, {}),
    ("low B12, homocysteine and signs", "200 b12=180 homocysteine=12; 190 sign hypotonia", PROBABLE, {}),
    ("low B12, MMA and signs", "200 b12=180 mma=2; 190 sign hypotonia", PROBABLE, {}),
    ("low B12, homocysteine and anaemia", "200 b12=180 homocysteine=12 haemoglobin=104.9", PROBABLE, {}),
    ("low B12, homocysteine and macrocytosis", "200 b12=180 homocysteine=12 mcv=96", PROBABLE, {}),
    ("low B12, MMA and anaemia", "200 b12=180 mma=2 haemoglobin=80", PROBABLE, {}),
    ("haemoglobin of 105 is no anaemia", "200 b12=180 homocysteine=12 haemoglobin=105", POSSIBLE, {}),
    ("an MCV above 95", "200 b12=180 mma=2 mcv=95.1", PROBABLE, {}),
    ("an MCV of 95 does not count", "200 b12=180 mma=2 mcv=95", POSSIBLE, {}),
    ("anaemia 14 days before counts", "200 b12=180 mma=2; 186 haemoglobin=80", PROBABLE, {}),
    ("anaemia 15 days before does not", "200 b12=180 mma=2; 185 haemoglobin=80", POSSIBLE, {}),
    ("no cut-off for anaemia under 6 months", "182 b12=180 mma=2 haemoglobin=80", POSSIBLE, {}),
    ("a cut-off at 6 months", "183 b12=180 mma=2 haemoglobin=80", PROBABLE, {}),
    ("107 is no anaemia at 23 months", "730 b12=180 mma=2 haemoglobin=107", POSSIBLE, {}),
    ("107 is anaemia at 24 months", "731 b12=180 mma=2 haemoglobin=107", PROBABLE, {}),
    ("deficient B12 and signs, no functional marker", "200 b12=100; 200 sign tremor", PROBABLE, {}),
    ("a usable normal homocysteine makes it possible", "200 b12=100 homocysteine=5; 200 sign tremor", POSSIBLE, {}),
    ("so does one after a dose", "200 b12=100; 201 dose; 210 homocysteine=5; 200 sign tremor", POSSIBLE, {}),
    ("so does one 14 days before", "200 b12=100; 186 homocysteine=5; 200 sign tremor", POSSIBLE, {}),
    ("one 15 days before does not", "200 b12=100; 185 homocysteine=5; 200 sign tremor", PROBABLE, {}),
    ("one that cannot be read does not", "200 b12=100 homocysteine=20 folate=3; 200 sign tremor", PROBABLE, {}),
]

EXPOSURE: list[Scenario] = [
    ("a dose 180 days before", "120 dose prophylactic 5ug; 300 b12=500", UNKNOWN, {"reason": "baseline_post_dose"}),
    ("a dose 181 days before", "119 dose prophylactic 5ug; 300 b12=500", NONE, {}),
    (
        "an abnormal marker after a dose counts",
        "190 dose prophylactic 5ug; 200 b12=100 mma=2",
        DEFINITE,
        {"treatment_start_age_days": None},
    ),
    ("a missed dose exposes nobody", "190 dose missed; 200 b12=500", NONE, {}),
    ("a dose of iron exposes nobody", "190 dose iron; 200 b12=500", NONE, {}),
    (
        "a dose of the mother 90 days before",
        "210 dose mother; 300 b12=500",
        UNKNOWN,
        {"maternal_start_age_days": 210, "treatment_start_age_days": None},
    ),
    ("a dose of the mother 91 days before", "209 dose mother; 300 b12=500", NONE, {}),
    ("a prophylactic dose of the mother", "290 dose mother prophylactic; 300 b12=500", NONE, {}),
    ("a transfusion 90 days before", "210 transfused; 300 b12=500", UNKNOWN, {}),
    ("a transfusion 91 days before", "209 transfused; 300 b12=500", NONE, {}),
    ("a transfusion of the mother", "290 transfused mother; 300 b12=500", NONE, {}),
    ("formula until 90 days before", "100-210 fed formula_only; 300 b12=500", UNKNOWN, {}),
    ("formula until 91 days before", "100-209 fed formula_only; 300 b12=500", NONE, {}),
    ("mixed feeding that goes on", "100- fed mixed; 300 b12=500", UNKNOWN, {}),
    ("formula from that day on", "300- fed formula_only; 300 b12=500", NONE, {}),
    ("unspecified breastfeeding is no exposure", "0- fed breastfed_unspecified; 300 b12=500", NONE, {}),
    ("not being breastfed is no exposure", "0- fed not_breastfed; 300 b12=500", NONE, {}),
    ("without times, blood comes before the dose", "300 dose; 300 b12=500", NONE, {"is_order_assumed": True}),
    ("with one time only too", "300@600 dose; 300 b12=500", NONE, {"is_order_assumed": True}),
    ("by time, blood before the dose", "300@600 dose; 300@590 b12=500", NONE, {"is_order_assumed": False}),
    ("by time, blood after the dose", "300@600 dose; 300@610 b12=500", UNKNOWN, {"is_order_assumed": False}),
]

TREATMENT: list[Scenario] = [
    (
        "the first therapeutic dose",
        "200 b12=100; 150 dose maintenance; 205 dose; 203 dose",
        POSSIBLE,
        {"treatment_start_age_days": 203},
    ),
    (
        "without a purpose 100 ug do",
        "200 b12=100; 203 dose unstated 100ug",
        POSSIBLE,
        {"treatment_start_age_days": 203},
    ),
    (
        "without a purpose 99 ug do not",
        "200 b12=100; 203 dose unstated 99ug",
        POSSIBLE,
        {"treatment_start_age_days": None},
    ),
    ("a stated purpose decides", "200 b12=100; 203 dose 20ug", POSSIBLE, {"treatment_start_age_days": 203}),
    (
        "a missed dose starts nothing",
        "200 b12=100; 203 dose missed; 205 dose",
        POSSIBLE,
        {"treatment_start_age_days": 205},
    ),
    (
        "the regimen is days 0 to 13",
        "200 b12=100; 200 dose; 213 dose po; 214 dose",
        POSSIBLE,
        {"regimen": "hydroxocobalamin:im+hydroxocobalamin:po", "regimen_doses": 2, "regimen_ug": 2000},
    ),
    (
        "a mother's treatment is not the infant's",
        "200 b12=100; 203 dose mother",
        POSSIBLE,
        {"treatment_start_age_days": None, "maternal_start_age_days": 203},
    ),
    (
        "baseline is the last value before",
        "190 b12=100; 199 b12=120; 200 dose; 201 b12=900",
        POSSIBLE,
        {"baseline_b12_pmol_per_l": 120, "baseline_b12_comparator": None},
    ),
    (
        "a baseline that is a bound says so",
        "199 b12=<110; 200 dose",
        POSSIBLE,
        {"baseline_b12_pmol_per_l": 110, "baseline_b12_comparator": "<"},
    ),
    (
        "without treatment there is no baseline",
        "199 b12=120",
        POSSIBLE,
        {"baseline_b12_pmol_per_l": None, "baseline_b12_comparator": None},
    ),
]

SUSPICION: list[Scenario] = [
    (
        "signs, breastfed",
        "200 sign tremor; 220 sign tremor; 0- fed breastfed_unspecified",
        SUSPECTED,
        {"index_age_days": 200},
    ),
    ("signs, vegan mother", "200 sign tremor; 0- fed weaned vegan", SUSPECTED, {"is_primary_case": False}),
    ("signs, omnivorous mother, weaned", "200 sign tremor; 0- fed weaned omnivore", UNKNOWN, {"reason": "no_baseline"}),
    ("signs, deficient mother", "200 sign tremor; 205 mother b12=100", SUSPECTED, {}),
    ("signs, mother at 148", "200 sign tremor; 205 mother b12=148", UNKNOWN, {}),
    ("an exposed normal marker tells nothing", "200 sign tremor; 0- fed mixed; 200 b12=500", SUSPECTED, {}),
    ("an unexposed normal one does", "200 sign tremor; 0- fed exclusive; 200 b12=500", NONE, {}),
    ("so does homocysteine, but it is no B12", "200 sign tremor; 0- fed exclusive; 200 homocysteine=5", UNKNOWN, {}),
    ("an abnormal marker is more than suspicion", "200 sign tremor; 0- fed mixed; 200 b12=100", PROBABLE, {}),
    ("a blood count is no marker of B12", "200 sign tremor; 0- fed exclusive; 200 haemoglobin=120", SUSPECTED, {}),
    (
        "two minor signs 30 days apart",
        "200 sign irritability; 230 sign lethargy; 0- fed exclusive",
        SUSPECTED,
        {"index_age_days": 200},
    ),
    ("two minor signs 31 days apart", "200 sign irritability; 231 sign lethargy; 0- fed exclusive", UNKNOWN, {}),
    ("breastfed only after the span", "200 sign tremor; 231- fed exclusive", UNKNOWN, {}),
]

# The last part is the enrolment.
ELIGIBLE: list[tuple[str, str, str, dict[str, Any], dict[str, Any]]] = [
    (
        "an adult comparator",
        "20000 comparator b12=90",
        INELIGIBLE,
        {"criteria": ["infant"], "states": ["false"]},
        {"person": "comparator"},
    ),
    ("a toddler with normal B12", "500 b12=591 haemoglobin=120", NONE, {"is_low_b12": False}, {"group": "comparator"}),
    ("a toddler with low B12", "500 b12=200", NONE, {"is_low_b12": True}, {"group": "comparator"}),
    ("36 completed months", "1096 b12=100", INELIGIBLE, {"criteria": ["eligible_age"]}, {"enrolled_age_days": 1096}),
    ("35 completed months", "1095 b12=100", POSSIBLE, {}, {"enrolled_age_days": 1095}),
    ("a value above the age adds nothing", "1000 b12=300; 1200 b12=100", NONE, {}, {}),
    ("no value, enrolled late", "", INELIGIBLE, {}, {"enrolled_age_days": 1096, "cut_off_age_days": 1200}),
    ("no value, enrolled at an unknown age", "", INELIGIBLE, {}, {"enrolled_age_days": None, "cut_off_age_days": 1200}),
    ("no value", "", UNKNOWN, {"reason": "no_baseline"}, {}),
    (
        "an inborn error",
        "200 b12=100 mma=30; 210 condition ICD10:D51.2 diagnosis",
        INELIGIBLE,
        {"criteria": ["excluding_condition"]},
        {},
    ),
    ("any reported exclusion", "200 b12=100; 210 condition ICD10:Q90.9 exclusion", INELIGIBLE, {}, {}),
    ("another diagnosis", "200 b12=100; 210 condition ICD10:E53.8 diagnosis", POSSIBLE, {}, {}),
    ("an exclusion of the mother", "200 b12=100; 210 condition ICD10:D51.2 exclusion mother", POSSIBLE, {}, {}),
    (
        "haemoglobin is compared as at sea level",
        "200 b12=180 mma=2 haemoglobin=110",
        PROBABLE,
        {},
        {"elevation_m": 920},
    ),
    ("below sea level nothing is added", "200 b12=180 mma=2 haemoglobin=104", PROBABLE, {}, {"elevation_m": -400}),
]

MOTHER: list[Scenario] = [
    (
        "the infant's normal, all of hers abnormal",
        f"200 b12=500; 200 mother {ABNORMAL}",
        NONE,
        {"is_low_b12": False, "is_isolated_functional": False},
    ),
    ("nothing of the infant, all of hers abnormal", f"200 mother {ABNORMAL}", UNKNOWN, {"reason": "no_baseline"}),
    ("hers add nothing to the infant's", f"200 b12=100; 200 mother {ABNORMAL}", POSSIBLE, {}),
    ("her anaemia is not the infant's", "200 b12=180 mma=2; 200 mother haemoglobin=60 mcv=120", POSSIBLE, {}),
    ("her folate excludes nothing", "200 b12=100 homocysteine=20; 200 mother folate=3", DEFINITE, {}),
    ("her creatinine excludes nothing", "200 b12=100 homocysteine=20; 200 mother creatinine=99/40", DEFINITE, {}),
    ("her MMA rescues no homocysteine", "200 b12=100 homocysteine=20 folate=3; 200 mother mma=2", POSSIBLE, {}),
    ("her homocysteine is not the infant's", "200 b12=100; 200 sign tremor; 200 mother homocysteine=5", PROBABLE, {}),
    ("her normal B12 tells nothing", "200 sign tremor; 0- fed exclusive; 200 mother b12=500", SUSPECTED, {}),
    ("her homocysteine does not make her deficient", "200 sign tremor; 200 mother homocysteine=50", UNKNOWN, {}),
    (
        "her draw on the infant's day changes no order",
        "200 dose mother; 200@600 mother b12=100; 200 b12=500",
        NONE,
        {"is_order_assumed": False},
    ),
]

PLAIN = [*MARKERS, *CENSORED, *UNUSABLE, *TOGETHER, *SIGNS, *EXPOSURE, *TREATMENT, *SUSPICION, *MOTHER]
ALL = [*((*given, {}) for given in PLAIN), *ELIGIBLE]


@pytest.fixture(scope="module")
def found() -> Iterator[dict[str, dict[str, Any]]]:
    """The row of research.cases of every scenario, by its name."""
    cohort = Cohort()
    infants = {name: cohort.infant(**enrolment).tell(story) for name, story, _, _, enrolment in ALL}
    connection = cohort.build("research.cases")
    by_key = {row["subject_key"]: row for row in rows(connection, "FROM research.cases")}
    connection.close()
    return {name: by_key[infant.key] for name, infant in infants.items()}


@pytest.mark.parametrize(("name", "expected", "more"), [(n, e, m) for n, _, e, m, _ in ALL], ids=[s[0] for s in ALL])
def test_case(name: str, expected: str, more: dict[str, Any], found: dict[str, dict[str, Any]]) -> None:
    row = found[name]
    assert {"class": row["class"]} | {column: row[column] for column in more} == {"class": expected} | more


def test_scenarios_have_names_of_their_own(found: dict[str, dict[str, Any]]) -> None:
    assert len(found) == len(ALL)


def test_every_class_can_be_reached_by_each_of_its_alternatives(found: dict[str, dict[str, Any]]) -> None:
    """A rule that nobody can meet would be a mistake in the table."""
    reached: dict[str, set[int | None]] = {}
    for row in found.values():
        reached.setdefault(row["class"], set()).add(row["alternative"])
    assert reached == {
        INELIGIBLE: {1, 2, 3},
        DEFINITE: {1, 2},
        PROBABLE: set(range(1, 11)),
        POSSIBLE: {1, 2, 3, 4, 5, 6},
        SUSPECTED: {1, 2, 3},
        NONE: {1},
        UNKNOWN: {None},
    }


def test_a_decision_names_the_records_that_it_rests_on() -> None:
    cohort = Cohort()
    infant = cohort.infant()
    deficient, raised = infant.lab("b12", 100, 200), infant.lab("mma", 2, 210)
    infant.lab("b12", 500, 400)
    connection = cohort.build("research.explanations")
    (row,) = rows(connection, "FROM research.explanations")
    connection.close()
    assert (row["class"], row["criteria"], row["states"]) == (DEFINITE, ["b12_deficient", "mma_raised"], ["true"] * 2)
    assert row["record_keys"] == [deficient, raised]
    assert (row["definition"], row["definition_version"], row["index_age_days"]) == ("default", 1, 200)


def test_the_small_core_tables_have_columns_of_the_core_models() -> None:
    models = {model.name: {column.name for column in model.columns} for model in load_models()}
    for table, columns in CORE.items():
        assert set(columns) <= models[f"core.{table}"]
