"""Tells another system that a run failed, or that the intake is in trouble, and nothing of the data.

When that is done belongs to sensors.py, build.py and intake_trouble.py.
"""

import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from contracts.errors import EnvironmentProblem, UsageError

PAUSES = (0.0, 1.0, 3.0, 9.0)
"""Seconds before each attempt."""
_TIMEOUT = 5


class FailedRun(Struct, frozen=True, kw_only=True):
    """A run that failed: its job and step, and the class of the error."""

    run_id: str
    job: str
    step: str | None
    error: str

    @property
    def about(self) -> str:
        """What it tells, in a few words for the log."""
        return f"run {self.run_id} failed"


class IntakeTrouble(Struct, frozen=True, kw_only=True):
    """Something that keeps deliveries from the lake."""

    trouble: str
    """`workers` or `gaps`."""
    subject: str
    """The worker, or the site and its partition."""
    what: str
    """In a sentence."""

    @property
    def about(self) -> str:
        """What it tells, in a few words for the log."""
        return f"{self.subject} is in trouble"


Message = FailedRun | IntakeTrouble
"""What is posted, as JSON."""


def url() -> str | None:
    """Where trouble is posted (`B12_WEBHOOK_URL`), or None. UsageError for what is no web address."""
    address = os.environ.get("B12_WEBHOOK_URL")
    if address and urlsplit(address).scheme not in ("http", "https"):
        raise UsageError("B12_WEBHOOK_URL: an address that begins with http:// or https://")
    return address or None


def post(address: str, told: Message, sleep: Callable[[float], None] = time.sleep) -> None:
    """Post until it is taken. EnvironmentProblem when it was not after the last attempt."""
    request = urllib.request.Request(  # noqa: S310  # url() lets http and https through alone
        address, msgspec.json.encode(told), {"Content-Type": "application/json"}, method="POST"
    )
    problem = ""
    for pause in PAUSES:
        sleep(pause)
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT):  # noqa: S310
                return
        except urllib.error.HTTPError as error:
            problem = f"it answered {error.code}"
            error.close()
        except OSError as error:
            problem = type(error).__name__
    # The address itself may hold a secret.
    raise EnvironmentProblem(f"B12_WEBHOOK_URL: {told.about}, and the webhook did not take it ({problem})")
