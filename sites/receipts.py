"""What the platform answered: its receipts added up, and turned back into the lab's own codes.

Reading them belongs to sites/listening.py, printing to the command; what a receipt holds is contracts/receipts.py's.
"""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from contracts import receipts as door
from contracts import verdict_receipts as registry
from contracts.replay_receipts import ReplayReceipt, Replays
from sites.ledger import Ledger


class Answer(NamedTuple):
    """What became of one event that was not simply taken in, or a question about one that was."""

    verdict: str
    """`refused` at the door, `replayed` when accepted there after all, the registry's verdict, or QUESTION."""
    rule: str
    path: str
    fix: str
    kind: str
    subject: str
    """The lab's own code where the ledger knows it, else the pseudonym."""
    record: str
    """The lab's own, empty when the ledger does not know it."""


QUESTION = "question"
"""The registry included the event and asks whether it is right."""
ROUTINE = frozenset({"duplicate", "superseded", "retracted", "withdrawn", "replayed", "included"})
"""Verdicts of the registry that ask nothing of the lab."""
UNANSWERED = "without an answer"
"""Not judged yet, or so long ago that Kafka no longer keeps what was said."""
_STANDING = frozenset({"included", "replayed", "duplicate"})
ACCEPTED_AFTER_ALL = "Nothing to do: operators had it judged again, and it is accepted now."


_PlatformEvent = door.Receipt | ReplayReceipt | registry.VerdictReceipt
_decode = msgspec.json.Decoder(_PlatformEvent).decode


class Answers:
    """The receipts read so far. They come at least once, and their ranges may overlap."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._accepted: dict[tuple[str, int], dict[tuple[int, int], int]] = {}
        self._last: dict[str, tuple[Answer, ...]] = {}
        """The last answers about each delivery, by its position."""
        self.sent_again = 0
        """Refused statements that were their record's last: the next push sends them again."""

    @property
    def accepted(self) -> int:
        """How many deliveries the door accepted."""
        return sum(count for ranges in self._accepted.values() for count in ranges.values())

    @property
    def refused(self) -> int:
        """How many deliveries the door refused."""
        return self.verdicts()["refused"]

    def standing(self) -> list[Answer]:
        """The last answers about each delivery that the registry does not simply include."""
        return [answer for answers in self._last.values() for answer in answers if answer.verdict != "included"]

    def to_do(self) -> list[Answer]:
        """Of these, what asks something of the lab and was not mended by a later push."""
        return [answer for answer in self.standing() if self.asks(answer)]

    def asks(self, answer: Answer) -> bool:
        """Whether the lab has something to do about an answer."""
        if answer.verdict == "refused" and answer.record:
            return not self._ledger.has_current(answer.kind, answer.record)
        return answer.verdict not in ROUTINE

    def verdicts(self) -> Counter[str]:
        """How many deliveries stand at each verdict, and how many questions."""
        return Counter(answer.verdict for answer in self.standing())

    def records(self) -> Counter[str]:
        """How many of the lab's records stand at each verdict, by the newest delivery of each. `accepted` asks nothing.

        Deliveries are more: a record counts in them each time that it was corrected or sent again. Only what was pushed
        as a table from this machine is known as a record; what was taken back is none any more.
        """
        # A repetition says nothing of what it repeats.
        asked = {(each.kind, each.record): each.verdict for each in self.to_do() if each.verdict != "refused"}
        # Between the first and the last range there are no gaps but those of offsets that Kafka had deleted.
        spans = {at: (min(ranges)[0], max(end for _, end in ranges)) for at, ranges in self._accepted.items()}
        counts: Counter[str] = Counter()
        for record, position, is_current in self._ledger.newest():
            told = self._last.get(position)
            topic_uuid, partition, offset = position.rsplit("/", 2)
            first, end = spans.get((topic_uuid, int(partition)), (0, 0))
            verdict = told[0].verdict if told else "included" if first <= int(offset) < end else UNANSWERED
            if is_current or verdict in ("refused", "replayed"):
                verdict = asked.get(record, verdict) if verdict == "duplicate" else verdict
                counts["accepted" if verdict in _STANDING else verdict] += 1
        return counts

    def add(self, value: bytes) -> Iterator[Answer]:
        """Take in one receipt and give what is new in it; what this version does not know is passed over."""
        try:
            event = _decode(value)
        except (msgspec.DecodeError, ValueError):
            return
        for position, told in self._answers(event):
            if self._last.get(position) != told:
                self._last[position] = told
                yield from told

    def _answers(self, event: _PlatformEvent) -> Iterator[tuple[str, tuple[Answer, ...]]]:
        if isinstance(event, door.Receipt):
            return self._receipt(event.data)
        return self._replays(event.data) if isinstance(event, ReplayReceipt) else self._verdicts(event.data)

    def _receipt(self, receipt: door.Receipts) -> Iterator[tuple[str, tuple[Answer, ...]]]:
        ranges = self._accepted.setdefault((receipt.topic_uuid, receipt.partition), {})
        # After a crash a receipt may be sent again over a wider range: it then stands for those within it.
        for start, end in [r for r in ranges if receipt.from_offset <= r[0] and r[1] <= receipt.to_offset]:
            del ranges[start, end]
        if not any(start <= receipt.from_offset and receipt.to_offset <= end for start, end in ranges):
            ranges[receipt.from_offset, receipt.to_offset] = receipt.accepted
        for refused in receipt.refused:
            position = f"{receipt.topic_uuid}/{receipt.partition}/{refused.offset}"
            self.sent_again += self._ledger.forget(position)
            told = self._told(refused.id_key, refused.subject_key, refused.kind)
            yield position, (Answer("refused", refused.rule, refused.path, refused.fix, *told),)

    def _replays(self, replays: Replays) -> Iterator[tuple[str, tuple[Answer, ...]]]:
        for each in replays.deliveries:
            position = f"{each.topic_uuid}/{each.partition}/{each.offset}"
            told = self._told(each.id_key, each.subject_key, each.kind)
            if each.verdict == "refused":
                yield position, (Answer("refused", each.rule, each.path, each.fix, *told),)
            else:
                yield position, (Answer("replayed", "", "", ACCEPTED_AFTER_ALL, *told),)

    def _verdicts(self, verdicts: registry.ChangedVerdicts) -> Iterator[tuple[str, tuple[Answer, ...]]]:
        for each in verdicts.verdicts:
            position = f"{each.topic_uuid}/{each.partition}/{each.offset}"
            told = self._told(each.id_key, each.subject_key, each.kind)
            asked = tuple(
                Answer(QUESTION, its.rule, f"$.data.{its.field}", its.fix, *told)
                for its in each.questions
                if not self._ledger.is_confirmed(_key(each.id_key), its.rule)
            )
            yield position, asked or (Answer(each.verdict, each.reason, "", each.fix, *told),)

    def _told(self, id_key: str | None, subject_key: str | None, kind: str | None) -> tuple[str, str, str]:
        """Kind, subject and record, in the lab's own words where the ledger knows them."""
        origin = self._ledger.origin(_key(id_key)) if id_key else None
        if origin:
            return origin.kind, origin.subject, origin.record
        known = self._ledger.subject(_key(subject_key)) if subject_key else None
        return kind or "", known or subject_key or "unknown", ""


def _key(digits: str) -> bytes:
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return b""
