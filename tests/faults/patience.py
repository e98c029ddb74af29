"""Asking brokers that other threads kill and start again meanwhile."""

import time
from collections.abc import Callable
from typing import TypeVar

from kafka.errors import KafkaError

from contracts.errors import EnvironmentProblem

ANSWER_SECONDS = 120
"""Longer than any broker is away."""

_Result = TypeVar("_Result")


def patiently(act: Callable[[], _Result], seconds: float = ANSWER_SECONDS) -> _Result:
    """What `act` gives, as soon as no broker that is away makes it fail."""
    end = time.monotonic() + seconds
    while True:
        try:
            return act()
        except (EnvironmentProblem, KafkaError, TimeoutError, KeyError, OSError):
            if time.monotonic() > end:
                raise
            time.sleep(0.5)
