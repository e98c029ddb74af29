"""What looking again and again tells of milestones, by the definitions' text: when each came, went and came back.

Every infant, treated or not. Whether that is recovery is in `signs`.
"""

from collections import defaultdict
from decimal import Decimal
from typing import NamedTuple

from b12.demo.statements import Delivery
from b12.demo.truth.core import Row, enrolled, key_of
from b12.demo.truth.evidence import Evidence
from b12.demo.truth.keys import Key
from b12.demo.truth.records import Subject, months

_MONTH = Decimal("30.4375")

WHO, CDC, DENVER = "who_2006", "cdc_2022", "denver_jimma"
CENTILE = {WHO: 99, CDC: 75, DENVER: 90}
"""The share of children, in per cent, who have attained a milestone at the limit of a scale."""

# Area, and the limit of each scale in months; what was read nowhere ends in (v).
MILESTONES: dict[str, tuple[str, dict[str, str]]] = {
    "sitting_without_support": ("gross_motor", {WHO: "9.2", CDC: "9 (v)"}),
    "standing_with_assistance": ("gross_motor", {WHO: "11.4"}),
    "hands_and_knees_crawling": ("gross_motor", {WHO: "13.5"}),
    "walking_with_assistance": ("gross_motor", {WHO: "13.7"}),
    "standing_alone": ("gross_motor", {WHO: "16.9"}),
    "walking_alone": ("gross_motor", {WHO: "17.6", CDC: "18"}),
    "social_smile": ("social", {CDC: "2", DENVER: "1.6"}),
    "spontaneous_smile": ("social", {DENVER: "1.9"}),
    "smiles_for_attention": ("social", {CDC: "4"}),
    "head_up_prone": ("gross_motor", {CDC: "2"}),
    "head_control": ("gross_motor", {CDC: "4"}),
    "rolling": ("gross_motor", {CDC: "6"}),
    "pulls_to_stand": ("gross_motor", {CDC: "12 (v)"}),
    "first_steps": ("gross_motor", {CDC: "15"}),
    "hands_together": ("fine_motor", {DENVER: "4.3"}),
    "reaching": ("fine_motor", {DENVER: "5.6"}),
    "thumb_finger_grasp": ("fine_motor", {DENVER: "9.9"}),
    "cooing": ("language", {CDC: "4"}),
    "laughing": ("social", {CDC: "6"}),
    "squealing": ("language", {CDC: "6"}),
    "babbling": ("language", {CDC: "9 (v)"}),
    "waving": ("social", {CDC: "12 (v)", DENVER: "13.6"}),
}

_WEIGHT = ("not_yet", "emerging", "achieved", "regained", "lost")
"""Of several words for one milestone on one day the last counts."""

Found = dict[int, str]
"""Age in days, and the word for what was found."""


class Milestone(NamedTuple):
    """Everything that was seen of one milestone of one infant."""

    evidence: Evidence
    code: str
    by: dict[int, Delivery]
    """Age in days, and the report that counts."""
    recalled: dict[int, int | None]
    """The age at which it is said to have come, by the day on which that was said."""

    @property
    def subject(self) -> Subject:
        """The infant."""
        return self.evidence.subject

    @property
    def found(self) -> Found:
        """How each look found it."""
        return {day: by.statement.data["status"] for day, by in self.by.items()}

    @property
    def interval(self) -> tuple[int, int] | tuple[None, None]:
        """After which age and by which it was attained."""
        had = [day for day in sorted(self.by) if self.found[day] in ("achieved", "regained", "lost")]
        return (max((day for day in self.by if day < had[0]), default=0), had[0]) if had else (None, None)

    def study_day(self, age: int | None) -> int | None:
        """From the first dose."""
        start = self.evidence.start
        return age - start.age_days if start and age is not None else None

    def record(self, day: int) -> Key:
        """Of the report that counts."""
        return Key("record", self.subject.site, self.by[day].record)


def tables(evidence: Evidence) -> dict[str, list[Row]]:
    """Looks, states, attainment and losses of the milestones of one infant."""
    seen = _seen(evidence)
    found: dict[str, list[Row]] = {
        "research.milestone_looks": [_look(each, day) for each in seen.values() for day in sorted(each.by)],
        "research.milestone_losses": [row for each in seen.values() for row in _losses(each)],
    }
    states = [row for each in seen.values() for day in sorted(each.by) for row in _states(each, day)]
    asked = MILESTONES if evidence.subject.enrolment["person"] == "infant" else seen
    attained = [_attainment(seen[code]) if code in seen else _unseen(evidence.subject, code) for code in asked]
    return found | {"research.milestone_states": states, "research.milestone_attainment": attained}


def _seen(evidence: Evidence) -> dict[str, Milestone]:
    subject = evidence.subject
    found: dict[str, Milestone] = {}
    recalled: dict[tuple[str, int], list[int]] = defaultdict(list)
    for by in subject.by("milestone"):
        said = by.statement.data
        code, day = said["code"], subject.age(said["observed"])
        of = found.setdefault(code, Milestone(evidence, code, {}, {}))
        of.by[day] = max(of.by.get(day, by), by, key=lambda by: _WEIGHT.index(by.statement.data["status"]))
        if said.get("attained"):
            recalled[code, day].append(subject.age(said["attained"]))
        of.recalled[day] = min(recalled[code, day], default=None)
    return found


def _of(milestone: Milestone) -> Row:
    return {"subject_key": key_of(milestone.subject), "site": milestone.subject.site, "code": milestone.code}


def _state(found: Found) -> str:
    """How the last look found it."""
    days = sorted(found)
    last = found[days[-1]]
    if last == "lost" or (last in ("not_yet", "emerging") and any(end is None for _, end in _spans(found))):
        return "lost"
    if last in ("not_yet", "emerging"):
        return "contradicted" if {"achieved", "regained"} & set(found.values()) else "not_yet"
    return "regained" if "lost" in found.values() or last == "regained" else "attained"


def _spans(found: Found) -> list[tuple[int, int | None]]:
    """Each loss: the day it was found, and the day on which it was there again."""
    spans: list[tuple[int, int | None]] = []
    for day in sorted(found):
        is_open = bool(spans) and spans[-1][1] is None
        if found[day] == "lost" and not is_open:
            spans.append((day, None))
        elif found[day] in ("achieved", "regained") and is_open:
            spans[-1] = (spans[-1][0], day)
    return spans


def _until(milestone: Milestone, day: int) -> Found:
    """What was found up to a day."""
    return {age: status for age, status in milestone.found.items() if age <= day}


# Looks, and what they are against the scales


def _look(milestone: Milestone, day: int) -> Row:
    subject, said = milestone.subject, milestone.by[day].statement.data
    about = enrolled(subject, subject.birth)
    before = {age: status for age, status in milestone.found.items() if age < day}
    held = [age for age, status in before.items() if status in ("achieved", "regained")]
    after, by = milestone.interval
    age_months = months(subject.birth, said["observed"].date)
    return {
        **_of(milestone),
        "age_days": day,
        "age_months": age_months,
        "corrected_age_days": _less(day, about["age_correction_days"]),
        "age_used": "gestation_unknown"
        if about["is_preterm"] is None
        else "corrected"
        if about["is_preterm"] and age_months < 24
        else "chronological",
        "study_day": milestone.study_day(day),
        "status": said["status"],
        "state": _state(_until(milestone, day)),
        "was_lost": any(end is None for _, end in _spans(before)),
        "last_held_age_days": max(held, default=None),
        "attained_after_age_days": after,
        "attained_by_age_days": by,
        "recalled_age_days": milestone.recalled[day],
        "observed_precision": said["observed"].precision,
        "record_key": milestone.record(day),
    }


def _states(milestone: Milestone, day: int) -> list[Row]:
    look = _look(milestone, day)
    # Every limit lies below 24 months, up to which age is corrected: a preterm infant has so many days more.
    later = enrolled(milestone.subject, milestone.subject.birth)["age_correction_days"] or 0
    rows = []
    for scale, text in MILESTONES[milestone.code][1].items():
        published = Decimal(text.removesuffix(" (v)"))
        limit = published * _MONTH + later
        is_late = look["state"] == "not_yet" and day > limit
        rows.append(
            {
                **{name: value for name, value in look.items() if name in _SHARED},
                "scale": scale,
                "state": "not_yet_past_limit" if is_late else _against(look, limit),
                "is_referral_flag": is_late and scale == WHO,
                "limit_centile": CENTILE[scale],
                "published_limit_mo": published,
                "age_limit_d": limit,
                "limit_status": "unverified" if text.endswith("(v)") else "cited",
            }
        )
    return rows


_SHARED = ("subject_key", "site", "code", "age_days", "age_months", "corrected_age_days", "age_used", "study_day")
_SHARED += ("status", "attained_after_age_days", "attained_by_age_days", "record_key")


def _against(look: Row, limit: Decimal) -> str:
    if look["state"] != "attained":
        return str(look["state"])
    if look["attained_by_age_days"] <= limit:
        return "on_time"
    return "late" if look["attained_after_age_days"] >= limit else "undecided"


# Attainment and loss


def _attainment(milestone: Milestone) -> Row:
    found, (after, by) = milestone.found, milestone.interval
    correction = enrolled(milestone.subject, milestone.subject.birth)["age_correction_days"]
    return {
        **_of(milestone),
        "area": MILESTONES[milestone.code][0],
        "state": _state(found),
        "attained_after_age_days": after,
        "attained_by_age_days": by,
        "attained_after_corrected_age_days": 0 if after == 0 else _less(after, correction),
        "attained_by_corrected_age_days": _less(by, correction),
        "first_status": None if by is None else found[by],
        "recalled_age_days": min((age for age in milestone.recalled.values() if age is not None), default=None),
        "looks": len(found),
        "first_look_age_days": min(found),
        "last_look_age_days": max(found),
        "losses": len(_spans(found)),
        "contradictions": sum(_state(_until(milestone, day)) == "contradicted" for day in found),
    }


def _unseen(subject: Subject, code: str) -> Row:
    empty = ("attained_after_age_days", "attained_by_age_days", "attained_after_corrected_age_days")
    empty += ("attained_by_corrected_age_days", "first_status", "recalled_age_days")
    return {
        "subject_key": key_of(subject),
        "site": subject.site,
        "code": code,
        "area": MILESTONES[code][0],
        "state": "not_observed",
        **dict.fromkeys((*empty, "first_look_age_days", "last_look_age_days")),
        **dict.fromkeys(("looks", "losses", "contradictions"), 0),
    }


def _less(age: int | None, correction: int | None) -> int | None:
    return None if age is None or correction is None else age - correction


def _losses(milestone: Milestone) -> list[Row]:
    found = milestone.found
    held = [day for day, status in found.items() if status in ("achieved", "regained")]
    return [
        {
            **_of(milestone),
            "state": "lost" if back is None else "regained",
            "lost_after_age_days": max((day for day in held if day < lost), default=None),
            "lost_by_age_days": lost,
            "lost_by_study_day": milestone.study_day(lost),
            "regained_after_age_days": max(day for day in found if lost <= day and (back is None or day < back)),
            "regained_by_age_days": back,
            "regained_by_study_day": milestone.study_day(back),
            "record_key": milestone.record(lost),
        }
        for lost, back in _spans(found)
    ]
