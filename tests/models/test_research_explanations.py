"""Why a subject is of its class, or nearly: each event that a sentence names is needed for what is said.

Treatment starts at 200 days where there is a dose.
"""

from decimal import Decimal
from typing import Any

from tests.models.cohort import Cohort, Infant
from tests.models.titled import by_title, expected, told

NEAREST = {
    "no functional marker": ("199 b12=100", ("definite", ["homocysteine_raised"], ["unknown"])),
    "functional marker is normal": ("199 b12=100 homocysteine=6", ("definite", ["mma_raised"], ["unknown"])),
    "both functional markers are normal": (
        "199 b12=100 homocysteine=6 mma=0.1",
        ("definite", ["homocysteine_raised"], ["false"]),
    ),
    "low, and nothing beside": ("199 b12=160", ("possible", ["homocysteine_raised"], ["unknown"])),
    "low and raised, without signs": ("199 b12=160 homocysteine=20", ("probable", ["mma_raised"], ["unknown"])),
    "normal": ("199 b12=400", ("possible", ["b12_deficient"], ["false"])),
    "normal after a dose": ("200 dose; 220 b12=400", ("possible", ["b12_deficient"], ["unknown"])),
    "a bound on the wrong side": ("199 b12=<300", ("possible", ["b12_deficient"], ["unknown"])),
    "nothing": ("", ("possible", ["b12_deficient"], ["unknown"])),
    "a sign, no reason": (
        "199 sign tremor",
        ("probable", ["b12_deficient"], ["unknown"]),
    ),
    "the mother's own values": (
        "199 mother b12=100 homocysteine=30",
        ("possible", ["b12_deficient"], ["unknown"]),
    ),
    "deficient after the span": (
        "199 b12=160 homocysteine=20; 300 b12=100 homocysteine=20",
        ("definite", [], []),
    ),
}


def test_the_nearest_class_above_and_what_is_missing() -> None:
    cohort = Cohort()
    infants = told(cohort, NEAREST)
    with cohort.build("research.near_misses") as connection:
        found = by_title(connection, infants, "FROM research.near_misses WHERE is_nearest")
    nearest = {title: (row["class"], row["missing"], row["missing_states"]) for title, (row,) in found.items()}
    assert nearest == expected(NEAREST)


def test_the_best_class_and_the_not_eligible_have_none_above() -> None:
    cohort = Cohort()
    cohort.infant().tell("199 b12=100 homocysteine=20")
    cohort.infant(person="comparator").tell("199 comparator b12=160")
    cohort.infant().tell("199 b12=160; 100 condition ICD10:D51.1 diagnosis")
    with cohort.build("research.near_misses") as connection:
        assert connection.sql("SELECT count(*) FROM research.near_misses").fetchall() == [(0,)]


def test_every_class_above_has_its_own_nearest_alternative() -> None:
    cohort = Cohort()
    infants = {"low": cohort.infant().tell("199 b12=160 homocysteine=6; 199 sign tremor")}
    with cohort.build("research.near_misses") as connection:
        rows = by_title(connection, infants, "FROM research.near_misses ORDER BY class_order")["low"]
    assert [(row["class"], row["lacking"], row["missing"]) for row in rows] == [
        ("definite", 2, ["b12_deficient", "mma_raised"]),
        ("probable", 1, ["mma_raised"]),
        ("possible", 1, ["mma_raised"]),
        ("suspected", 2, ["breastfed", "marker_evidence"]),
    ]


STORIES = {
    "definite": "200 dose; 199 b12=100 homocysteine=20",
    "probable by signs": "199 b12=100; 199 sign tremor",
    "suspected": "0- fed exclusive; 199 sign tremor",
    "none": "199 b12=400",
    "not eligible": "199 b12=400; 100 condition ICD10:D51.1 diagnosis",
}


def lines(cohort: Cohort, infants: dict[str, Infant]) -> dict[str, list[dict[str, Any]]]:
    with cohort.build("research.explanation_lines") as connection:
        return by_title(connection, infants, "FROM research.explanation_lines ORDER BY line")


def test_without_an_event_that_is_named_the_class_is_another() -> None:
    cohort = Cohort()
    infants = {title: cohort.infant().tell(story) for title, story in STORIES.items()}
    before, everything = lines(cohort, infants), cohort.rows
    deciding = {title: _deciding(found) for title, found in before.items()}
    assert all(deciding.values())
    for place in range(max(map(len, deciding.values()))):
        taken = {title: keys[place] for title, keys in deciding.items() if place < len(keys)}
        cohort.rows = {
            table: [row for row in rows if row.get("record_key") not in taken.values()]
            for table, rows in everything.items()
        }
        after = lines(cohort, infants)
        for title, key in taken.items():
            assert after[title][0]["sentence"] != before[title][0]["sentence"], title
            assert key not in {line["record_key"] for line in after[title]}


def _deciding(found: list[dict[str, Any]]) -> list[Any]:
    """The records by which the class was reached: those told before the treatment."""
    (treatment,) = (line["line"] for line in found if line["topic"] == "treatment")
    return sorted({line["record_key"] for line in found if line["topic"] == "evidence" and line["line"] < treatment})


EVIDENCE = {
    "sent in another unit, after a dose": [
        "At 199 days b12 was 110.6709 pmol/L (sent as 150 pg/mL); < 148 pmol/L is met (b12_deficient v1, cited),"
        " 9 days after a dose.",
        "At 199 days homocysteine was >20 umol/L; >= 10 umol/L is met (homocysteine_raised v1, cited), 9 days after a"
        " dose.",
    ],
    "against the nearest class": [
        "At 199 days b12 was 100 pmol/L; < 148 pmol/L is met (b12_deficient v1, cited).",
        "At 199 days homocysteine was 6 umol/L; >= 10 umol/L is not met (homocysteine_raised v1, cited).",
    ],
}


def test_a_result_is_told_from_what_was_sent_to_the_threshold() -> None:
    cohort = Cohort()
    infants = {title: cohort.infant() for title in EVIDENCE}
    sent = infants["sent in another unit, after a dose"].tell("190 dose")
    sent.lab("b12", "110.6709", 199, unit="pmol/L", value_reported=Decimal(150), unit_reported="pg/mL")
    sent.lab("homocysteine", ">20", 199, unit="umol/L")
    against = infants["against the nearest class"]
    against.lab("b12", 100, 199, unit="pmol/L")
    against.lab("homocysteine", 6, 199, unit="umol/L")
    against.lab("mma", "0.1", 199, unit="umol/L")
    found = lines(cohort, infants)
    assert {
        title: [line["sentence"] for line in each if line["topic"] == "evidence"] for title, each in found.items()
    } == EVIDENCE
    assert [
        line["sentence"] for line in found["against the nearest class"] if line["topic"] in ("near_miss", "missing")
    ] == [
        "Nearest above: definite, alternative 1, at 199 days; it lacks 1 of 2.",
        "Missing: homocysteine_raised is false and would have to be true: Homocysteine at or above the cut-off of"
        " clinical cases.",
    ]
