"""The process that posts alerts: its consumer, what ends it, and how it reads on.

What it does with an alert belongs to streams/alert_webhook.py; keeping it running, to a supervisor.
"""

import signal
import threading

from kafka import KafkaConsumer
from kafka.errors import KafkaError

from contracts.errors import EnvironmentProblem
from lake.home import Home
from streams import logs
from streams.alert_webhook import GROUP, TOPICS, hook, keep_posting
from streams.logs import say

_DAY_MS = 24 * 60 * 60 * 1000


def run(home: Home) -> None:
    """Post alerts until SIGTERM or SIGINT. EnvironmentProblem when Kafka does not answer; nothing is lost by that."""
    logs.set_up()
    to = hook(home)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    kafka = home.internal_kafka()
    consumer = None
    try:
        consumer = KafkaConsumer(
            **kafka.client_settings(),
            group_id=GROUP,
            enable_auto_commit=False,
            auto_offset_reset="earliest",  # a new site's first alert may be older than our look at its topic
            metadata_max_age_ms=5_000,
            max_poll_interval_ms=_DAY_MS,  # while nobody takes an alert, it is still ours to post
        )
        consumer.subscribe(pattern=TOPICS)
        say("started")
        keep_posting(to, consumer, stopping.is_set)
    except KafkaError as error:
        raise EnvironmentProblem(
            f"Kafka at {kafka.bootstrap} does not answer ({type(error).__name__}): what was not posted yet is posted"
            " once this runs again"
        ) from None
    finally:
        if consumer is not None:
            consumer.close()
    say("left")
