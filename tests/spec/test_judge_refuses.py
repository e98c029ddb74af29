"""The rules of the door, one by one: what each refuses, where it points, and what it tells the sender to do.

A refusal never repeats what was reported: only `id` and `subject` are given back, for the site's own receipt.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import json

from contracts.events import KINDS
from contracts.judge import MAX_BYTES, Refusal, is_refusal, judge, rules
from contracts.raw import MAX_DEPTH
from contracts.site import Site
from tests.sample_events import event as sample

SITE = Site(id="BLR01", name="A laboratory", country="IN", time_zone="Asia/Kolkata")
CANARY = "Canary7713"
GOOD = sample("lab_result")
SAID = datetime(2026, 3, 16, 2, 42, tzinfo=UTC)


def refused(raw: bytes | None, **others: Any) -> Refusal:
    judged = judge(raw, SITE, **others)
    assert is_refusal(judged), "accepted"
    return judged


def changed(old: bytes, new: bytes, raw: bytes = GOOD) -> bytes:
    assert old in raw
    return raw.replace(old, new)


def without(field: str, kind: str = "lab_result") -> bytes:
    event = json.decode(sample(kind))
    (event if field in event else event["data"]).pop(field)
    return json.encode(event)


def data(kind: str = "lab_result", **fields: Any) -> bytes:
    return sample(kind, data=fields)


REFUSED: dict[str, list[tuple[str, bytes | None]]] = {
    "no_value": [("$", None)],
    "too_large": [("$", GOOD + b" " * MAX_BYTES)],
    "not_utf8": [
        ("$", changed(b"abbott_architect", b"abbott_\xe9")),
        ("$", GOOD.decode().encode("utf-16")),
    ],
    "nested_too_deep": [
        ("$", b'{"a":' * 1000 + b"1" + b"}" * 1000),
        ("$", changed(b'"specversion"', b'"x":' + b"[" * 900 + b"]" * 900 + b',"specversion"')),
        ("$", changed(b"118.5", b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)),
    ],
    "not_json": [
        ("$", b""),
        ("$", b"B12;118.5;pg/mL"),
        ("$", b"\xef\xbb\xbf" + GOOD),
        ("$", GOOD + GOOD),
        ("$", GOOD + b"\0"),
        ("$", GOOD[:-1]),
        ("$", changed(b"118.5", b"NaN")),
        ("$", changed(b"118.5", b"Infinity")),
        ("$", changed(b"118.5", b"0118.5")),
        ("$", changed(b"abbott_architect", rb"\ud800")),
    ],
    "not_an_object": [("$", b"null"), ("$", b"[]"), ("$", b'"' + CANARY.encode() + b'"'), ("$", b"7713")],
    "duplicate_key": [
        ("$", changed(b'"value":118.5', b'"value":118.5,"value":118.6')),
        ("$", changed(b'"specversion"', b'"subject":"Canary7713","specversion"')),
        ("$", changed(b'"specversion"', rb'"subjec\u0074":"Canary7713","specversion"')),
        ("$", changed(b'"specversion"', b'"traceparent":{"a":1,"a":2},"specversion"')),
    ],
    "specversion": [("$.specversion", sample(specversion="0.3"))],
    "unknown_type": [
        ("$.type", sample(type="b12.lab_result.v0")),
        ("$.type", sample(type="b12.genome.v1")),
        ("$.type", sample(type="b12.genome.v2")),
        ("$.type", sample(type=CANARY)),
    ],
    "newer_version": [
        ("$.type", sample(type="b12.lab_result.v2")),
        ("$.type", sample(type="b12.dose.v10", data={"unknown to us": CANARY})),
    ],
    "field_missing": [
        *((f"$.{name}", without(name)) for name in ("specversion", "id", "source", "type", "time", "subject", "data")),
        ("$.data.loinc", without("loinc")),
        ("$.data.collected", without("collected")),
    ],
    "unknown_field": [("$.data", data(**{CANARY: 1})), ("$.data", data(patient_name=CANARY))],
    "wrong_type": [
        ("$.data", changed(b'"data":{', b'"data":[{')[:-1] + b"]}"),
        ("$.subject", sample(subject=7713)),
        ("$.time", sample(time=1_700_000_000)),
        ("$.data.value", data(value=True)),
        ("$.data.collected", data(collected=None)),
        ("$.data.separated_minutes", data(separated_minutes="45")),
        ("$.data.oedema", data("growth", oedema="no")),
    ],
    "format": [
        ("$.subject", sample(subject="Mary Canary7713")),
        ("$.subject", sample(subject="BLR-0042\n")),
        ("$.id", sample(id=" 7")),
        ("$.time", sample(time="2026-03-16T08:12:00")),
        ("$.time", sample(time="16.03.2026")),
        ("$.data.collected", data(collected="14/03/2026")),
        ("$.data.collected", data(collected="2026-03-14T09:30")),
        ("$.data.birth", data("enrolment", birth="2025-06-02T09:30+05:30")),
        ("$.data.loinc", data(loinc="B12")),
        ("$.data.platform", data(platform="the machine of Canary7713")),
        ("$.data.code", data("condition", code="E53.8")),
        ("$.data.code", data("symptom", code="tremor")),
    ],
    "out_of_range": [
        ("$.source", sample(source="/sites/" + "A" * 64)),
        ("$.data.gestation_weeks", data("enrolment", gestation_weeks=46)),
        ("$.data.gestation_days", data("enrolment", gestation_days=7)),
        ("$.data.separated_minutes", data(separated_minutes=-1)),
        ("$.data.roi_voxels", data("imaging", roi_voxels=2**31)),
    ],
    "unknown_code": [
        ("$.data.person", data(person="father")),
        ("$.data.specimen", data(specimen="Serum")),
        ("$.data.scopes[0]", data("consent", scopes=["soul"])),
        ("$.data.code", data("milestone", code="first_word")),
        ("$.data.code", data("symptom", code="HP:0000001")),
        ("$.data.instrument", data("assessment", instrument="griffiths")),
        ("$.data.edition", data("assessment", edition="ii_revised")),
        ("$.data.domain", data("assessment", edition="ii", domain="cognitive")),
        ("$.data.region", data("imaging", region="3")),
        ("$.data.target_kind", data("retraction", target_kind="everything")),
    ],
    "wrong_site": [("$.source", sample(source="/sites/DEL02")), ("$.source", sample(source="BLR01"))],
    "time_unlikely": [("$.time", sample(time="0001-01-01T00:00:00Z")), ("$.time", sample(time="9999-12-31T23:59:59Z"))],
    "no_such_date": [
        ("$.data.collected", data(collected="2026-02-30")),
        ("$.data.collected", data(collected="2026-13")),
        ("$.data.collected", data(collected="2026-03-14T25:00+05:30")),
        ("$.data.birth", data("enrolment", birth="2025-00-02")),
    ],
    "number_spelling": [
        ("$.data.value", data(value="118,5")),
        ("$.data.value", data(value="<150")),
        ("$.data.value", data(value="NaN")),
        ("$.data.value", data(value="-Infinity")),
        ("$.data.value", data(value="1_185")),
        ("$.data.value", data(value=" 118.5")),
        ("$.data.value", data(value="+118.5")),
        ("$.data.value", data(value="0118")),
        ("$.data.value", data(value="118.")),
        ("$.data.value", data(value=".5")),
        ("$.data.value", data(value="\u0661\u0661\u0668")),
        ("$.data.reference_high", data(reference_high="1 185")),
        ("$.data.value", changed(b'"value":118.5', rb'"valu\u0065":"1_185"')),
    ],
    "too_many_digits": [
        ("$.data.value", data(value="0.1234567890123")),
        ("$.data.value", changed(b"118.5", b"1e16")),
        ("$.data.value", changed(b"118.5", b"1e999")),
        ("$.data.value", changed(b"118.5", b"1e-999")),
        ("$.data.value", changed(b"118.5", b"7" * 5000)),
    ],
    "value_missing": [
        ("$.data.value", without("value")),
        ("$.data.unit", without("unit")),
        ("$.data.ug", without("ug", "dose")),
        ("$.data.given", without("given", "dose")),
        ("$.data.score", without("score", "assessment")),
        ("$.data", data("growth", weight_g=None, length_cm=None, head_circumference_cm=None)),
        ("$.data.scopes", data("consent", scopes=[])),
    ],
    "contradiction": [("$.data.given", data("dose", status="missed"))],
    "loinc_check_digit": [("$.data.loinc", data(loinc="2132-8"))],
    "unknown_loinc": [("$.data.loinc", data(loinc="16695-9")), ("$.data.loinc", data(loinc="2345-7"))],
    "unit_not_for_code": [
        ("$.data.unit", data(unit="pmol/L")),
        ("$.data.unit", data(loinc="14685-2", unit="pg/mL")),
        ("$.data.unit", data(unit="PG/ML")),
        ("$.data.unit", data(unit="pmol/L", status="cancelled", value=None)),
        ("$.data.unit", data("imaging", metric="md")),
        ("$.data.unit", data("imaging", unit="mm2/s")),
    ],
    "specimen_not_for_code": [
        ("$.data.specimen", data(specimen="urine_spot")),
        ("$.data.specimen", data(loinc="718-7", unit="g/dL")),
    ],
}

EXAMPLES = [(rule, path, raw) for rule, examples in REFUSED.items() for path, raw in examples]


@pytest.mark.parametrize(("rule", "path", "raw"), EXAMPLES, ids=[f"{rule} at {path}" for rule, path, _ in EXAMPLES])
def test_a_rule_refuses_its_example_and_names_the_place(rule: str, path: str, raw: bytes | None) -> None:
    refusal = refused(raw)
    assert (refusal.rule, refusal.path) == (rule, path)


@pytest.mark.parametrize(("rule", "path", "raw"), EXAMPLES, ids=[f"{rule} at {path}" for rule, path, _ in EXAMPLES])
def test_a_refusal_repeats_nothing_that_was_reported(rule: str, path: str, raw: bytes | None) -> None:
    refusal = refused(raw)
    told = repr((refusal.rule, refusal.path, refusal.kind, refusal.fix))
    assert CANARY not in told
    assert not any(value in told for value in ("118", "7713", "2026-02-30", "DEL02", "father", "soul"))


def test_every_rule_has_an_example() -> None:
    elsewhere = {"binary_mode", "time_ahead", "judge_failed", "replay_unreadable", "replay_of_no_site"}
    assert set(REFUSED) == set(rules()) - elsewhere


def test_every_rule_says_what_to_do() -> None:
    for rule in rules().values():
        assert rule.asks.endswith(".")
        assert rule.fix.endswith(".")


# An unknown kind or version, another encoding of the envelope


def test_a_newer_version_is_kept_for_the_upgrade_and_never_the_senders_mistake() -> None:
    refusal = refused(sample(type="b12.lab_result.v2", data={"new in v2": 1}))
    assert (refusal.rule, refusal.kind) == ("newer_version", "lab_result")
    assert "upgrade" in refusal.fix
    assert "replay" in refusal.fix


def test_an_unknown_kind_is_told_what_is_supported() -> None:
    fix = refused(sample(type="b12.genome.v1")).fix
    assert "v1" in fix
    assert all(kind in fix for kind in KINDS)


@pytest.mark.parametrize("name", ["ce_type", "CE_SPECVERSION"])
def test_a_binary_mode_event_is_told_which_header_to_change(name: str) -> None:
    refusal = refused(GOOD, headers=[("content-type", b"application/json"), (name, b"b12.lab_result.v1")])
    assert refusal.rule == "binary_mode"
    assert "ce_" in refusal.fix
    assert "content-type" in refusal.fix


def test_other_headers_are_not_read() -> None:
    assert not is_refusal(judge(GOOD, SITE, headers=[("content-type", b"text/plain"), ("traceparent", None)]))


# The clock


def test_a_sender_may_be_ten_minutes_ahead_of_the_broker_and_no_more() -> None:
    assert not is_refusal(judge(GOOD, SITE, SAID - timedelta(minutes=10)))
    assert refused(GOOD, received=SAID - timedelta(minutes=10, microseconds=1)).rule == "time_ahead"


def test_an_event_may_be_as_late_as_it_likes() -> None:
    assert not is_refusal(judge(GOOD, SITE, SAID + timedelta(days=4000)))


def test_without_a_broker_no_clock_is_asked() -> None:
    assert not is_refusal(judge(sample(time="2031-01-01T00:00:00Z"), SITE))


# What a refusal still tells


def test_a_refusal_gives_back_id_subject_and_kind_when_they_can_be_told() -> None:
    refusal = refused(sample(id="7", subject="BLR-7", data={"person": "father"}))
    assert (refusal.kind, refusal.id, refusal.subject) == ("lab_result", "7", "BLR-7")


def test_what_does_not_fit_an_identifier_is_not_given_back() -> None:
    assert refused(sample(subject="x" * 300)).subject is None
    assert refused(sample(id="a\nb")).id is None
    assert refused(sample(id=7)).id is None


def test_a_fault_of_the_platform_is_a_refusal_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*_: object) -> None:
        raise RuntimeError(CANARY)

    monkeypatch.setattr("contracts.judge._check", break_down)
    assert refused(GOOD) == Refusal("judge_failed", "$")


# What is accepted although it looks odd


@pytest.mark.parametrize(
    "raw",
    [
        GOOD + b" \n",
        changed(b'"specversion"', b'"traceparent":"00-ab-cd-01","datacontenttype":"application/json","specversion"'),
        changed(b'"specversion"', b'"x":' + b"9" * 5000 + b',"specversion"'),
        changed(b"118.5", b'"118.50"'),
        changed(b"118.5", b"1.185e2"),
        data(value=None, unit=None, status="cancelled"),
        data("dose", status="refused", given=None, ug=None),
        data("assessment", score=None, status="untestable"),
        data("assessment", score=None, category="normal"),
        sample(id="\u00e4\U0001f600"),
        sample("symptom", data={"source": "mri"}),
    ],
    ids=range(11),
)
def test_an_odd_but_clear_event_is_accepted(raw: bytes) -> None:
    assert not is_refusal(judge(raw, SITE))
