"""What goes wrong on the way, planted in the deliveries: each class at least once, with what it is done to.

How the registry must take them belongs in `truth`.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from b12.demo.statements import Delivery, Moment, Statement

CLASSES = (
    "unit slip",
    "duplicate",
    "conflicting id",
    "correction",
    "correction before its original",
    "retraction before its target",
    "wrong site",
    "refused code",
    "case without enrolment",
    "withdrawn consent",
)
"""Every class of fault that the demonstration promises."""

WITHOUT_CONSENT = ("cph.016",)
"""Infants of the site that needs each family's consent, for whom none was sent."""


def plant(sent: list[Delivery]) -> list[Delivery]:
    """The deliveries with every fault planted, in the order in which they are made."""
    for fault in (
        _no_consent,
        _unit_slips,
        _repeats,
        _conflict,
        _corrections,
        _out_of_order,
        _refused,
        _without_enrolment,
        _withdrawals,
    ):
        sent = fault(sent)
    return sent


def _no_consent(sent: list[Delivery]) -> list[Delivery]:
    return [d for d in sent if not (d.statement.kind == "consent" and d.statement.subject in WITHOUT_CONSENT)]


def _unit_slips(sent: list[Delivery]) -> list[Delivery]:
    """nmol/L typed as umol/L, haemoglobin in g/dL sent as g/L, and a number that no unit saves.

    What stands in a file is asked about by the check, and put right in the next one; what the interface sends is not.
    One number that looks like a slip is true, and the site says so.
    """
    typed = _lab(sent, "A020", "mma")
    slip = replace(typed, statement=typed.statement.but(value=Decimal("480")), fault="unit slip")
    put_right = replace(typed, round=2)
    acid = _lab(sent, "cph.012", "mma")
    in_nmol = _next(acid, acid.statement.but(unit="umol/L", value=Decimal("310"), **_repeated(acid, 5)), days=5)
    blood = _lab(sent, "cph.004", "haemoglobin", last=True)
    in_g_per_dl = blood.statement.but(loinc="718-7", unit="g/L", value=Decimal("11.2"), **_repeated(blood, 30))
    in_g_per_dl = _next(blood, in_g_per_dl, days=30)
    cells = _lab(sent, "cph.006", "mcv", last=True)
    hopeless = _next(cells, cells.statement.but(value=Decimal("9"), **_repeated(cells, 30)), days=30)
    queried = _lab(sent, "cph.011", "mma")
    true = replace(queried, statement=queried.statement.but(unit="umol/L", value=Decimal("44.0")))
    consent = _find(sent, "cph.011", "consent")
    changes = {
        typed: [slip],
        acid: [acid, in_nmol],
        blood: [blood, in_g_per_dl],
        cells: [cells, hopeless],
        queried: [true],
        consent: [consent, _confirmation(true, consent)],
    }
    return [*_swap(sent, changes), put_right]


def _repeated(first: Delivery, days: int) -> dict[str, Moment]:
    return {"collected": _later(first.statement.data["collected"], days)}


def _confirmation(of: Delivery, by: Delivery) -> Delivery:
    """The site's answer that a number is true, written where `by` is."""
    said = {"target_kind": "lab_result", "target_record": of.record}
    said |= {"rule": "mma_nmol_as_umol", "reason": "repeated_measurement"}
    answer = replace(by.statement, kind="confirmation", key=("answer", by.statement.subject, "1"), data=said)
    return replace(by, statement=answer, id=f"{by.id}-a", time=_after(of, 9))


def _repeats(sent: list[Delivery]) -> list[Delivery]:
    """The interface sends twice what it had no answer for; once with another `time`, saying the same."""
    again = _lab(sent, "cph.001", "b12")
    restated = _lab(sent, "cph.002", "b12")
    later = replace(restated, time=_after(restated, days=3), fault="duplicate")
    return _swap(sent, {again: [again, replace(again, fault="duplicate")], restated: [restated, later]})


def _conflict(sent: list[Delivery]) -> list[Delivery]:
    """One id says two things: the numbers of the laboratory's system started over."""
    first = _lab(sent, "cph.005", "folate")
    other = first.statement.but(value=first.statement.data["value"] + 4)
    other = replace(first, statement=other, time=_after(first, days=40))
    return _swap(sent, {first: [replace(first, fault="conflicting id"), replace(other, fault="conflicting id")]})


def _corrections(sent: list[Delivery]) -> list[Delivery]:
    """A number put right: in the corrected files, and by the interface, which repeats the `record`."""
    changes: dict[Delivery, list[Delivery]] = {}
    late: list[Delivery] = []
    for code, analyte, by in (("BLR-004", "haemoglobin", "0.4"), ("A003", "mcv", "-1.5"), ("A012", "b12", "-9")):
        original = _lab(sent, code, analyte)
        corrected = original.statement.but(value=original.statement.data["value"] + Decimal(by))
        late.append(replace(original, statement=corrected, round=2, fault="correction"))
    diet = _find(sent, "BLR-019", "feeding")
    late.append(replace(diet, statement=diet.statement.but(mother_diet="pescatarian"), round=2, fault="correction"))
    lis = _lab(sent, "cph.006", "homocysteine")
    corrected = lis.statement.but(value=lis.statement.data["value"] + Decimal("1.1"), status="corrected")
    changes[lis] = [lis, _said_later(lis, corrected, days=2, fault="correction")]
    return _swap(sent, changes) + late


def _out_of_order(sent: list[Delivery]) -> list[Delivery]:
    """The later statement arrives first: a correction, a retraction, and one that is later revived."""
    first = _lab(sent, "cph.008", "mma")
    corrected = first.statement.but(value=first.statement.data["value"] + Decimal("7.5"), status="corrected")
    correction = _said_later(first, corrected, days=1, fault="correction before its original")
    wrong = _lab(sent, "cph.009", "folate")
    taken_back = _retraction(wrong, days=1, reason="wrong_subject", fault="retraction before its target")
    revived = _lab(sent, "cph.011", "creatinine")
    withdrawn = _retraction(revived, days=1, reason="entered_in_error", fault="retraction before its target")
    again = _said_later(revived, revived.statement.but(value=Decimal("27")), days=2, fault="correction")
    astray = _retraction(
        _lab(sent, "cph.012", "folate"), days=1, reason="source_deleted", fault="retraction before its target"
    )
    astray = replace(astray, statement=astray.statement.but(target_record="lis-never-sent"))
    turned = {first: [correction, first], wrong: [taken_back, wrong], revived: [withdrawn, revived, again]}
    return [*_swap(sent, turned), astray]


def _refused(sent: list[Delivery]) -> list[Delivery]:
    """What the door turns away: another site's event, and codes that cannot be."""
    good = _lab(sent, "cph.004", "b12")
    sign = _find(sent, "cph.001", "symptom")

    def bad(key: str, fault: str, said: Statement = good.statement, **changes: Any) -> Delivery:
        return _next(good, said.but(**changes), key=key, fault=fault)

    return [
        *sent,
        replace(bad("other-site", "wrong site"), source="/sites/SYN02"),
        bad("check-digit", "refused code", loinc="14685-3"),
        bad("whole-blood", "refused code", loinc="16695-9"),
        bad("mass-unit", "refused code", unit="pg/mL"),
        bad("no-sign", "refused code", sign.statement, code="HP:9999999"),
    ]


REFUSALS = {
    "other-site": "wrong_site",
    "check-digit": "loinc_check_digit",
    "whole-blood": "unknown_loinc",
    "mass-unit": "unit_not_for_code",
    "no-sign": "unknown_code",
}
"""The rule that turns each of the bad deliveries away."""


def _without_enrolment(sent: list[Delivery]) -> list[Delivery]:
    """A case whose consent and results arrive, and whose enrolment never does."""
    model, stranger = "cph.007", "cph.099"
    theirs = [d for d in sent if d.statement.subject == model and d.statement.kind in ("consent", "lab_result")]
    return [
        *sent,
        *(
            replace(
                d,
                statement=replace(d.statement, subject=stranger, key=_of(stranger, d.statement.key)),
                id=f"{d.id}-x",
                fault="case without enrolment",
            )
            for d in theirs
        ),
    ]


def _of(subject: str, key: tuple[str, ...]) -> tuple[str, ...]:
    """The same key for another subject, whose code every second part begins with."""
    return key[0], subject + key[1].removeprefix("cph.007"), *key[2:]


def _withdrawals(sent: list[Delivery]) -> list[Delivery]:
    """Families who withdraw: at a site that needs consent, there for imaging alone, and where consent is attested."""
    everything = ("blood", "development", "imaging", "mother", "sharing")
    by_event = [
        replace(given, statement=_withdrawal(given.statement, scopes), id=f"{given.id}-w", time=_after(given, days=150))
        for given, scopes in (
            (_find(sent, "cph.015", "consent"), everything),
            (_find(sent, "cph.014", "consent"), ("imaging",)),
        )
    ]
    by_file = Delivery(_withdrawal(_find(sent, "BLR-018", "enrolment").statement, everything), "push")
    return [*sent, *(replace(withdrawn, fault="withdrawn consent") for withdrawn in (*by_event, by_file))]


def _withdrawal(known: Statement, scopes: tuple[str, ...]) -> Statement:
    since = known.data.get("effective") or known.data["enrolled"]
    return replace(
        known,
        kind="consent",
        key=("consent", known.subject, "2"),
        data={"scopes": scopes, "status": "withdrawn", "effective": _later(since, 150)},
    )


def _find(sent: Iterable[Delivery], subject: str, kind: str, but: Callable[[Delivery], bool] = bool) -> Delivery:
    return next(d for d in sent if d.statement.subject == subject and d.statement.kind == kind and but(d))


def _lab(sent: list[Delivery], subject: str, analyte: str, *, last: bool = False) -> Delivery:
    """The infant's first (or last) result of an analyte."""
    return _find(reversed(sent) if last else sent, subject, "lab_result", lambda d: d.statement.key[0] == analyte)


def _swap(sent: list[Delivery], changes: dict[Delivery, list[Delivery]]) -> list[Delivery]:
    return [after for delivery in sent for after in changes.get(delivery, [delivery])]


def _after(delivery: Delivery, days: int) -> Any:
    return delivery.time + timedelta(days=days) if delivery.time else None


def _later(moment: Moment, days: int) -> Moment:
    return Moment(moment.date + timedelta(days=days))


def _next(
    after: Delivery, statement: Statement, *, key: str = "slip", days: int = 0, fault: str = "unit slip"
) -> Delivery:
    """A delivery of a record of its own."""
    said = replace(statement, key=(*statement.key, key))
    return replace(after, statement=said, id=f"{after.id}-{key}", time=_after(after, days), fault=fault)


def _said_later(first: Delivery, statement: Statement, *, days: int, fault: str) -> Delivery:
    """A later statement of the same record."""
    return replace(first, statement=statement, id=f"{first.id}-v{days + 1}", time=_after(first, days), fault=fault)


def _retraction(target: Delivery, *, days: int, reason: str, fault: str) -> Delivery:
    said = Statement(
        target.statement.site,
        target.statement.subject,
        "retraction",
        ("retraction", *target.statement.key),
        {"target_kind": target.statement.kind, "target_record": target.record, "reason": reason},
    )
    return replace(target, statement=said, id=f"{target.id}-r", time=_after(target, days), fault=fault)
