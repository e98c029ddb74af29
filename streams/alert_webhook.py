"""Posts every alert to a web address of the operators', signed, until it is taken: the alerts topics are its outbox.

It reads with a consumer group of its own, in a process of its own, so that it keeps nobody waiting; what it posted is
committed behind each post, so that a restart repeats at most one. Which alerts there are belongs to streams/alerts.py.
"""

import base64
import hmac
import logging
import os
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from hashlib import sha256
from http.client import HTTPException
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

import msgspec
from kafka.structs import OffsetAndMetadata

from contracts.alerts import AlertDigestEvent, AlertEvent
from contracts.errors import UsageError
from lake import settings_file
from lake.home import Home
from streams.logs import say

GROUP = "b12-alert-webhook"
TOPICS = r"^b12\.site\.[A-Z][A-Z0-9]{2,11}\.alerts$"
PAUSES = (1.0, 3.0, 10.0, 30.0)
"""Seconds behind each failure in a row; the last is repeated for ever."""
_POLL_MS = 500
_TIMEOUT = 10
_SECRET_MARK = "whsec_"  # noqa: S105  # how such secrets begin
_decode = msgspec.json.Decoder(AlertEvent | AlertDigestEvent).decode


class Consumer(Protocol):
    """What is used of a KafkaConsumer."""

    def poll(self, timeout_ms: int) -> Mapping[Any, list[Any]]: ...
    def commit(self, offsets: Mapping[Any, OffsetAndMetadata]) -> None: ...


class Hook(NamedTuple):
    """Where alerts are posted, and the key that they are signed with."""

    url: str
    key: bytes

    def headers(self, id_: str, at: int, body: bytes) -> dict[str, str]:
        """As standardwebhooks.com has them, so that a receiver finds a library: the id tells a repetition."""
        signed = hmac.new(self.key, f"{id_}.{at}.".encode() + body, sha256).digest()
        return {
            "Content-Type": "application/cloudevents+json; charset=utf-8",
            "webhook-id": id_,
            "webhook-timestamp": str(at),
            "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
        }

    def post(self, id_: str, body: bytes) -> str | None:
        """Post once; None when it was taken, else why not, without anything of the address."""
        headers = self.headers(id_, int(time.time()), body)
        request = urllib.request.Request(self.url, body, headers, method="POST")  # noqa: S310  # see `hook`
        try:
            with _opener.open(request, timeout=_TIMEOUT):
                return None
        except urllib.error.HTTPError as error:
            error.close()
            return f"answered {error.code}"
        except (OSError, HTTPException) as error:
            return type(error).__name__


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirected POST becomes a GET, whose answer would pass for the alert's."""

    def redirect_request(self, *_: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirects)


def url() -> str | None:
    """Where alerts are posted (`B12_ALERT_WEBHOOK_URL`), or None. UsageError for what is no web address."""
    address = os.environ.get("B12_ALERT_WEBHOOK_URL")
    if address and urlsplit(address).scheme not in ("http", "https"):
        raise UsageError("B12_ALERT_WEBHOOK_URL: an address that begins with http:// or https://")
    return address or None


def hook(home: Home) -> Hook:
    """The hook of a home; its secret is made on first use. UsageError without an address."""
    address = url()
    if address is None:
        raise UsageError("B12_ALERT_WEBHOOK_URL: name the address that alerts are posted to")
    home.make()
    path = home.secrets / "alert-webhook.key"
    if not path.exists():
        made = _SECRET_MARK + base64.b64encode(secrets.token_bytes(32)).decode()
        settings_file.write_bytes(path, made.encode(), settings_file.SECRET)
    try:
        key = base64.b64decode(path.read_text(encoding="ascii").strip().removeprefix(_SECRET_MARK), validate=True)
    except ValueError:
        raise UsageError(f"{path}: not a secret as {_SECRET_MARK} and base64; delete it to have another made") from None
    return Hook(address, key)


def keep_posting(
    to: Hook, consumer: Consumer, is_stopping: Callable[[], bool], sleep: Callable[[float], None] = time.sleep
) -> None:
    """Post what the consumer reads, in its order, each until it is taken, until it is time to stop."""
    while not is_stopping():
        for partition, records in consumer.poll(_POLL_MS).items():
            for record in records:
                if not _posted(to, record.value, is_stopping, sleep):
                    return
                consumer.commit({partition: OffsetAndMetadata(record.offset + 1, "", -1)})


def _posted(to: Hook, value: bytes, is_stopping: Callable[[], bool], sleep: Callable[[float], None]) -> bool:
    """Whether it needs no more posting; False: asked to stop meanwhile."""
    try:
        event = _decode(value)
    except (msgspec.DecodeError, ValueError):
        say("webhook_unreadable", logging.WARNING)  # of a newer version, say
        return True
    failures = 0
    while (problem := to.post(event.id, value)) is not None:
        say("webhook_failed", logging.WARNING, site=event.data.site, problem=problem, in_a_row=failures + 1)
        pause = PAUSES[min(failures, len(PAUSES) - 1)]
        failures += 1
        waited = 0.0
        while waited < pause:
            if is_stopping():
                return False
            sleep(0.5)
            waited += 0.5
    say("webhook_posted", site=event.data.site)
    return True
