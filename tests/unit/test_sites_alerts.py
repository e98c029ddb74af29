"""What a lab sees of its alerts: each once, by its own code of the infant, open until it is acknowledged."""

from datetime import UTC, datetime

import msgspec
import pytest

from b12.commands.alerts import _show, _show_digest
from contracts import pseudonyms
from contracts.alerts import Alert, AlertCount, AlertDigest, AlertDigestEvent, AlertEvent
from contracts.errors import UsageError
from contracts.judge import is_refusal, judge
from contracts.site import Site
from sites import alerts, ledger
from sites.alerts import Alerts, acknowledgement
from sites.ledger import Acknowledged

KEY = pseudonyms.site_key(b"s" * 32, "BLR01")
SITE = Site(id="BLR01", name="A laboratory", country="IN", time_zone="Asia/Kolkata", synthetic=True)
NOW = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)


def alert(number, sent_as="id-7"):
    keys = {
        f"{role}_key": pseudonyms.pseudonym(KEY, role, value).hex()
        for role, value in {"id": sent_as, "subject": "A-7"}.items()
    }
    told = {"kind": "lab_result", "person": "infant", "rule": "b12_low", "severity": "warning", "advice": "Look."}
    data = Alert(site="BLR01", raised_at=NOW, **keys, **told)
    return msgspec.json.encode(AlertEvent(id=f"{number:032x}", data=data))


@pytest.fixture
def known(tmp_path):
    with ledger.opened(tmp_path / "ledger.sqlite", KEY) as opened:
        yield opened


@pytest.fixture
def sent(known):
    known.acknowledge([Acknowledged("lab_result", "b12:7", "b12", "A-7", "id-7", "2026-01-01T00:00:00Z", "t/0/2")])
    return known


class Sender:
    topic_id = "t"

    def __init__(self):
        self.raw = []

    def send(self, statements, acknowledged):
        for statement in statements:
            self.raw.append(statement.raw)
            acknowledged(statement, "t/0/9")


def test_an_alert_shows_once_with_the_labs_own_words(sent):
    heard = Alerts(sent)
    (notice,) = [*heard.add(alert(1)), *heard.add(alert(1)), *heard.add(b"not json"), *heard.add(b"{}")]
    assert (notice.subject, notice.record, notice.alert.rule) == ("A-7", "b12:7", "b12_low")
    assert heard.is_open(notice)


def test_a_digest_is_shown_and_is_nothing_to_acknowledge(known, capsys):
    counts = (AlertCount(rule="b12_low", severity="warning", alerts=7, advice="Look."),)
    digest = AlertDigestEvent(id="d" * 32, data=AlertDigest(site="BLR01", from_time=NOW, to_time=NOW, counts=counts))
    heard = Alerts(known)
    assert list(heard.add(msgspec.json.encode(digest))) == [digest]
    assert heard.notices == []
    _show_digest(digest)
    told = capsys.readouterr().out
    assert "  warning: 7 of b12_low: Look.\n" in told
    assert "none to acknowledge. Look at what you pushed then" in told


def test_an_acknowledgement_is_an_event_that_the_judge_accepts_and_closes_the_alert(sent):
    heard, sender = Alerts(sent), Sender()
    (notice,) = heard.add(alert(1))
    alerts.send(acknowledgement(notice, None, "treated", SITE, NOW), sent, sender)
    event = judge(sender.raw[0], SITE, NOW)
    assert not is_refusal(event)
    assert (event.subject, event.record, event.data.alert, event.data.reason) == (
        "A-7",
        notice.id,
        notice.id,
        "treated",
    )
    assert not heard.is_open(notice)
    sent.forget("t/0/9")  # the platform refused it after all
    assert heard.is_open(notice)


def test_an_alert_of_an_event_that_was_sent_elsewhere_needs_the_labs_code(known):
    heard = Alerts(known)
    (notice,) = heard.add(alert(1))
    with pytest.raises(UsageError, match="--subject"):
        acknowledgement(notice, None, "known", SITE, NOW)
    assert acknowledgement(notice, "A-7", "known", SITE, NOW).subject == "A-7"


def test_an_alert_is_named_by_the_beginning_of_its_id(sent):
    heard = Alerts(sent)
    for number in (0x1 << 124, 0x11 << 120):
        list(heard.add(alert(number)))
    assert heard.named("11").id == "11" + "0" * 30
    for beginning, said in (("1", "several"), ("2", "no alert")):
        with pytest.raises(UsageError, match=said):
            heard.named(beginning)


def absence(subject_key, person="infant", **fields):
    told = {"kind": "lab_result", "rule": "overdue_test", "severity": "warning", "advice": "Call the family."}
    data = Alert(site="BLR01", raised_at=NOW, id_key="", subject_key=subject_key, person=person, **(told | fields))
    return msgspec.json.encode(AlertEvent(id="e" * 32, data=data))


def test_what_did_not_come_shows_by_the_labs_own_code_and_is_acknowledged(sent, capsys):
    heard = Alerts(sent)
    (notice,) = heard.add(absence(pseudonyms.pseudonym(KEY, "subject", "A-7").hex(), "mother", is_escalated=True))
    assert (notice.subject, notice.record, heard.is_open(notice)) == ("A-7", "", True)
    _show(notice, "BLR01", is_open=True)
    shown = capsys.readouterr().out
    assert "warning: mother of infant A-7: no lab_result: overdue_test: Call the family." in shown
    assert "as of 2026-03-20; told before and not acknowledged" in shown
    alerts.send(acknowledgement(notice, None, "retested", SITE, NOW), sent, Sender())
    assert not heard.is_open(notice)


def test_a_site_that_is_silent_answers_by_a_push(sent, capsys):
    heard = Alerts(sent)
    (notice,) = heard.add(absence("", rule="silent_site"))
    assert not heard.is_open(notice)
    _show(notice, "BLR01", is_open=False)
    shown = capsys.readouterr().out
    assert "site BLR01: nothing came" in shown
    assert "acknowledge" not in shown
    with pytest.raises(UsageError, match="push"):
        acknowledgement(notice, "A-7", "known", SITE, NOW)
