"""The alert webhook posts each alert, signed, until it is taken, and goes on from there after a restart."""

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from contracts.errors import UsageError
from lake.home import Home
from streams import alert_webhook
from streams.alert_webhook import hook, keep_posting
from tests.alert_receiver import Receiver, receiving
from tests.docs import fences
from tests.docs.pages import ROOT
from tests.unit.test_sites_alerts import alert


@pytest.fixture
def receiver(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with receiving() as receiver:
        monkeypatch.setenv("B12_ALERT_WEBHOOK_URL", receiver.url)
        hook(home)
        receiver.trust(home)
        yield receiver


class Topic:
    """A consumer of one partition, of which committed offsets outlive a process."""

    def __init__(self, *values: bytes) -> None:
        self.values = values
        self.committed = 0

    def poll(self, _timeout_ms: int) -> dict[str, list[SimpleNamespace]]:
        start = self.committed
        records = [SimpleNamespace(offset=n, value=value) for n, value in enumerate(self.values[start:], start)]
        return {"a-partition": records} if records else {}

    def commit(self, offsets: dict) -> None:
        self.committed = offsets["a-partition"].offset

    def is_read(self) -> bool:
        return self.committed == len(self.values)


def test_an_alert_is_posted_signed_with_its_id_until_it_is_taken(home: Home, receiver: Receiver) -> None:
    receiver.answers = [500, 302, 401]
    pauses: list[float] = []
    topic = Topic(alert(1), alert(2))
    keep_posting(hook(home), topic, topic.is_read, pauses.append)
    assert [(id_, body) for id_, body, _ in receiver.heard] == [(f"{1:032x}", alert(1))] * 4 + [(f"{2:032x}", alert(2))]
    assert all(is_signed for _, _, is_signed in receiver.heard)
    assert sum(pauses) == sum(alert_webhook.PAUSES[:3])


def test_another_key_does_not_verify(home: Home, receiver: Receiver) -> None:
    receiver.key = b"another"
    topic = Topic(alert(1))
    keep_posting(hook(home), topic, topic.is_read)
    assert [is_signed for _, _, is_signed in receiver.heard] == [False]


def test_a_receiver_can_check_it_as_the_documentation_says(home: Home, receiver: Receiver) -> None:
    (fence,) = [fence for fence in fences.of(ROOT / "docs/how-to/get-alerts.md") if fence.language == "python"]
    says: dict[str, Any] = {}
    exec(fence.text, says)  # noqa: S102  # our own page
    headers = hook(home).headers("an-id", int(time.time()), b"a body")
    assert not says["is_ours"](headers, b"a body")  # under the page's key
    says["key"] = receiver.key
    assert says["is_ours"](headers, b"a body")
    assert not says["is_ours"](headers, b"another body")
    assert not says["is_ours"](hook(home).headers("an-id", int(time.time()) - 3600, b"a body"), b"a body")


def test_what_was_not_taken_is_posted_after_a_restart(home: Home, receiver: Receiver) -> None:
    receiver.answers = [204, 503]
    topic = Topic(alert(1), alert(2))
    keep_posting(hook(home), topic, lambda: len(receiver.heard) >= 2, lambda _: None)  # asked to stop while it waits
    assert topic.committed == 1
    keep_posting(hook(home), topic, topic.is_read)
    assert [id_ for id_, _, _ in receiver.heard] == [f"{number:032x}" for number in (1, 2, 2)]


def test_what_is_no_alert_is_passed_over(home: Home, receiver: Receiver) -> None:
    topic = Topic(b"not json", b'{"type": "b12.newer.v1"}', alert(1))
    keep_posting(hook(home), topic, topic.is_read)
    assert [id_ for id_, _, _ in receiver.heard] == [f"{1:032x}"]


def test_nobody_there_is_told_without_the_address(home: Home, monkeypatch, caplog) -> None:
    monkeypatch.setenv("B12_ALERT_WEBHOOK_URL", "http://127.0.0.1:9/secret-path")
    waits: list[float] = []
    keep_posting(hook(home), Topic(alert(1)), lambda: len(waits) > 2, waits.append)
    told = [record for record in caplog.records if record.msg == "webhook_failed"]
    assert [record.fields["problem"] for record in told] == ["URLError", "URLError"]
    assert "secret-path" not in str([vars(record) for record in told])


def test_the_secret_is_made_once_for_the_owner_alone(home: Home, receiver: Receiver) -> None:
    path = home.secrets / "alert-webhook.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert hook(home).key == hook(home).key == receiver.key
    assert len(receiver.key) == 32
    path.write_text("whsec_no base64")
    with pytest.raises(UsageError, match="delete it"):
        hook(home)


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://host/x", "host:80", ""])
def test_only_web_addresses_are_taken(home: Home, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("B12_ALERT_WEBHOOK_URL", address)
    with pytest.raises(UsageError, match="B12_ALERT_WEBHOOK_URL"):
        hook(home)
