"""Fixtures of tests that run the intake on a stand-in of Kafka.

Imports stand inside: pytest reads this file before it knows which warnings of Faust to pass over.
"""

import pytest


@pytest.fixture
def kafka():
    """Consumer, cluster and producer in one."""
    from tests.intake_fixture import Kafka

    return Kafka()


@pytest.fixture
def new_intake(home, kafka):
    """`new_intake()` is one more worker's intake on the home's lake."""
    from lake.table import Lake
    from streams.intake import Intake
    from streams.metrics import Metrics
    from tests.intake_fixture import SITE

    home.ensure_secret()

    def make():
        intake = Intake(home, Lake.open(home.lake, home.secret()), kafka, kafka, kafka, Metrics())
        intake.register({SITE.events_topic: SITE})
        return intake

    return make
