"""Tells another system that a run failed: run id, job, step and class of the error, and nothing of the data.

When that is done belongs to sensors.py and build.py.
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
    """What is posted, as JSON."""

    run_id: str
    job: str
    step: str | None
    error: str


def url() -> str | None:
    """Where failed runs are posted (`B12_WEBHOOK_URL`), or None. UsageError for what is no web address."""
    address = os.environ.get("B12_WEBHOOK_URL")
    if address and urlsplit(address).scheme not in ("http", "https"):
        raise UsageError("B12_WEBHOOK_URL: an address that begins with http:// or https://")
    return address or None


def post(address: str, failed: FailedRun, sleep: Callable[[float], None] = time.sleep) -> None:
    """Post until it is taken. EnvironmentProblem when it was not after the last attempt."""
    request = urllib.request.Request(  # noqa: S310  # url() lets http and https through alone
        address, msgspec.json.encode(failed), {"Content-Type": "application/json"}, method="POST"
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
    raise EnvironmentProblem(f"B12_WEBHOOK_URL: run {failed.run_id} failed and the webhook did not take it ({problem})")
