"""What sites are told after a release: small enough messages that are the same when they are sent again."""

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import msgspec
import pytest

from contracts.platform_event import MOST_BYTES
from contracts.verdict_receipts import VerdictReceipt
from lake.home import Home, InternalKafka
from pipelines import verdict_receipts
from pipelines.verdict_receipts import messages, told
from registry.verdicts import Change
from tests.registry_fixture import BLR01, OSL01


def change(offset: int = 0, site: str = "BLR01", verdict: str = "held", reason: str | None = "no_enrolment") -> Change:
    key = uuid.UUID(int=offset)
    return Change(site, "topic", 0, offset, "dose", key, key, None, verdict, reason)


def decoded(values: Iterable[bytes]) -> list[VerdictReceipt]:
    return [msgspec.json.decode(value, type=VerdictReceipt) for value in values]


def test_a_verdict_comes_with_its_reason_and_what_to_do() -> None:
    (receipt,) = decoded(messages(BLR01, [change(7), change(8, verdict="included", reason=None)]))
    held, included = receipt.data.verdicts
    assert (held.offset, held.verdict, held.reason) == (7, "held", "no_enrolment")
    assert "enrolment" in held.fix
    assert held.subject_key == f"{7:032x}"
    assert (included.verdict, included.reason, included.fix) == ("included", "", "")
    assert receipt.data.site == "BLR01"


def test_a_quarantine_names_its_row_rule() -> None:
    (receipt,) = decoded(messages(BLR01, [change(verdict="quarantined", reason="dose_impossible")]))
    assert receipt.data.verdicts[0].reason == "dose_impossible"
    assert receipt.data.verdicts[0].fix


def test_a_question_about_an_included_event_names_rule_field_and_what_to_do() -> None:
    asked = change(verdict="included", reason=None)._replace(
        kind="lab_result", questions=["haemoglobin_g_per_dl_as_g_per_l"]
    )
    (receipt,) = decoded(messages(BLR01, [asked]))
    (question,) = receipt.data.verdicts[0].questions
    assert (question.rule, question.field) == ("haemoglobin_g_per_dl_as_g_per_l", "value")
    assert "confirm the value" in question.fix


def test_a_question_about_a_subject_s_history_names_rule_field_and_what_to_do() -> None:
    asked = change(verdict="included", reason=None)._replace(kind="milestone", questions=["not_yet_after_achieved"])
    (receipt,) = decoded(messages(BLR01, [asked]))
    (question,) = receipt.data.verdicts[0].questions
    assert (question.rule, question.field) == ("not_yet_after_achieved", "status")
    assert "send the status lost" in question.fix


def test_many_changes_are_split_below_the_broker_s_limit() -> None:
    changes = [change(offset) for offset in range(5_000)]
    values = list(messages(BLR01, changes))
    assert len(values) > 1
    assert max(map(len, values)) < MOST_BYTES + 1_000
    assert [v.offset for receipt in decoded(values) for v in receipt.data.verdicts] == list(range(5_000))


def test_the_same_changes_make_the_same_bytes() -> None:
    assert list(messages(BLR01, [change(1)])) == list(messages(BLR01, [change(1)]))
    assert list(messages(BLR01, [change(1)])) != list(messages(BLR01, [change(2)]))


class Sent:
    """A sender that keeps what it is given, and fails at a topic in `broken`."""

    def __init__(self) -> None:
        self.by_topic: dict[str, list[bytes]] = {}
        self.broken: set[str] = set()

    def send(self, topic: str, values: Iterable[bytes]) -> None:
        if topic in self.broken:
            raise TimeoutError
        self.by_topic.setdefault(topic, []).extend(values)

    @contextmanager
    def connect(self, _kafka: InternalKafka) -> Iterator["Sent"]:
        yield self


def test_each_site_hears_of_its_own_and_only_then_it_counts_as_told(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.put_site(BLR01)
    home.put_site(OSL01)
    changes = [change(1), change(2), change(1, "OSL01"), change(1, "GONE01")]
    marked: list[Home] = []
    monkeypatch.setattr(verdict_receipts.verdicts, "changes", lambda _: iter(changes))
    monkeypatch.setattr(verdict_receipts.verdicts, "mark_told", marked.append)
    sent = Sent()
    sent.broken = {OSL01.receipts_topic}
    with pytest.raises(TimeoutError):
        told(home, InternalKafka("nowhere:1"), sent.connect)
    assert marked == []
    sent.broken = set()
    assert told(home, InternalKafka("nowhere:1"), sent.connect) == {"BLR01": 2, "OSL01": 1}
    assert marked == [home]
    assert set(sent.by_topic) == {BLR01.receipts_topic, OSL01.receipts_topic}
