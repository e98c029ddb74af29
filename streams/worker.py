"""The Faust app around the intake, from its start to its last flush.

What the intake does with what arrives belongs to streams/intake.py; the process around it, to streams/process.py.
"""

import asyncio
import logging
import os
import time
from typing import Any

import faust
from aiokafka.errors import KafkaConnectionError
from faust.types import TP

from contracts.errors import B12Error, EnvironmentProblem
from lake.home import REPLAY_TOPIC, WORKER_GROUP, Home
from lake.table import Lake
from streams.cluster import Cluster, ssl_context
from streams.fast.compiled import way
from streams.guard import Guard
from streams.intake import Intake
from streams.logs import say
from streams.lookout import Lookout
from streams.metrics import Metrics
from streams.receipts import Producer
from streams.transport import BatchTransport

START_SECONDS = 20.0
"""For Kafka to answer. Longer than what a supervisor takes for a failed start."""
TICK_SECONDS = 0.1
LOOK_SECONDS = 1.0
"""Between two looks at the registered sites."""
STOP_SECONDS = 20.0
"""For the last flush and for leaving the group. A supervisor's patience must be longer."""


class WorkerStopped(B12Error):
    """Something failed that a worker cannot mend. A supervisor starts it again, at the offsets that the lake holds."""

    exit_code = 3


class Worker:
    """The Faust app, the intake, and what connects them."""

    def __init__(self, home: Home, guard: Guard, metrics: Metrics) -> None:
        self._home, self._guard, self._metrics = home, guard, metrics
        kafka = home.internal_kafka()
        self._lake = Lake.open(home.lake, home.secret())
        self._cluster = Cluster(kafka)
        self._producer = Producer(kafka)
        self.app = faust.App(
            WORKER_GROUP,
            broker=";".join(f"kafka://{server}" for server in kafka.servers),
            broker_credentials=ssl_context(kafka),
            broker_client_id=f"{WORKER_GROUP}-{os.getpid()}",
            broker_session_timeout=10.0,
            broker_heartbeat_interval=3.0,
            consumer_metadata_max_age_ms=5_000,
            datadir=str(home.run / "faust"),
            store="memory://",
            autodiscover=False,
            web_enabled=False,
            topic_allow_declare=False,
            topic_disable_leader=True,
            stream_wait_empty=False,
            stream_buffer_maxsize=2,  # fetches, per topic
        )
        transport = BatchTransport(self.app.conf.broker, self.app)
        transport.on_assigned = self._assigned
        self.app.transport = transport
        self.app.on_partitions_revoked.connect(self._revoked)
        # A new site's topic is subscribed after this pause; Faust's own is 45 s.
        self.app.topics._resubscribe_sleep_lock_seconds = 0.5
        self._intake: Intake | None = None
        self._consumed: set[str] = set()

    @property
    def intake(self) -> Intake:
        """Made when the app has its consumer."""
        if self._intake is None:
            self._intake = Intake(
                *(self._home, self._lake, self._cluster, self._producer, self.app.consumer, self._metrics)
            )
        return self._intake

    async def start(self) -> None:
        """Join the group and start to read."""
        self._read(REPLAY_TOPIC)  # always there: Faust cannot subscribe to nothing
        self._look()
        await self._connect()
        await self.app.start()
        say("started", sites=len(self._consumed) - 1, forms=way())

    async def _connect(self) -> None:
        """Wait for Kafka for a while: a worker that gave up at once would use up its supervisor's patience."""
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                await self._producer.start()
            except KafkaConnectionError:
                if time.monotonic() > end:
                    raise EnvironmentProblem(
                        f"Kafka does not answer at {self._home.internal_kafka().bootstrap}: start it with `b12 up`, or"
                        " name another with B12_BROKERS"
                    ) from None
                say("waiting_for_kafka", logging.WARNING)
                self._guard.waits("Kafka does not answer")
                await asyncio.sleep(LOOK_SECONDS)
            else:
                return

    async def keep_flushing(self) -> None:
        """Flush by time, for ever. Raises what stops the worker."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            # A flush that has begun is finished and answered, even when the worker is asked to stop meanwhile.
            await asyncio.shield(self.intake.tick())

    async def keep_looking(self) -> None:
        """Find new sites, and notice when the worker is stuck, for ever. Raises what stops the worker."""
        lookout = Lookout(self.app.consumer, self.intake, Cluster(self._home.internal_kafka()))
        lookout.start()
        try:
            while True:
                self._look()
                if self.app.should_stop:
                    raise self.app.crash_reason or WorkerStopped("Faust stopped by itself; the log says more")
                self._guard.look(lookout)
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            lookout.close()

    async def finish(self) -> None:
        """Store and answer what is in hand."""
        await self.intake.close()

    async def stop(self) -> None:
        """Leave the group; never for longer than STOP_SECONDS."""
        for part in (self.app.stop(), self._producer.stop()):
            try:
                await asyncio.wait_for(part, STOP_SECONDS / 2)
            except Exception as error:
                say("stopping_failed", logging.WARNING, error)
        self._cluster.close()

    def _look(self) -> None:
        sites = {site.events_topic: site for site in self._home.sites().values()}
        self.intake.register(sites)
        for name in sites.keys() - self._consumed:
            self._read(name)
            say("site", topic=name)
        subscribed = self.app.topics._topic_name_index
        if self.app.started and not self._consumed <= subscribed.keys():
            self.app.topics._flag_changes()  # Faust forgets a change that it is told of during a rebalance

    def _read(self, name: str) -> None:
        self._consumed.add(name)
        topic = self.app.topic(name, key_serializer="raw", value_serializer="raw", acks=False)
        # The stream subscribes a copy of the topic. Adding the topic too would fill a queue that nobody empties.
        self.app.add_future(self._consume(self.app.stream(topic)))

    async def _consume(self, stream: Any) -> None:
        async for fetch in stream:
            await self.intake.accept(fetch)

    async def _assigned(self, partitions: set[TP]) -> None:
        await self.intake.take(partitions)

    async def _revoked(self, *_: Any, **__: Any) -> None:
        say("revoked")
        self.intake.drop()
