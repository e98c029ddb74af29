"""All that was said of a subject and its mother, in the order of ages, by what the table promises."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from b12.demo.partners import PARTNERS
from b12.demo.statements import Delivery, Moment
from b12.demo.truth.core import Row, family_of, key_of
from b12.demo.truth.evidence import Evidence, unusable
from b12.demo.truth.keys import Key
from b12.demo.truth.records import CANONICAL, Subject

SCOPES = {"blood", "development", "imaging", "mother", "sharing"}
REASONS = {
    "superseded": "newer_version",
    "retracted": "taken_back",
    "conflict": "id_used_twice",
    "held": "no_target",
    "quarantined": "mcv_impossible",
}
"""Why something is left out that is told all the same, as the cohort has it."""


def rows(evidence: Evidence, deliveries: Sequence[Delivery], verdicts: Sequence[str]) -> list[Row]:
    """What is included with its ages, and what is not with its verdict."""
    subject = evidence.subject
    found = [_row(evidence, **said) for said in _included(subject)]
    return found + [_row(evidence, **said) for said in _left_out(subject, zip(deliveries, verdicts, strict=True))]


def _row(evidence: Evidence, **said: Any) -> Row:
    subject = evidence.subject
    empty = ("status", "detail", "value", "unit", "comparator", "age_days", "end_age_days", "minute_of_day")
    row: Row = {
        "subject_key": key_of(subject),
        "family_key": family_of(subject),
        "site": subject.site,
        **dict.fromkeys((*empty, "date_precision", "study_day", "reason", "unusable_reason")),
        "verdict": "included",
        **said,
    }
    row["person"] = said.get("person") or subject.enrolment["person"]
    if row["age_days"] is not None and evidence.start is not None:
        row["study_day"] = row["age_days"] - evidence.start.age_days
    return row


def _at(subject: Subject, moment: Moment, end: Moment | None = None) -> Row:
    ages = {"age_days": subject.age(moment), "end_age_days": subject.age(end)}
    return ages | {"minute_of_day": moment.minute, "date_precision": moment.precision}


def _included(subject: Subject) -> Iterator[Row]:
    for by in subject.deliveries:
        kind, said = by.statement.kind, by.statement.data
        if kind == "lab_result":
            continue
        for what in _WHAT[kind](said):
            when = said.get(_WHEN.get(kind, "")) or said.get("scheduled")
            end = said.get({"feeding": "end", "condition": "resolved"}.get(kind, ""))
            at = _at(subject, when, end) if when else {}
            person = said.get("person") if kind in ("enrolment", "dose", "condition") else None
            yield {"kind": kind, "record_key": Key("record", subject.site, by.record), "person": person, **at, **what}
    for result in subject.results:
        said = result.said
        shared = {"kind": "lab_result", "person": said["person"], "what": result.analyte}
        shared |= {"comparator": result.comparator, "unusable_reason": unusable(result)}
        shared |= _at(subject, said["collected"])
        yield {
            **shared,
            "record_key": Key("record", subject.site, result.by.record),
            "detail": said["specimen"],
            "value": result.value,
            "unit": CANONICAL[result.analyte],
        }
        if result.also:
            again = result.also.statement.data
            yield {
                **shared,
                "record_key": Key("record", subject.site, result.also.record),
                "detail": "second_report",
                "value": again["value"],
                "unit": again["unit"],
            }


_WHEN = {
    "enrolment": "enrolled",
    "dose": "given",
    "feeding": "start",
    "milestone": "observed",
    "assessment": "assessed",
    "symptom": "observed",
    "condition": "onset",
    "growth": "measured",
    "imaging": "scanned",
    "status": "effective",
    "consent": "effective",
}
"""Which of its days an event stands at."""


def _growth(said: Row) -> Iterator[Row]:
    yield {"what": "weight", "value": said["weight_g"], "unit": "g"}
    yield {"what": "length", "value": said["length_cm"], "unit": "cm", "detail": said["position"]}
    yield {"what": "head_circumference", "value": said["head_circumference_cm"], "unit": "cm"}


def _imaging(said: Row) -> Iterator[Row]:
    is_fa = said["metric"] == "fa"
    yield {
        "what": ":".join(said[name] for name in ("metric", "region", "side")),
        "detail": said["method"],
        "value": said["value"] / (1 if is_fa else Decimal(1000)),
        "unit": "1" if is_fa else "mm2/s",
    }


def _assessment(said: Row) -> Iterator[Row]:
    scale = ":".join(said[name] for name in ("instrument", "edition", "domain", "score_type"))
    yield {"what": scale, "status": said["status"], "value": said.get("score")}


def _plain(what: str, status: str = "", detail: str = "") -> Any:
    """An event of which three fields are told."""

    def told(said: Row) -> Iterator[Row]:
        yield {"what": said[what], "status": said.get(status), "detail": said.get(detail)}

    return told


def _dose(said: Row) -> Iterator[Row]:
    told = {"what": said["compound"], "status": said["status"], "detail": said.get("purpose")}
    yield told | {"value": said.get("ug"), "unit": "ug"}


def _consent(said: Row) -> Iterator[Row]:
    yield {"what": "+".join(sorted(said["scopes"])), "status": said["status"]}


_WHAT: dict[str, Any] = {
    "enrolment": _plain("group", "route"),
    "dose": _dose,
    "feeding": _plain("infant", detail="mother_diet"),
    "milestone": _plain("code", "status", "source"),
    "assessment": _assessment,
    "symptom": _plain("code", "status", "severity"),
    "condition": _plain("code", "category"),
    "growth": _growth,
    "imaging": _imaging,
    "status": _plain("state"),
    "consent": _consent,
    "confirmation": _plain("rule", detail="reason"),
    "retraction": _plain("target_kind", detail="reason"),
}


def _left_out(subject: Subject, judged: Iterable[tuple[Delivery, str]]) -> Iterator[Row]:
    """Not of a subject whose family's consent bars anything; what says the same again is no event of its own."""
    if _is_barred(subject):
        return
    told = set()
    for delivery, verdict in judged:
        said = delivery.statement
        is_of = (said.site, said.subject) == (subject.site, subject.code)
        if is_of and verdict not in ("included", "refused", "duplicate"):
            told.add((said.kind, delivery.record, said.data.get("person"), verdict))
    for kind, record, person, verdict in told:
        key = Key("record", subject.site, record)
        about = {"kind": kind, "record_key": key, "person": person, "what": kind}
        yield about | {"verdict": verdict, "reason": REASONS[verdict]}


def _is_barred(subject: Subject) -> bool:
    consents = sorted(subject.of("consent"), key=lambda said: (said["effective"], said["status"]))
    status: dict[str, str] = {}
    for said in consents:
        status.update(dict.fromkeys(said["scopes"], said["status"]))
    asked = SCOPES if PARTNERS[subject.site].consent_basis == "per_subject" else set(status)
    return any(status.get(scope) != "given" for scope in asked)
