"""The verdict of every delivery: what was said once, said again, put right, taken back or withdrawn."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

from b12.demo.faults import REFUSALS
from b12.demo.partners import PARTNERS
from b12.demo.statements import Delivery

Version = tuple[datetime, int, str]


def verdicts(deliveries: Sequence[Delivery]) -> list[str]:
    """One verdict per delivery, in the same order."""
    found: dict[int, str] = {n: "refused" for n, delivery in enumerate(deliveries) if refusal(delivery)}
    accepted = [n for n in range(len(deliveries)) if n not in found]
    current = _identity(deliveries, accepted, found)
    _subjects(deliveries, current, found)
    return [found.get(n, "included") for n in range(len(deliveries))]


def refusal(delivery: Delivery) -> str | None:
    """The rule with which the door turns the delivery away."""
    return REFUSALS.get(delivery.statement.key[-1]) if delivery.fault else None


def _identity(deliveries: Sequence[Delivery], accepted: Sequence[int], found: dict[int, str]) -> list[int]:
    """Settles ids, then records; what is left is current."""
    by_id: dict[tuple[str, object], list[int]] = defaultdict(list)
    for n in accepted:
        by_id[deliveries[n].statement.site, _id(deliveries[n])].append(n)

    statements = []
    for same_id in by_id.values():
        contents = _groups(deliveries, same_id)
        for same in contents:
            latest = max(same, key=lambda n: _time(deliveries[n]))
            found.update(dict.fromkeys((n for n in same if n != latest), "duplicate"))
            if len(contents) == 1:
                statements.append(latest)
            else:
                found[latest] = "conflict"

    by_record: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for n in statements:
        by_record[_about(deliveries[n])].append(n)
    current = []
    for versions in by_record.values():
        versions.sort(key=lambda n: _version(deliveries[n]))
        retractions = [n for n in versions if deliveries[n].statement.kind == "retraction"]
        for n in versions:
            is_retraction = n in retractions
            if not is_retraction and retractions and versions.index(n) < versions.index(retractions[-1]):
                found[n] = "retracted"
            elif is_retraction and len(retractions) == len(versions):
                found[n] = "held"
            elif n != versions[-1]:
                found[n] = "superseded"
            else:
                current.append(n)
    return current


def _subjects(deliveries: Sequence[Delivery], current: Sequence[int], found: dict[int, str]) -> None:
    """Who consented, what no rule can save, and who is enrolled: asked in this order."""
    by_subject: dict[tuple[str, str], list[int]] = defaultdict(list)
    for n in current:
        by_subject[deliveries[n].statement.site, deliveries[n].statement.subject].append(n)
    for (site, _), theirs in by_subject.items():
        consents = [deliveries[n] for n in theirs if deliveries[n].statement.kind == "consent"]
        enrolled = any(deliveries[n].statement.kind == "enrolment" for n in theirs)
        status = _consented(consents)
        for n in theirs:
            said = deliveries[n].statement
            if said.kind in ASK_NOTHING:
                continue
            needed = {"mother" if said.data.get("person") == "mother" else SCOPES[said.kind], "blood", "sharing"}
            if any(status.get(scope) == "withdrawn" for scope in needed):
                found[n] = "withdrawn"
            elif PARTNERS[site].consent_basis == "per_subject" and not all(scope in status for scope in needed):
                found[n] = "held"
            elif _impossible(deliveries[n]):
                found[n] = "quarantined"
            elif not enrolled:
                found[n] = "held"


SCOPES = {
    "enrolment": "blood",
    "lab_result": "blood",
    "dose": "blood",
    "feeding": "blood",
    "growth": "blood",
    "condition": "blood",
    "status": "blood",
    "milestone": "development",
    "assessment": "development",
    "symptom": "development",
    "imaging": "imaging",
}
"""What a family must have agreed to; being in the registry at all needs `blood` and `sharing`."""

ASK_NOTHING = {"consent", "confirmation", "acknowledgement", "retraction"}


def _consented(consents: Sequence[Delivery]) -> dict[str, str]:
    """The latest word on each scope; on one day the withdrawal."""
    status = {}
    for said in sorted((d.statement.data for d in consents), key=lambda said: (said["effective"], said["status"])):
        status.update(dict.fromkeys(said["scopes"], said["status"]))
    return status


def _impossible(delivery: Delivery) -> bool:
    """Outside the hard bounds: of all that is sent here, an MCV that is no MCV in any unit."""
    said = delivery.statement.data
    return said.get("loinc") == "787-2" and not 40 <= said["value"] <= 150


def _id(delivery: Delivery) -> object:
    """The sender's id, or, where the push makes it from the content, the content."""
    return delivery.id or (delivery.statement.kind, delivery.record, _content(delivery))


def _content(delivery: Delivery) -> str:
    """Everything that is said but `id` and `time`; 1.0 says the same as 1."""
    said = delivery.statement
    values = {
        name: value.normalize() if hasattr(value, "normalize") else value for name, value in sorted(said.data.items())
    }
    return repr((said.kind, said.subject, delivery.record, values))


def _groups(deliveries: Sequence[Delivery], numbers: Sequence[int]) -> list[list[int]]:
    groups: dict[str, list[int]] = defaultdict(list)
    for n in numbers:
        groups[_content(deliveries[n])].append(n)
    return list(groups.values())


def _about(delivery: Delivery) -> tuple[str, str, str]:
    """The record that a delivery is a version of: a retraction is one of its target's."""
    said = delivery.statement
    if said.kind == "retraction":
        return said.site, said.data["target_kind"], said.data["target_record"]
    return said.site, said.kind, delivery.record


def _time(delivery: Delivery) -> datetime:
    return delivery.time or datetime.min.replace(tzinfo=UTC)


def _version(delivery: Delivery) -> Version:
    return _time(delivery), delivery.round, str(_id(delivery))
