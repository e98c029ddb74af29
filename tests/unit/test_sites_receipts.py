"""Receipts are added up once, however often they come, and show the lab its own codes."""

from types import SimpleNamespace

import msgspec
import pytest

from contracts import pseudonyms
from contracts.errors import EnvironmentProblem
from contracts.receipts import Receipt, Receipts, RefusedDelivery
from contracts.replay_receipts import ReplayedDelivery, ReplayReceipt, Replays
from contracts.verdict_receipts import ChangedVerdict, ChangedVerdicts, Question, VerdictReceipt
from sites import ledger as ledgers
from sites import listening
from sites.ledger import Acknowledged
from sites.receipts import ACCEPTED_AFTER_ALL, Answers
from sites.statement import Confirmed

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


def verdicts(offset, verdict, reason="", fix="", questions=()):
    each = ChangedVerdict(
        topic_uuid="t",
        partition=0,
        offset=offset,
        kind="enrolment",
        id_key=key("id", "id-7"),
        subject_key=key("subject", "A-7"),
        verdict=verdict,
        reason=reason,
        fix=fix,
        questions=tuple(Question(rule=rule, field="birth", fix="Mend it.") for rule in questions),
    )
    return msgspec.json.encode(VerdictReceipt(id="1", data=ChangedVerdicts(site="BLR01", verdicts=(each,))))


def test_the_last_verdict_of_the_registry_stands(ledger):
    answers = Answers(ledger)
    (held,) = answers.add(verdicts(2, "held", "no_consent", "Send the consent."))
    assert (held.verdict, held.subject, held.rule, held.fix) == ("held", "A-7", "no_consent", "Send the consent.")
    assert answers.to_do() == [held]
    assert list(answers.add(verdicts(2, "held", "no_consent", "Send the consent."))) == []
    (superseded,) = answers.add(verdicts(2, "superseded", "newer_version", "Nothing to do."))
    assert (answers.standing(), answers.to_do()) == ([superseded], [])
    assert answers.verdicts() == {"superseded": 1}
    assert len(list(answers.add(verdicts(2, "included")))) == 1
    assert answers.standing() == []


def test_each_question_about_an_included_event_is_told_until_nothing_is_asked(ledger):
    answers = Answers(ledger)
    first, second = answers.add(verdicts(2, "included", questions=("one", "two")))
    assert (first.verdict, first.rule, first.path, first.subject) == ("question", "one", "$.data.birth", "A-7")
    assert answers.to_do() == [first, second]
    assert answers.verdicts() == {"question": 2}
    list(answers.add(verdicts(2, "included", questions=("two",))))
    assert answers.to_do() == [second]
    list(answers.add(verdicts(2, "included")))
    assert answers.standing() == []


def test_a_question_that_was_answered_here_is_not_told_while_the_registry_does_not_know(ledger):
    answered = Confirmed("enrolment", "enrolment:A-7", "one", "id-7")
    ledger.acknowledge([Acknowledged("confirmation", "c", "", "A-7", "c", "", "t/0/3", confirms=answered)])
    asked = Answers(ledger)
    list(asked.add(verdicts(2, "included", questions=("one", "two"))))
    assert [answer.rule for answer in asked.to_do()] == ["two"]
    ledger.forget("t/0/3")
    again = Answers(ledger)
    list(again.add(verdicts(2, "included", questions=("one", "two"))))
    assert [answer.rule for answer in again.to_do()] == ["one", "two"], "its answer was refused"


def test_a_refusal_that_was_mended_asks_nothing_more(ledger):
    answers = Answers(ledger)
    list(answers.add(receipt(0, 3, 2, (2, {"id_key": key("id", "id-7")}))))
    assert len(answers.to_do()) == 1
    mended = Acknowledged("enrolment", "enrolment:A-7", "enrolment", "A-7", "id-8", "2026-01-02T00:00:00Z", "t/0/9")
    ledger.acknowledge([mended])
    assert answers.to_do() == []
    assert answers.refused == 1


@pytest.mark.parametrize("value", [b"", b"null", b"{}", b'{"type":"b12.news.v1"}', b"\xff"])
def test_what_is_not_understood_is_passed_over(ledger, value):
    assert list(Answers(ledger).add(value)) == []


class Topic:
    """A consumer of a topic, whose records come in polls."""

    def __init__(self, *polls, end=None):
        self._polls = list(polls)
        self._read = 0
        self._end = sum(len(poll) for poll in polls) if end is None else end

    def partitions_for_topic(self, *_):
        return {0}

    def assign(self, partitions): ...

    def seek_to_beginning(self, *partitions): ...

    def end_offsets(self, partitions):
        return dict.fromkeys(partitions, self._end)

    def position(self, *_):
        return self._read

    def poll(self, *_):
        poll = self._polls.pop(0) if self._polls else []
        self._read += len(poll)
        return {0: [SimpleNamespace(value=value, timestamp=at) for at, value in poll]} if poll else {}


def test_what_is_there_comes_oldest_first_then_a_mark_then_what_follows():
    topic = Topic([(2, b"second"), (1, b"first")], [(4, b"later"), (3, b"sooner")], end=2)
    read = listening._read(topic, "t", follow=True)
    assert [next(read) for _ in range(5)] == [b"first", b"second", None, b"later", b"sooner"]
    assert list(listening._read(Topic(), "t", follow=False)) == [None]


def test_a_topic_that_does_not_answer_is_told():
    with pytest.raises(EnvironmentProblem, match="does not answer"):
        list(listening._read(Topic(end=1), "t", follow=False))


def replays(*deliveries):
    """Of the delivery at an offset: accepted, or refused by a rule."""
    told = tuple(
        ReplayedDelivery(
            topic_uuid="t",
            partition=0,
            offset=offset,
            verdict="refused" if rule else "accepted",
            rule=rule,
            fix="Mend it." if rule else "",
            kind="enrolment",
            id_key=key("id", "id-7"),
            subject_key=key("subject", "A-7"),
        )
        for offset, rule in deliveries
    )
    return msgspec.json.encode(ReplayReceipt(id="1", data=Replays(site="BLR01", deliveries=told)))


def test_a_refused_event_that_a_replay_brought_in_asks_nothing_more(ledger):
    answers = Answers(ledger)
    list(answers.add(receipt(0, 3, 2, (2, {"id_key": key("id", "id-7")}))))
    assert len(answers.to_do()) == 1
    (again,) = answers.add(replays((2, "format")))
    assert (again.verdict, again.rule, again.subject) == ("refused", "format", "A-7")
    assert answers.to_do() == [again]
    (accepted,) = answers.add(replays((2, "")))
    assert (accepted.verdict, accepted.subject, accepted.fix) == ("replayed", "A-7", ACCEPTED_AFTER_ALL)
    assert (answers.to_do(), answers.refused) == ([], 0)
    assert list(answers.add(replays((2, "")))) == []
    list(answers.add(verdicts(2, "held", "no_consent", "Send the consent.")))
    assert [answer.verdict for answer in answers.to_do()] == ["held"], "what the registry says of it comes later"


def pushed(ledger, record, id_, position, retracts=None):
    output = "" if retracts else "enrolment"
    ledger.acknowledge(
        [Acknowledged("enrolment", record, output, "A-7", id_, "2026-01-02T00:00:00Z", position, retracts)]
    )


def test_records_are_counted_once_by_their_newest_delivery(ledger):
    answers = Answers(ledger)
    assert answers.records() == {"without an answer": 1}
    list(answers.add(receipt(0, 3, 2, (2, {"id_key": key("id", "id-7")}))))
    assert answers.records() == {"refused": 1}
    pushed(ledger, "enrolment:A-7", "id-8", "t/0/3")
    assert answers.records() == {"without an answer": 1}
    list(answers.add(receipt(3, 5, 2)))
    assert (answers.accepted, answers.records()) == (4, {"accepted": 1})
    pushed(ledger, "enrolment:B-1", "id-9", "t/0/4")
    list(answers.add(verdicts(4, "held", "no_consent", "Send the consent.")))
    assert answers.records() == {"accepted": 1, "held": 1}
    list(answers.add(verdicts(3, "included", questions=("one", "two"))))
    assert answers.records() == {"question": 1, "held": 1}
    pushed(ledger, "retraction:1", "id-10", "t/0/5", retracts=("enrolment", "enrolment:B-1"))
    assert answers.records() == {"question": 1}


def test_a_record_that_a_replay_brought_in_stands(ledger):
    answers = Answers(ledger)
    list(answers.add(receipt(0, 3, 2, (2, {"id_key": key("id", "id-7")}))))
    list(answers.add(replays((2, ""))))
    assert answers.records() == {"accepted": 1}


def test_a_repetition_stands_as_what_it_repeats(ledger):
    answers = Answers(ledger)
    list(answers.add(receipt(0, 9, 9)))
    list(answers.add(verdicts(2, "held", "no_consent", "Send the consent.")))
    pushed(ledger, "enrolment:A-7", "id-7", "t/0/8")
    list(answers.add(verdicts(8, "duplicate", "same_content", "Nothing to do.")))
    assert answers.records() == {"held": 1}
    list(answers.add(verdicts(2, "included")))
    assert answers.records() == {"accepted": 1}
