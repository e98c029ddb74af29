"""Receipts are added up once, however often they come, and show the lab its own codes."""

import msgspec
import pytest

from contracts import pseudonyms
from contracts.receipts import Receipt, Receipts, RefusedDelivery
from sites import ledger as ledgers
from sites.ledger import Acknowledged
from sites.receipts import Answers

KEY = pseudonyms.site_key(b"s" * 32, "BLR01")


def key(role, value):
    return pseudonyms.pseudonym(KEY, role, value).hex()


def receipt(start, end, accepted, *refused, partition=0, topic="t"):
    data = Receipts(
        site="BLR01",
        topic_uuid=topic,
        partition=partition,
        from_offset=start,
        to_offset=end,
        accepted=accepted,
        refused=tuple(
            RefusedDelivery(offset=offset, rule="unknown_code", path="$.data.sex", fix="Mend it.", **known)
            for offset, known in refused
        ),
    )
    return msgspec.json.encode(Receipt(id="1", data=data))


@pytest.fixture
def ledger(tmp_path):
    with ledgers.opened(tmp_path / "ledger.sqlite", KEY) as ledger:
        ledger.acknowledge(
            [Acknowledged("enrolment", "enrolment:A-7", "enrolment", "A-7", "id-7", "2026-01-01T00:00:00Z", "t/0/2")]
        )
        yield ledger


def test_a_refusal_shows_the_labs_own_code_and_record(ledger):
    answers = Answers(ledger)
    (answer,) = answers.add(receipt(0, 3, 2, (2, {"id_key": key("id", "id-7"), "subject_key": key("subject", "A-7")})))
    assert (answer.subject, answer.kind, answer.record) == ("A-7", "enrolment", "enrolment:A-7")
    assert (answer.rule, answer.fix) == ("unknown_code", "Mend it.")
    assert (answers.accepted, answers.refused, answers.sent_again) == (2, 1, 1)
    assert ledger.current_ids() == {}


def test_what_another_client_sent_shows_what_can_be_known(ledger):
    answers = Answers(ledger)
    known, unknown, nothing = answers.add(
        receipt(
            4,
            7,
            0,
            (4, {"id_key": key("id", "x"), "subject_key": key("subject", "A-7"), "kind": "dose"}),
            (5, {"id_key": key("id", "x"), "subject_key": key("subject", "B")}),
            (6, {}),
        )
    )
    assert (known.subject, known.kind, known.record) == ("A-7", "dose", "")
    assert unknown.subject == key("subject", "B")
    assert nothing.subject == "unknown"


def test_a_receipt_that_comes_again_counts_once(ledger):
    answers = Answers(ledger)
    refused = (2, {"id_key": key("id", "id-7")})
    assert len(list(answers.add(receipt(0, 3, 2, refused)))) == 1
    assert list(answers.add(receipt(0, 3, 2, refused))) == []
    list(answers.add(receipt(3, 5, 2)))
    list(answers.add(receipt(0, 9, 8, refused)))  # after a crash: over all that was not known to be answered
    list(answers.add(receipt(3, 5, 2)))
    list(answers.add(receipt(0, 4, 4, partition=1)))
    assert (answers.accepted, answers.refused, answers.sent_again) == (12, 1, 1)


def test_verdicts_of_the_registry_are_shown_too(ledger):
    verdict = {"id_key": key("id", "id-7"), "verdict": "held", "reason": "no_consent", "fix": "Send the consent."}
    value = msgspec.json.encode({"type": "b12.verdicts.v1", "id": "1", "data": {"verdicts": [verdict]}})
    (answer,) = Answers(ledger).add(value)
    assert (answer.verdict, answer.subject, answer.rule, answer.fix) == (
        "held",
        "A-7",
        "no_consent",
        "Send the consent.",
    )


@pytest.mark.parametrize("value", [b"", b"null", b"{}", b'{"type":"b12.news.v1"}', b"\xff"])
def test_what_is_not_understood_is_passed_over(ledger, value):
    assert list(Answers(ledger).add(value)) == []
