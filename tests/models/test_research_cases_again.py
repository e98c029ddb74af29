"""The case definition written a second time, in plain Python from its text, against the models on random infants.

Nothing here comes from the contract's definitions or from a query: numbers and words are this file's own.
"""

import random
from decimal import Decimal
from typing import Any

import pytest

from tests.models.built import rows
from tests.models.cohort import Cohort

Row = dict[str, Any]

MAJOR = {"HP:0001337", "HP:0001252"}
MINOR = {"HP:0000737", "HP:0001254"}
ABNORMAL = "LlHMT"


# -- the definition ---------------------------------------------------------------------------------------------------


class Child:
    """One subject, and what its rows say."""

    def __init__(self, subject: Row, tables: dict[str, list[Row]]) -> None:
        self.subject = subject
        mine = {
            name: [r for r in table if r.get("subject_key") == subject["subject_key"]] for name, table in tables.items()
        }
        self.doses = [d for d in mine["doses"] if d["status"] == "given" and d["is_b12"]]
        self.feeding, self.signs, self.conditions = mine["feeding"], mine["symptoms"], mine["conditions"]
        self.all_results = [r for r in mine["lab_results"] if r["person"] == "infant"]
        self.mothers = [r for r in mine["lab_results"] if r["person"] == "mother" and r["is_usable"]]
        reported = [r for r in self.all_results if r["is_usable"]]
        self.results = [r for r in reported if r["age_months"] < 36 and self._readable(r, reported)]
        starts = [d["age_days"] for d in self.doses if d["person"] == "infant" and therapeutic(d)]
        self.start = min(starts, default=None)
        maternal = [d["age_days"] for d in self.doses if d["person"] == "mother" and therapeutic(d)]
        self.maternal_start = min(maternal, default=None)

    @staticmethod
    def _readable(result: Row, reported: list[Row]) -> bool:
        if result["analyte"] != "homocysteine":
            return True
        near = [r for r in reported if abs(r["age_days"] - result["age_days"]) <= 14]
        if any("M" in letters(r) for r in near):
            return True

        def nearest(analyte: str, answers: dict[int, bool]) -> bool:
            days = sorted(answers, key=lambda day: (abs(day - result["age_days"]), day))
            return bool(days) and answers[days[0]]

        folate: dict[int, bool] = {}
        creatinine: dict[int, bool] = {}
        for r in near:
            day = r["age_days"]
            if r["analyte"] == "folate":
                folate[day] = folate.get(day, False) or less(r, Decimal("6.8")) is True
            if r["analyte"] == "creatinine" and r.get("reference_high") is not None:
                creatinine[day] = creatinine.get(day, False) or r["value"] > r["reference_high"]
        return not (nearest("folate", folate) or nearest("creatinine", creatinine))

    def exposed(self, result: Row) -> bool:
        day, minute = result["age_days"], result.get("minute_of_day")
        for dose in self.doses:
            span = 180 if dose["person"] == "infant" else 90 if therapeutic(dose) else -1
            known = dose.get("minute_of_day") is not None and minute is not None
            earlier = dose["age_days"] < day or (dose["age_days"] == day and known and dose["minute_of_day"] < minute)
            if earlier and day - dose["age_days"] <= span:
                return True
        for c in self.conditions:
            blood = c["person"] == "infant" and c["category"] == "procedure" and c["code"] == "SNOMED:116859006"
            if blood and c["onset_age_days"] < day <= c["onset_age_days"] + 90:
                return True
        for f in self.feeding:
            ended = f["end_age_days"] is not None and f["end_age_days"] < day - 90
            if f["infant"] in ("mixed", "formula_only") and f["start_age_days"] < day and not ended:
                return True
        return False

    def end(self, index: int) -> int:
        if self.start is None or index > self.start + 14:
            return index + 30
        return self.start + 14

    def clinical(self, index: int) -> bool:
        counted = set()
        for sign in self.signs:
            day = sign["age_days"]
            if sign["status"] != "present" or not index - 30 <= day <= self.end(index):
                continue
            present = {s["age_days"] for s in self.signs if s["code"] == sign["code"] and s["status"] == "present"}
            gone = [
                s["age_days"]
                for s in self.signs
                if s["code"] == sign["code"] and s["status"] != "present" and s["age_days"] not in present
            ]
            if not any(day < g <= index for g in gone):
                counted.add(sign["code"])
        return bool(counted & MAJOR) or len(counted & MINOR) >= 2

    def blood_count(self, index: int) -> bool:
        days = range(index - 14, self.end(index) + 1)
        return any("A" in letters(r, self.subject["elevation_m"]) and r["age_days"] in days for r in self.results)

    def reached(self, index: int, day: int) -> int | None:
        """Best of definite (1), probable (2), possible (3) with a marker of this day and those of the next 14."""
        last = min(day + 14, self.end(index))
        at = {letter for r in self.results if r["age_days"] == day for letter in letters(r)}
        near = {letter for r in self.results if day <= r["age_days"] <= last for letter in letters(r)}
        around = [r for r in self.results if abs(r["age_days"] - day) <= 14 and r["age_days"] <= self.end(index)]
        functional = any(r["analyte"] in ("homocysteine", "mma") and tells(r) for r in around)
        c, a = self.clinical(index), self.blood_count(index)

        def pair(one: str, other: str) -> bool:
            return (one in at and other in near) or (one in near and other in at)

        if pair("L", "H") or pair("L", "M"):
            return 1
        low = pair("l", "H") or pair("l", "M")
        if pair("H", "M") or pair("T", "H") or pair("T", "M") or (low and (c or a)):
            return 2
        if "L" in at and c and not functional:
            return 2
        if "L" in at or low or (c and at & {"H", "M", "T"}):
            return 3
        return None

    def why(self) -> tuple[str, int | None]:
        if self.subject["person"] != "infant" or self._too_old() or self._excluded():
            return "not_eligible", None
        days = sorted({r["age_days"] for r in self.results if set(letters(r)) & set(ABNORMAL)})
        for index in days:
            if self.reached(index, index):
                best = min(self.reached(index, d) or 9 for d in days if index <= d <= self.end(index))
                return {1: "definite", 2: "probable", 3: "possible"}[best], index
        for index in sorted({s["age_days"] for s in self.signs if s["status"] == "present" and s["age_months"] < 36}):
            if self.clinical(index) and self._reason(index) and not self._evidence(index):
                return "suspected", index
        if any(self.not_deficient(r) and not self.exposed(r) for r in self.results):
            return "none", None
        return "not_assessable", None

    @staticmethod
    def not_deficient(result: Row) -> bool:
        return result["analyte"] == "b12" and less(result, 148) is False

    def _reason(self, index: int) -> bool:
        fed = [f for f in self.feeding if f["start_age_days"] <= self.end(index)]
        return (
            any(f["infant"] in ("exclusive", "predominant", "mixed", "breastfed_unspecified") for f in fed)
            or any(f["mother_diet"] in ("vegan", "lacto_vegetarian", "lacto_ovo_vegetarian") for f in fed)
            or any(r["analyte"] == "b12" and less(r, 148) and r["age_days"] <= self.end(index) for r in self.mothers)
        )

    def _evidence(self, index: int) -> bool:
        days = range(index - 30, self.end(index) + 1)
        return any(
            set(letters(r)) & set(ABNORMAL) or (tells(r) and not self.exposed(r))
            for r in self.results
            if r["age_days"] in days
        )

    def _too_old(self) -> bool:
        told = [r["age_months"] for r in (*self.all_results, *(s for s in self.signs if s["status"] == "present"))]
        enrolled = self.subject["enrolled_age_days"]
        if any(month < 36 for month in told) or (enrolled is not None and enrolled < 1096):
            return False
        return bool(told) or enrolled is not None or self.subject["cut_off_age_months"] >= 36

    def _excluded(self) -> bool:
        return any(
            c["person"] == "infant"
            and (c["category"] == "exclusion" or (c["code"] == "ICD10:D51.2" and c["category"] == "diagnosis"))
            for c in self.conditions
        )


def therapeutic(dose: Row) -> bool:
    return dose["purpose"] == "therapeutic" or (dose["purpose"] is None and dose["ug"] >= 100)


def less(result: Row, cut: Decimal | int) -> bool | None:
    """Whether the value is below the cut-off; None where a bound leaves it open."""
    value, bound = result["value"], result["comparator"]
    if bound is None:
        return bool(value < cut)
    if bound == "<" and value <= cut:
        return True
    return False if bound == ">" and value >= cut else None


def more(result: Row, cut: Decimal | int) -> bool | None:
    value, bound = result["value"], result["comparator"]
    if bound is None:
        return bool(value > cut)
    if bound == ">" and value >= cut:
        return True
    return False if bound == "<" and value <= cut else None


def answers(result: Row, elevation: int = 0) -> dict[str, bool | None]:
    """The letters that a result may have, with whether it has each."""
    month = result["age_months"]
    match result["analyte"]:
        case "b12":
            deficient, under = less(result, 148), less(result, 221)
            low = False if deficient or under is False else True if deficient is False and under else None
            return {"L": deficient, "l": low}
        case "homocysteine":
            under = less(result, 10)
            return {"H": None if under is None else not under}
        case "mma":
            return {"M": more(result, Decimal("1.25") if month < 12 else Decimal("0.3"))}
        case "holotranscobalamin":
            return {"T": less(result, 40)} if 2 <= month <= 23 else {}
        case "haemoglobin":
            shift = Decimal("0.0056384") * elevation + Decimal("0.0000003") * elevation * elevation
            cut = 105 if month < 24 else 110
            return {"A": less(result | {"value": result["value"] - shift}, cut)} if month >= 6 else {}
        case "mcv":
            return {"A": more(result, 95)}
    return {}


def letters(result: Row, elevation: int = 0) -> str:
    return "".join(letter for letter, holds in answers(result, elevation).items() if holds)


def tells(result: Row) -> bool:
    """Whether any of the status letters is decided, either way."""
    return any(holds is not None for letter, holds in answers(result).items() if letter in ABNORMAL)


# -- random infants ---------------------------------------------------------------------------------------------------

STEPS = (0, 0, 0, 1, 13, 14, 15, 16, 29, 30, 31, 60, 90, 91, 180, 181)
VALUES = {
    "b12": ("90", "<148", "<150", "147.9", "148", "180", "220.9", "221", "400", ">1476"),
    "homocysteine": ("4", "6.5", "9.9", "10", "15", ">50", "<9", ">8"),
    "mma": ("0.2", "0.3", "0.31", "0.9", "1.25", "1.26", "3"),
    "holotranscobalamin": ("20", "39.9", "40", "80", "<25"),
    "haemoglobin": ("70", "104", "105", "108", "112", "130"),
    "mcv": ("80", "95", "96", "110"),
    "folate": ("3", "6.8", "20"),
    "creatinine": ("20/40", "60/40", "60"),
}


def arbitrary(chance: random.Random, cohort: Cohort) -> None:
    enrolled = chance.choice((100, 200, 500, 1095, 1096, None))
    person = "comparator" if chance.random() < 0.02 else "infant"
    infant = cohort.infant(
        person=person,
        elevation_m=chance.choice((0, 0, 920, 2240)),
        enrolled_age_days=enrolled,
        cut_off_age_days=chance.choice((400, 1400)),
    )
    base = chance.choice((40, 150, 178, 200, 351, 360, 700, 725, 1060, 1090))
    steps: list[str] = []

    def day() -> int:
        return max(1, base + chance.choice(STEPS))

    for _ in range(chance.randint(0, 5)):
        when = f"{day()}@{chance.choice((500, 600, 700))}" if chance.random() < 0.3 else str(day())
        who = "mother " if chance.random() < 0.1 else ""
        drawn = chance.sample(sorted(VALUES), chance.randint(1, 4))
        told = (f"{name}={chance.choice(VALUES[name])}{'!preliminary' * (chance.random() < 0.05)}" for name in drawn)
        steps.append(f"{when} {who}{' '.join(told)}")
    for _ in range(chance.choice((0, 0, 1, 3))):
        when = f"{day()}@{chance.choice((500, 600, 700))}" if chance.random() < 0.3 else str(day())
        kind = chance.choice(
            ("", "", "unstated 99ug", "unstated 100ug", "prophylactic 5ug", "missed", "iron", "mother")
        )
        steps.append(f"{when} dose {kind}")
    for _ in range(chance.choice((0, 0, 1, 2, 4))):
        sign = chance.choice(("tremor", "hypotonia", "irritability", "lethargy", "irritability", "atrophy"))
        steps.append(f"{day()} sign {sign} {chance.choice(('present', 'present', 'resolved', 'absent'))}")
    if chance.random() < 0.5:
        end = chance.choice(("", str(day())))
        fed = chance.choice(("exclusive", "mixed", "formula_only", "weaned", "breastfed_unspecified"))
        steps.append(f"{chance.choice((0, base))}-{end} fed {fed} {chance.choice(('vegan', 'omnivore'))}")
    if chance.random() < 0.1:
        steps.append(f"{day()} condition SNOMED:116859006 procedure {chance.choice(('infant', 'mother'))}")
    if chance.random() < 0.04:
        steps.append(f"{day()} condition ICD10:D51.2 {chance.choice(('diagnosis', 'adverse_event'))}")
    infant.tell(";".join(steps))


@pytest.fixture(scope="module", params=[1, 2, 3])
def told(request: pytest.FixtureRequest) -> list[tuple[Row, Child]]:
    """The models' row of each of 400 infants, and the infant."""
    chance = random.Random(request.param)  # noqa: S311  # a cohort that can be made again
    cohort = Cohort()
    for _ in range(400):
        arbitrary(chance, cohort)
    connection = cohort.build("research.cases")
    found = {row["subject_key"]: row for row in rows(connection, "FROM research.cases")}
    connection.close()
    return [(found[subject["subject_key"]], Child(subject, cohort.rows)) for subject in cohort.rows["subjects"]]


def test_class_and_index_are_the_same(told: list[tuple[Row, Child]]) -> None:
    assert [(row["class"], row["index_age_days"]) for row, _ in told] == [child.why() for _, child in told]


def test_starts_of_treatment_are_the_same(told: list[tuple[Row, Child]]) -> None:
    for row, child in told:
        assert (row["treatment_start_age_days"], row["maternal_start_age_days"]) == (child.start, child.maternal_start)


def test_flags_of_none_are_the_same(told: list[tuple[Row, Child]]) -> None:
    for row, child in told:
        seen = {letter for r in child.results for letter in letters(r)} if row["class"] == "none" else set()
        assert row["is_low_b12"] == ("l" in seen)
        assert row["is_isolated_functional"] == bool(seen & set("HMT"))


def test_reasons_are_the_same(told: list[tuple[Row, Child]]) -> None:
    for row, child in told:
        measured = [r for r in child.results if r["analyte"] == "b12"]
        expected = None
        if row["class"] == "not_assessable":
            undecided = any(less(r, 148) is None for r in measured)
            expected = "censored_undecidable" if undecided else "baseline_post_dose" if measured else "no_baseline"
        assert row["reason"] == expected


def test_the_infants_are_of_every_class(told: list[tuple[Row, Child]]) -> None:
    counts: dict[str, int] = {}
    for row, _ in told:
        counts[row["class"]] = counts.get(row["class"], 0) + 1
    assert len(counts) == 7
    assert min(counts.values()) >= 3
