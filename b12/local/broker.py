"""The local Kafka broker: its properties out of the one template, its formatted directory, its Java command.

Who keeps it running is the supervisor's business; topics, users and rights are `b12.admin`'s.
"""

import base64
import shutil
import string
import subprocess
import time
import uuid
from collections.abc import Callable
from importlib import resources
from pathlib import Path

from b12.local import jars, tls
from b12.local.ports import Ports
from contracts.errors import EnvironmentProblem
from lake import home as homes
from lake.home import Home

LEAST_DISK = 1 << 30
"""Bytes. Kafka stops, and may leave a torn segment, when its disk fills; better not to start."""

_JVM = (
    "-Xms128m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "--sun-misc-unsafe-memory-access=allow",  # else Java 25 prints five lines of warning about Kafka's own code
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ssX",
    # Kafka logs some 400 lines of settings per start below this level.
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
)


def render(**values: object) -> str:
    """Kafka's properties out of the template, with exactly the values that it asks for."""
    template = string.Template(resources.files(__package__).joinpath("server.properties").read_text())
    return template.substitute(values, kafka_version=jars.KAFKA_VERSION)


def properties(home: Home, ports: Ports, data: Path | None = None) -> str:
    """The local broker's properties; `data` stands in for its directory while that is being formatted."""
    return render(
        internal_bind="127.0.0.1",
        internal_host="127.0.0.1",
        internal_port=ports.internal,
        controller_port=ports.controller,
        site_bind=ports.site_bind,
        site_host=ports.advertised,
        site_port=ports.site,
        data=data or home.broker / "data",
        certificates=home.secrets,
        partitions=homes.partitions(),
    )


def compose_properties(ports: Ports) -> str:
    """The properties of the broker's container in docker-compose.yml; only places and addresses differ."""
    return render(
        internal_bind="0.0.0.0",  # noqa: S104 - the network of the compose project alone; nothing is published
        internal_host="broker",
        internal_port=9092,
        controller_port=9093,
        site_bind="0.0.0.0",  # noqa: S104 - published on 127.0.0.1
        site_host=ports.advertised,
        site_port=ports.site,
        data="/var/lib/kafka/data",
        certificates="/config",
        partitions=homes.partitions(),
    )


def prepare(home: Home, ports: Ports, progress: Callable[[int, int], None] | None = None) -> None:
    """Everything the broker needs before it can start: jars, certificates, properties, a formatted directory.

    Safe to repeat. EnvironmentProblem when the disk is nearly full or the directory is not a whole broker's.
    """
    home.make()
    require_room(home)
    class_path = jars.class_path(progress)
    tls.ensure(home.secrets, [ports.advertised])
    home.broker.mkdir(mode=0o700, exist_ok=True)  # deliveries as they came, infants' study codes and all
    (home.broker / "server.properties").write_text(properties(home, ports))
    _format(home, ports, class_path)
    home.put_connection(f"127.0.0.1:{ports.internal}", f"{ports.advertised}:{ports.site}")


def command(home: Home) -> list[str]:
    """The broker's command line, with every jar verified just now. It holds no password: those are in files."""
    return [
        str(jars.java()),
        *_JVM,
        "-cp",
        jars.class_path(),
        "kafka.Kafka",
        str(home.broker / "server.properties"),
    ]


def wait(home: Home, alive: Callable[[], bool], seconds: float = 60) -> None:
    """Return when the broker answers as the platform's client; EnvironmentProblem when it ended or took too long."""
    from b12 import admin

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not alive():
            raise EnvironmentProblem(f"the broker ended while it started; its log: {home.logs / 'broker.log'}")
        if admin.reachable(home.internal_kafka()):
            return
        time.sleep(0.1)
    raise EnvironmentProblem(f"the broker did not answer within {seconds:.0f} s; its log: {home.logs / 'broker.log'}")


def require_room(home: Home) -> None:
    """EnvironmentProblem when the home's disk is nearly full, or the broker's directory is not a whole broker's."""
    is_formatted(home)
    free = shutil.disk_usage(home.path).free
    if free < LEAST_DISK:
        raise EnvironmentProblem(
            f"{home.path}: only {free >> 20} MB free on this disk, and the broker wants {LEAST_DISK >> 20} MB:"
            " make room, or set B12_HOME to another disk"
        )


def is_formatted(home: Home) -> bool:
    """Is the broker's directory ready? EnvironmentProblem when it holds a part of a broker's files."""
    data = home.broker / "data"
    if (data / "meta.properties").exists():
        return True
    if data.exists() and any(data.iterdir()):
        raise EnvironmentProblem(
            f"{data} is half-formatted: it holds files but no meta.properties. Restore it from a backup, or, if no"
            " deliveries in it are still wanted, delete it; then run `b12 up` again"
        )
    return False


def _format(home: Home, ports: Ports, class_path: str) -> None:
    if is_formatted(home):
        return
    data, making = home.broker / "data", home.broker / "data.making"
    # Formatted aside and moved into place: an interrupted formatting leaves nothing that looks like a broker's.
    shutil.rmtree(making, ignore_errors=True)
    settings = home.broker / "format.properties"
    settings.write_text(properties(home, ports, making))
    # StorageTool can print credentials: its output is dropped, and its exit code tells enough.
    done = subprocess.run(
        [
            str(jars.java()),
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
            "-cp",
            class_path,
            "kafka.tools.StorageTool",
            "format",
            "--standalone",
            f"--cluster-id={_cluster_id()}",
            f"--config={settings}",
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    settings.unlink()
    if done.returncode != 0:
        raise EnvironmentProblem(
            f"{home.broker}: Kafka's storage tool could not format the broker's directory (exit code"
            f" {done.returncode}): check that the disk is writable; `b12 doctor` looks at the rest"
        )
    if data.exists():
        data.rmdir()
    making.rename(data)


def _cluster_id() -> str:
    while True:  # a leading hyphen would be read as an option
        name = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not name.startswith("-"):
            return name


def load_properties(text: str) -> dict[str, str]:
    """A properties file as a table, without comments."""
    pairs = (line.split("=", 1) for line in text.splitlines() if line and not line.startswith("#"))
    return {key.strip(): value.strip() for key, value in pairs}
