"""Real brokers as processes of this run: one, exactly as `b12 up` makes it, or a cluster of three on loopback.

What is done to them belongs to tests/faults/mishaps_of_kafka.py.
"""

import signal
import subprocess
import uuid
from pathlib import Path

from b12 import admin
from b12.local import broker, jars, tls
from b12.local.ports import Ports, free_ports
from lake.home import Home
from tests.faults.patience import patiently

START_SECONDS = 120
BACK_SECONDS = 300
"""For one that was ended to be as before; on a busy machine its start alone takes minutes."""
STOP_SECONDS = 20
"""What a broker gets to end by itself; the last ones of a cluster wait in vain for the others."""

_THREE = {
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "share.coordinator.state.topic.replication.factor": "3",
    "share.coordinator.state.topic.min.isr": "2",
}
"""What a cluster of three says in place of the one broker's settings."""


class Node:
    """One broker, which is a controller too."""

    def __init__(self, number: int, command: list[str], log: Path) -> None:
        self.number, self._command, self._log = number, command, log
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def start(self) -> None:
        if self._closed:
            return
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """End it where it stands."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_SECONDS)

    def close(self) -> None:
        """End it, and never start again."""
        self._closed = True
        self.kill()

    def stop(self) -> None:
        """Ask it to end, as an operator does, and as a supervisor kill it when it takes too long."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()


class Brokers:
    """One broker, or three with three copies of everything, of which two must be in sync."""

    def __init__(self, home: Home, count: int) -> None:
        self._home = home
        self.nodes = [_alone(home)] if count == 1 else _cluster(home, count)

    def start(self) -> None:
        """Start all that are not running, and wait until they answer."""
        for node in self.nodes:
            if not node.is_alive:
                node.start()
        broker.wait(self._home, lambda: all(node.is_alive for node in self.nodes), START_SECONDS)
        patiently(self._begin)

    def wait(self) -> None:
        """Return when every broker is back and has its copy of everything: fewer than two take nothing."""
        patiently(self._require_all, BACK_SECONDS)

    def _begin(self) -> None:
        with admin.connect(self._home.internal_kafka(), START_SECONDS) as client:
            if len(client.describe_cluster()["brokers"]) < len(self.nodes):
                raise TimeoutError("a broker has not joined yet")  # and a new topic needs as many as it has copies
            admin.ensure_replay_topic(client, partitions=2)

    def _require_all(self) -> None:
        with admin.connect(self._home.internal_kafka(), START_SECONDS) as client:
            partitions = [partition for topic in client.describe_topics() for partition in topic["partitions"]]
        if any(len(partition["isr_nodes"]) < len(partition["replica_nodes"]) for partition in partitions):
            raise TimeoutError("a copy is behind the others still")

    def close(self) -> None:
        """End all of them, for good."""
        for node in self.nodes:
            node.close()


def _alone(home: Home) -> Node:
    broker.prepare(home, Ports(*free_ports(4)))
    return Node(1, broker.command(home), home.logs / "broker-1.log")


def _cluster(home: Home, count: int) -> list[Node]:
    home.make()
    home.broker.mkdir()
    tls.ensure(home.secrets, ["localhost"])
    free = free_ports(3 * count)
    ports = [Ports(*free[3 * n : 3 * n + 3]) for n in range(count)]
    voters = ",".join(f"{n}@127.0.0.1:{of.controller}" for n, of in enumerate(ports, 1))
    cluster = str(uuid.uuid4())
    nodes, formatting = [], []
    for number, of in enumerate(ports, 1):
        settings = broker.load_properties(broker.properties(home, of, home.broker / f"data-{number}"))
        del settings["controller.quorum.bootstrap.servers"]
        settings |= {"node.id": str(number), "controller.quorum.voters": voters} | _THREE
        path = home.broker / f"server-{number}.properties"
        path.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        command = [*broker.command(home)[:-1], str(path)]
        nodes.append(Node(number, command, home.logs / f"broker-{number}.log"))
        formatting.append(_format(path, cluster))
    assert [process.wait(START_SECONDS) for process in formatting] == [0] * count
    home.put_connection(",".join(f"127.0.0.1:{of.internal}" for of in ports), f"localhost:{ports[0].site}")
    return nodes


def _format(settings: Path, cluster: str) -> "subprocess.Popen[bytes]":
    tool = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", f"--config={settings}"]
    command = [str(jars.java()), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", jars.class_path(), *tool]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
