"""What is made from the contract: the AsyncAPI document and the dictionary say what is sent, all of it and no more."""

from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from msgspec import json

from contracts import alerts, generated, receipts, replay_receipts, verdict_receipts
from contracts.events import KINDS
from contracts.platform_event import PlatformEvent


def test_every_reference_in_the_asyncapi_document_leads_somewhere() -> None:
    files = generated.files()
    document = yaml.safe_load(files[generated.REFERENCE / "asyncapi.yaml"])
    references = list(_references(document))
    assert references
    for reference in references:
        if reference.startswith("#/"):
            place = document
            for step in reference.removeprefix("#/").split("/"):
                place = place[step]
        else:
            assert generated.REFERENCE / reference in files


def test_a_site_meets_three_topics_and_every_kind() -> None:
    document = generated.asyncapi.document()
    assert {channel["address"] for channel in document["channels"].values()} == {
        "b12.site.{site}.events",
        "b12.site.{site}.receipts",
        "b12.site.{site}.alerts",
    }
    assert set(document["channels"]["events"]["messages"]) == set(KINDS)


WHEN = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
MESSAGES: list[tuple[str, PlatformEvent[Any]]] = [
    (
        "receipts",
        receipts.Receipt(
            id="1",
            data=receipts.Receipts(
                site="BLR01",
                topic_uuid="t",
                partition=0,
                from_offset=0,
                to_offset=2,
                accepted=1,
                refused=(receipts.RefusedDelivery(offset=1, rule="not_json", path="$", fix="Mend it."),),
            ),
        ),
    ),
    (
        "receipts",
        replay_receipts.ReplayReceipt(
            id="1",
            data=replay_receipts.Replays(
                site="BLR01",
                deliveries=(
                    replay_receipts.ReplayedDelivery(topic_uuid="t", partition=0, offset=0, verdict="accepted"),
                ),
            ),
        ),
    ),
    (
        "receipts",
        verdict_receipts.VerdictReceipt(
            id="2",
            data=verdict_receipts.ChangedVerdicts(
                site="BLR01",
                verdicts=(
                    verdict_receipts.ChangedVerdict(
                        topic_uuid="t",
                        partition=0,
                        offset=0,
                        kind="dose",
                        id_key="0" * 32,
                        subject_key="1" * 32,
                        verdict="held",
                        reason="no_enrolment",
                        fix="Send the enrolment.",
                    ),
                ),
            ),
        ),
    ),
    (
        "alerts",
        alerts.AlertEvent(
            id="3",
            data=alerts.Alert(
                site="BLR01",
                kind="lab_result",
                id_key="0" * 32,
                subject_key="1" * 32,
                person="infant",
                rule="b12_deficient",
                severity="critical",
                advice="See the infant.",
                raised_at=WHEN,
            ),
        ),
    ),
    (
        "alerts",
        alerts.AlertDigestEvent(
            id="4",
            data=alerts.AlertDigest(
                site="BLR01",
                from_time=WHEN,
                to_time=WHEN,
                counts=(alerts.AlertCount(rule="b12_low", severity="warning", alerts=120, advice="See them."),),
            ),
        ),
    ),
]


def test_every_message_of_the_platform_stands_on_its_channel() -> None:
    document = generated.asyncapi.document()
    described = document["components"]["messages"]
    on_channel = {
        (channel, described[name]["name"])
        for channel in ("receipts", "alerts")
        for name in document["channels"][channel]["messages"]
    }
    assert on_channel == {(channel, type(message).__struct_config__.tag) for channel, message in MESSAGES}
    assert {type(message) for _, message in MESSAGES} == set(PlatformEvent.__subclasses__())


@pytest.mark.parametrize("message", [message for _, message in MESSAGES], ids=lambda each: type(each).__name__)
def test_a_message_of_the_platform_is_as_described(message: PlatformEvent[Any]) -> None:
    described = generated.asyncapi.document()["components"]["messages"].values()
    (schema,) = [its["payload"]["schema"] for its in described if its["name"] == type(message).__struct_config__.tag]
    Draft202012Validator.check_schema(schema)
    sent = json.decode(json.encode(message))
    Draft202012Validator(schema).validate(sent)
    assert set(sent) == set(schema["properties"])
    assert set(sent["data"]) == set(schema["properties"]["data"]["properties"])


def test_the_dictionary_names_every_kind_field_code_and_rule() -> None:
    from contracts import codes, judge, rulebook
    from contracts.events import DATA
    from contracts.shapes import shapes

    page = generated.dictionary.page()
    names = {*judge.rules(), *codes.loinc_codes()}
    names |= {name for kind in KINDS for name in shapes(DATA[kind])}
    names |= {rule.name for kind in KINDS for rule in rulebook.rules(kind)}
    for closed_list in ("milestones", "signs", "regions", "instruments"):
        names |= codes.closed_list(closed_list)
    assert {name for name in names if f"`{name}`" not in page} == set()


def _references(node: Any) -> Any:
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "$ref":
                yield value
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)
