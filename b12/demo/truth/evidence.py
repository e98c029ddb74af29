"""What is known of an infant by the definitions' text: usable results, letters, exposure, start of treatment.

The class that follows belongs in `cases`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import product
from typing import Any

from b12.demo.truth.records import B12_COMPOUNDS, Result, Subject, canonical

MAJOR = {"HP:0001337", "HP:0100022", "HP:0002376", "HP:0001263", "HP:0001252", "HP:0001250", "HP:0002104"}
MINOR = {"HP:0000737", "HP:0001254", "HP:0008872", "HP:0001508", "HP:0000252", "HP:0000980", "HP:0000953"}
BREASTFED = {"exclusive", "predominant", "mixed", "breastfed_unspecified"}
VEGETARIAN = {"vegan", "lacto_vegetarian", "lacto_ovo_vegetarian"}
TRANSFUSION = "SNOMED:116859006"

TOGETHER = 14
"""Days within which markers decide together."""


def below(result: Result, cut: Decimal | int, *, shift: Decimal = Decimal(0)) -> bool | None:
    """Whether the value, less `shift`, is below the cut-off; None where a bound does not decide."""
    value = result.value - shift
    if result.comparator is None:
        return value < cut
    if result.comparator == "<":
        return True if value <= cut else None
    if result.comparator == "<=":
        return True if value < cut else None
    return False if value >= cut else None


def above(result: Result, cut: Decimal | int) -> bool | None:
    """Whether the value is above the cut-off; None where a bound does not decide."""
    if result.comparator is None:
        return result.value > cut
    if result.comparator in ("<", "<="):
        return False if result.value <= cut else None
    if result.comparator == ">":
        return True if result.value >= cut else None
    return True if result.value > cut else None


def mma_limit(age_months: int) -> Decimal:
    """Upper limit of MMA in umol/L at an age."""
    return Decimal("1.25") if age_months < 12 else Decimal("0.30")


def haemoglobin_cut_off(age_months: int) -> Decimal | None:
    """Haemoglobin in g/L below which there is anaemia; none is set under 6 months."""
    if age_months < 6:
        return None
    return Decimal(105) if age_months < 24 else Decimal(110)


def unusable(result: Result) -> str | None:
    """Why a result may not be counted: its report is not final, its specimen is wrong, or its unit is in doubt."""
    said = result.said
    if said.get("status", "final") not in ("final", "corrected"):
        return said["status"]
    if (said["specimen"] in ("venous_whole_blood", "capillary_whole_blood")) != result.is_blood_count:
        return "specimen"
    looks_like_nmol = said["unit"] == "umol/L" and result.analyte == "mma" and 40 <= said["value"] <= 5000
    looks_like_g_per_dl = said["unit"] == "g/L" and result.analyte == "haemoglobin" and 0 < said["value"] < 25
    slipped = (looks_like_nmol or looks_like_g_per_dl) and not result.is_confirmed
    return "unit_unconfirmed" if slipped else None


@dataclass(frozen=True)
class Dose:
    """A dose that was given."""

    age_days: int
    minute: int | None
    said: dict[str, Any]

    @property
    def is_therapeutic(self) -> bool:
        """Said to be, or of 100 ug or more where no purpose is noted."""
        purpose = self.said.get("purpose")
        return purpose == "therapeutic" or (purpose is None and self.said["ug"] >= 100)

    def before(self, result: Result) -> bool:
        """Whether it was given before the sample was taken: on one day by the clock, else after."""
        if self.age_days != result.age_days:
            return self.age_days < result.age_days
        return self.minute is not None and result.minute is not None and self.minute < result.minute


class Evidence:
    """What is known of one infant, and the letters that it gives: L, l, H, M, T, C, A."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        own = [result for result in subject.results if result.said["person"] == "infant"]
        self.reported = [result for result in own if unusable(result) is None]
        """Final, from the right specimen, in a unit that is not in doubt."""
        self.usable = [result for result in self.reported if self.not_read(result) is None]
        self.results = [result for result in self.usable if result.age_months < 36]
        """What may decide a class."""

    def of(self, analyte: str) -> list[Result]:
        """Results of an analyte that may decide a class."""
        return [result for result in self.results if result.analyte == analyte]

    def not_read(self, result: Result) -> str | None:
        """Why a reported result does not count: homocysteine where folate is short or creatinine high, unless M."""
        if result.analyte != "homocysteine":
            return None
        near = [r for r in self.reported if abs(r.age_days - result.age_days) <= TOGETHER]
        if any(r.analyte == "mma" and above(r, mma_limit(r.age_months)) for r in near):
            return None
        if any(r.analyte == "folate" and below(r, Decimal("6.8")) for r in near):
            return "folate_low"
        return (
            "creatinine_raised" if any(r.analyte == "creatinine" and r.value > self._upper(r) for r in near) else None
        )

    @staticmethod
    def _upper(creatinine: Result) -> Decimal:
        said = creatinine.said
        return canonical(said["reference_high"], said["loinc"], said["unit"])

    # Letters

    @cached_property
    def deficient(self) -> list[Result]:
        """L."""
        return [r for r in self.of("b12") if below(r, 148)]

    @cached_property
    def low(self) -> list[Result]:
        """l."""
        return [r for r in self.of("b12") if below(r, 148) is False and below(r, 221)]

    @cached_property
    def high_homocysteine(self) -> list[Result]:
        """H."""
        return [r for r in self.of("homocysteine") if below(r, 10) is False]

    @cached_property
    def raised_mma(self) -> list[Result]:
        """M."""
        return [r for r in self.of("mma") if above(r, mma_limit(r.age_months))]

    @cached_property
    def low_holotranscobalamin(self) -> list[Result]:
        """T."""
        return [r for r in self.of("holotranscobalamin") if 2 <= r.age_months < 24 and below(r, 40)]

    def clinical(self, first: int, last: int) -> bool:
        """C: one major or two minor signs seen between two ages in days, and not gone."""
        latest = {}
        for said in sorted(self.subject.of("symptom"), key=lambda said: said["observed"].date):
            if first <= self.subject.age(said["observed"]) <= last:
                latest[said["code"]] = said["status"]
        present = {code for code, status in latest.items() if status == "present"}
        return bool(present & MAJOR) or len(present & MINOR) >= 2

    def anaemic_or_macrocytic(self, first: int, last: int) -> bool:
        """A: anaemia for age, or MCV above 95 fL."""
        return any(
            first <= r.age_days <= last and (self.anaemic(r) if r.analyte == "haemoglobin" else above(r, 95))
            for r in self.results
            if r.is_blood_count
        )

    def anaemic(self, haemoglobin: Result) -> bool | None:
        """Below the cut-off of the age, after the adjustment for elevation; None without a cut-off."""
        cut = haemoglobin_cut_off(haemoglobin.age_months)
        return None if cut is None else below(haemoglobin, cut, shift=self.elevation_adjustment)

    @cached_property
    def elevation_adjustment(self) -> Decimal:
        """What haemoglobin in g/L owes to the site's elevation."""
        metres = Decimal(self.subject.elevation_m)
        return Decimal("0.0056384") * metres + Decimal("0.0000003") * metres**2

    # Treatment

    @cached_property
    def doses(self) -> list[Dose]:
        """Given doses of B12 to the infant, in order."""
        return self._given("infant")

    @cached_property
    def mothers_doses(self) -> list[Dose]:
        """Given therapeutic doses of B12 to the mother."""
        return [dose for dose in self._given("mother") if dose.is_therapeutic]

    def _given(self, person: str) -> list[Dose]:
        found = [
            Dose(self.subject.age(said["given"]), said["given"].minute, said)
            for said in self.subject.of("dose")
            if said["person"] == person and said["status"] == "given" and said["compound"] in B12_COMPOUNDS
        ]
        return sorted(found, key=lambda dose: (dose.age_days, -1 if dose.minute is None else dose.minute))

    @cached_property
    def start(self) -> Dose | None:
        """T0: the infant's first therapeutic dose."""
        return next((dose for dose in self.doses if dose.is_therapeutic), None)

    def exposed(self, result: Result) -> bool:
        """Whether something before the sample may have pushed the marker towards normal."""
        day = result.age_days
        if any(dose.before(result) and day - dose.age_days <= 180 for dose in self.doses):
            return True
        if any(dose.before(result) and day - dose.age_days <= 90 for dose in self.mothers_doses):
            return True
        if any(day - 90 <= at < day for at in self.transfusions):
            return True
        return self.fed_formula(day)

    def fed_formula(self, day: int) -> bool:
        """Whether formula was given in the 90 days before a day; what begins on that day does not come before it."""
        return any(
            said["infant"] in ("formula_only", "mixed")
            and self.subject.age(said["start"]) < day
            and (said.get("end") is None or self.subject.age(said["end"]) >= day - 90)
            for said in self.subject.of("feeding")
        )

    @cached_property
    def transfusions(self) -> list[int]:
        """Ages in days."""
        return [self.subject.age(c["onset"]) for c in self.subject.of("condition") if c["code"] == TRANSFUSION]

    # Class

    def window_end(self, index: int) -> int:
        """The last age in days whose evidence counts for the class."""
        return self.start.age_days + 14 if self.start else index + 30

    def best_class(self, first: int, last: int, index: int, must: int | None = None) -> str | None:
        """Definite, probable, possible or None by the markers between two ages; with `must`, one is of that day."""

        def seen(letter: list[Result]) -> list[Result]:
            return [r for r in letter if first <= r.age_days <= last]

        deficient, low, holo = seen(self.deficient), seen(self.low), seen(self.low_holotranscobalamin)
        homocysteine, mma = seen(self.high_homocysteine), seen(self.raised_mma)
        functional = [*homocysteine, *mma]
        signs = self.clinical(index - 30, self.window_end(index))
        blood = self.anaemic_or_macrocytic(index - 14, self.window_end(index))
        measured = [*self.of("homocysteine"), *self.of("mma")]

        unaccompanied = [r for r in deficient if all(abs(r.age_days - m.age_days) > TOGETHER for m in measured)]

        def together(left: Iterable[Result], right: Iterable[Result]) -> bool:
            return any(
                abs(a.age_days - b.age_days) <= TOGETHER and must in (None, a.age_days, b.age_days)
                for a, b in product(left, right)
            )

        def alone(letter: Iterable[Result]) -> bool:
            return any(must in (None, r.age_days) for r in letter)

        if together(deficient, functional):
            return "definite"
        if (
            together(homocysteine, mma)
            or (together(low, functional) and (signs or blood))
            or together(holo, functional)
            or (signs and alone(unaccompanied))
        ):
            return "probable"
        if alone(deficient) or (signs and alone([*functional, *holo])) or together(low, functional):
            return "possible"
        return None

    @cached_property
    def index(self) -> int | None:
        """The earliest specimen that meets a class, alone or with the markers of the next 14 days."""
        days = sorted({r.age_days for r in self.results})
        return next((day for day in days if self.best_class(day, day + TOGETHER, day, must=day)), None)

    @cached_property
    def first_sign(self) -> int | None:
        """Age in days at which the first sign was seen."""
        seen = [
            self.subject.age(said["observed"])
            for said in self.subject.of("symptom")
            if said["status"] == "present" and said["code"] in MAJOR | MINOR
        ]
        return min(seen, default=None)

    def at_risk_by_feeding(self) -> bool:
        """Breastfed, or the mother eats no meat or fish, or her own B12 is deficient."""
        mothers = [r for r in self.subject.results if r.said["person"] == "mother" and r.analyte == "b12"]
        feeding = self.subject.of("feeding")
        return (
            any(said["infant"] in BREASTFED for said in feeding)
            or any(said.get("mother_diet") in VEGETARIAN for said in feeding)
            or any(below(r, 148) for r in mothers)
        )
