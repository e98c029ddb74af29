"""Cases by what was measured in blood: each marker at its edge, censored, unusable, and together."""

from tests.models.case_scenarios.classes import DEFINITE, NONE, POSSIBLE, PROBABLE, UNKNOWN, Scenario

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
