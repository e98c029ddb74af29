"""Who is a case, by the definitions' text: the class, and the days that it rests on."""

from dataclasses import dataclass

from b12.demo.truth.evidence import Evidence, below, unusable
from b12.demo.truth.records import Subject, months

CLASSES = ("definite", "probable", "possible", "suspected", "none", "not_assessable", "not_eligible")


@dataclass(frozen=True)
class Case:
    """One subject's answer."""

    case_class: str
    reason: str | None = None
    index_age_days: int | None = None
    end_age_days: int | None = None
    """Last day whose evidence counts for the class."""
    is_low_b12: bool = False
    is_isolated_functional: bool = False

    @property
    def is_case(self) -> bool:
        """Of a class from definite to suspected."""
        return CLASSES.index(self.case_class) <= CLASSES.index("suspected")

    @property
    def is_primary(self) -> bool:
        """Definite or probable."""
        return self.case_class in ("definite", "probable")


def case(evidence: Evidence) -> Case:
    """The class of one subject, by the definitions' order: the first that fits."""
    if excluded_by(evidence.subject):
        return Case("not_eligible")
    if evidence.index is not None:
        end = evidence.window_end(evidence.index)
        found = evidence.best_class(evidence.index, end, evidence.index)
        return Case(found or "not_assessable", None, evidence.index, end)
    markers = [r for name in ("b12", "homocysteine", "mma", "holotranscobalamin") for r in evidence.of(name)]
    unexposed = [r for r in markers if not evidence.exposed(r)]
    first = evidence.first_sign
    if first is not None and evidence.at_risk_by_feeding() and not unexposed:
        end = evidence.window_end(first)
        if evidence.clinical(first - 30, end):
            return Case("suspected", None, first, end)
    if any(r.analyte == "b12" and below(r, 148) is False for r in unexposed):
        functional = evidence.high_homocysteine or evidence.raised_mma or evidence.low_holotranscobalamin
        return Case("none", is_low_b12=bool(evidence.low), is_isolated_functional=bool(functional))
    return Case("not_assessable", _why_not(evidence))


def _why_not(evidence: Evidence) -> str:
    """Why B12 does not tell."""
    doubtful = [r for r in evidence.subject.results if r.analyte == "b12" and unusable(r) == "unit_unconfirmed"]
    measured = evidence.of("b12")
    if doubtful:
        return "unit_unconfirmed"
    if any(below(r, 148) is None for r in measured):
        return "censored_undecidable"
    return "baseline_post_dose" if measured else "no_baseline"


def excluded_by(subject: Subject) -> str | None:
    """Why a subject is not eligible: no infant, 36 completed months or more, an inborn error; None when it is."""
    if subject.enrolment["person"] != "infant":
        return "infant"
    if months(subject.birth, subject.enrolment["enrolled"].date) >= 36:
        return "eligible_age"
    is_excluded = any(said["category"] == "exclusion" for said in subject.of("condition"))
    return "excluding_condition" if is_excluded else None
