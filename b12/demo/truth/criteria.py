"""What is known of each criterion wherever a class may be reached, by the definitions' text.

Which classes that gives, and what others lack, belongs in `reasons`.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

from b12.demo.truth.core import key_of
from b12.demo.truth.evidence import BREASTFED, MAJOR, MINOR, TOGETHER, VEGETARIAN, Evidence, below
from b12.demo.truth.keys import Key, Ordered
from b12.demo.truth.markers import record_of, tests
from b12.demo.truth.records import Result, Subject, months

ANCHORS = ("b12_deficient", "b12_low", "homocysteine_raised", "mma_raised", "holotranscobalamin_low")
BLOOD = ("anaemia", "macrocytosis")
MARKER = (*ANCHORS, "functional_usable", *BLOOD, "signs")
SIGN = ("signs", "breastfed", "mother_vegetarian", "mother_b12_deficient", "marker_evidence")
SUBJECT = ("infant", "eligible_age", "excluding_condition", "unexposed_b12_not_deficient")
EXCLUDING = {"ICD10:D51.1", "ICD10:D51.2", "ICD10:E71.1", "ICD10:E72.1"}

Dated = Sequence[tuple[int, Key]]
"""Records with the ages in days by which they are ordered."""


class Place(NamedTuple):
    """Where a class may be reached: at a specimen in a span that begins at one, at a sign, or for the subject."""

    basis: str
    index: int | None = None
    anchor: int | None = None
    end: int | None = None
    is_after_treatment: bool = False


class Found(NamedTuple):
    """What is known of a criterion at a place."""

    state: str
    records: Dated = ()
    is_at_anchor: bool = False
    is_by_key: bool = False
    """The records are in the order of their keys alone."""

    @property
    def record_keys(self) -> Ordered:
        """As a release lists them."""
        return Ordered.of(key for _, key in self.records) if self.is_by_key else Ordered.dated(self.records)


def state(*, met: bool, denied: bool) -> str:
    """True as soon as something meets a criterion, false where something denies it, else unknown."""
    return "true" if met else "false" if denied else "unknown"


class Criteria:
    """Everything that decides the class of one subject."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.subject: Subject = evidence.subject

    # Places

    @cached_property
    def places(self) -> list[Place]:
        """Every place."""
        days = sorted({r.age_days for name in ANCHORS for r in self.saying(name, state=True)})
        found = [Place("subject")]
        for index in days:
            end, is_after = self._span(index)
            found += [Place("marker", index, day, end, is_after) for day in days if index <= day <= end]
        for index in sorted({day for day, age, *_ in self._sights if age < 36}):
            found.append(Place("sign", index, index, *self._span(index)))
        return found

    def _span(self, index: int) -> tuple[int, bool]:
        """The last day that counts: 14 days after the first dose; 30 after an index that nothing or only what is over
        precedes.
        """
        start = self.evidence.start
        is_after = start is not None and index > start.age_days + 14
        return (start.age_days + 14 if start and not is_after else index + 30), is_after

    @cached_property
    def _sights(self) -> list[tuple[int, int, str, int | None, Key]]:
        """Age in days and months, sign, age in days at which it was next found gone, and record."""
        seen = [(by, by.statement.data) for by in self.subject.by("symptom")]
        absent = [(said["code"], self.subject.age(said["observed"])) for _, said in seen if said["status"] != "present"]
        found = []
        for by, said in seen:
            day = self.subject.age(said["observed"])
            if said["status"] == "present":
                gone = min((at for code, at in absent if code == said["code"] and at > day), default=None)
                age = months(self.subject.birth, said["observed"].date)
                found.append((day, age, said["code"], gone, Key("record", self.subject.site, by.record)))
        return found

    # Markers

    def saying(self, criterion: str, *, state: bool) -> list[Result]:
        """Results that meet a criterion; or that deny it, of those that nothing given before can have pushed."""
        return [
            result
            for result in self.evidence.results
            if (reading := tests(self.evidence, result).get(criterion))
            and reading.state is state
            and (state or not self.evidence.exposed(result))
        ]

    def _between(self, criteria: Iterable[str], first: int, last: int) -> tuple[list[Result], list[Result]]:
        """Results between two ages that meet one of the criteria, and that deny one."""
        of = list(criteria)
        return (
            [r for name in of for r in self.saying(name, state=True) if first <= r.age_days <= last],
            [r for name in of for r in self.saying(name, state=False) if first <= r.age_days <= last],
        )

    def at(self, place: Place) -> dict[str, Found]:
        """Every criterion at a place."""
        if place.basis == "subject":
            return self._of_subject()
        index, anchor, end = place.index, place.anchor, place.end
        assert index is not None and anchor is not None and end is not None  # noqa: S101, PT018  # as of every specimen and sign
        if place.basis == "sign":
            return {"signs": self._signs(index, end), **self._reasons(end), "marker_evidence": self._told(index, end)}
        found = {"signs": self._signs(index, end), "functional_usable": self._functional(anchor, end)}
        for name in (*ANCHORS, *BLOOD):
            first, last = (anchor, min(anchor + TOGETHER, end)) if name in ANCHORS else (index - 14, end)
            met, denied = self._between([name], first, last)
            is_there = name in ANCHORS and any(r.age_days == anchor for r in met)
            found[name] = Found(state(met=bool(met), denied=bool(denied)), _dated(met), is_there)
        return found

    def _functional(self, anchor: int, end: int) -> Found:
        near = [
            result
            for result in self.functional
            if abs(result.age_days - anchor) <= TOGETHER
            and result.age_days <= end
            and any(reading.state is not None for name, reading in self._read(result) if name in ANCHORS)
        ]
        return Found("true" if near else "false", _dated(near))

    @property
    def functional(self) -> list[Result]:
        """Homocysteine and MMA that may decide a class."""
        return [*self.evidence.of("homocysteine"), *self.evidence.of("mma")]

    def _read(self, result: Result) -> Iterable[tuple[str, object]]:
        return tests(self.evidence, result).items()

    def _told(self, index: int, end: int) -> Found:
        """Whether any marker tells, around a sign."""
        met, denied = self._between(ANCHORS, index - 30, end)
        records = sorted(set(_dated([*met, *denied])))
        return Found(state(met=bool(met), denied=bool(denied)), records, is_by_key=True)

    # Signs, feeding and the mother

    def _signs(self, index: int, end: int) -> Found:
        counted = [
            (code, day, key)
            for day, _, code, gone, key in self._sights
            if index - 30 <= day <= end and (day >= index or gone is None or gone > index)
        ]
        major = [each for each in counted if each[0] in MAJOR]
        minor = [each for each in counted if each[0] in MINOR]
        enough = [(0, major)] if major else []
        enough += [(1, minor)] if len({code for code, *_ in minor}) >= 2 else []
        # Those of the major signs stand first.
        records = [(order * 10_000 + day, key) for order, seen in enough for _, day, key in seen]
        return Found(state(met=bool(enough), denied=bool(counted)), records)

    def _reasons(self, end: int) -> dict[str, Found]:
        site = self.subject.site
        fed = [(by, by.statement.data) for by in self.subject.by("feeding")]
        dated = [(self.subject.age(said["start"]), Key("record", site, by.record), said) for by, said in fed]
        dated = [each for each in dated if each[0] <= end]
        mothers = [r for r in self.subject.results if r.said["person"] == "mother" and r.analyte == "b12"]
        hers = [(r.age_days, record_of(r), below(r, 148)) for r in mothers if r.age_days <= end]
        asked = {
            "breastfed": [(day, key, said["infant"] in BREASTFED) for day, key, said in dated],
            "mother_vegetarian": [
                (day, key, said["mother_diet"] in VEGETARIAN) for day, key, said in dated if said.get("mother_diet")
            ],
            "mother_b12_deficient": [each for each in hers if each[2] is not None],
        }
        return {
            name: Found(
                state(met=any(is_so for *_, is_so in told), denied=bool(told)),
                [(day, key) for day, key, is_so in told if is_so],
            )
            for name, told in asked.items()
        }

    # The subject

    def _of_subject(self) -> dict[str, Found]:
        subject = self.subject
        young = [r.age_months for r in subject.results if r.said["person"] == "infant"]
        young += [age for _, age, *_ in self._sights]
        enrolled = subject.age(subject.enrolment["enrolled"])
        is_young = enrolled < 1096 or any(age < 36 for age in young)
        excluding = [
            (0, Key("record", subject.site, by.record))
            for by in subject.by("condition")
            if by.statement.data["category"] == "exclusion"
            or (by.statement.data["code"] in EXCLUDING and by.statement.data["category"] != "procedure")
        ]
        deficient, enough = (self.saying("b12_deficient", state=told) for told in (True, False))
        is_infant = subject.enrolment["person"] == "infant"
        return {
            "infant": Found(str(is_infant).lower()),
            "eligible_age": Found(str(is_young).lower()),
            "excluding_condition": Found(str(bool(excluding)).lower(), excluding),
            "unexposed_b12_not_deficient": Found(
                "true" if enough else "false" if deficient else "unknown", _dated(enough)
            ),
        }

    # Without a specimen that is abnormal

    def altogether(self) -> dict[str, Found]:
        """What is known of markers and signs whenever they were."""
        found = {"functional_usable": Found("true" if self.functional else "false")}
        for name in (*ANCHORS, *BLOOD):
            told = [bool(self.saying(name, state=is_so)) for is_so in (True, False)]
            found[name] = Found(state(met=told[0], denied=told[1]))
        signs = {self.at(place)["signs"].state for place in self.places if place.basis == "sign"}
        found["signs"] = Found(state(met="true" in signs, denied="false" in signs))
        return found


def _dated(results: Iterable[Result]) -> Dated:
    return [(result.age_days, record_of(result)) for result in results]


def who(criteria: Criteria) -> dict[str, object]:
    """Whose."""
    return {"subject_key": key_of(criteria.subject)}
