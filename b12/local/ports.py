"""Which ports and hosts the local stack uses, and whether they are free.

What listens on them does not belong here.
"""

import errno
import os
import random
import socket
from dataclasses import dataclass

from contracts.errors import EnvironmentProblem, UsageError

_MEANING = {
    "B12_SITE_PORT": "the sites' listener",
    "B12_INTERNAL_PORT": "the platform's own listener",
    "B12_CONTROLLER_PORT": "Kafka's controller",
    "B12_DAGSTER_PORT": "Dagster's web page",
}


@dataclass(frozen=True)
class Ports:
    """Ports of the local stack, and the host name that partner labs know it by."""

    site: int = 9094
    internal: int = 9092
    controller: int = 9093
    dagster: int = 3000
    advertised: str = "localhost"

    @classmethod
    def from_env(cls) -> "Ports":
        """From `B12_SITE_PORT`, `B12_INTERNAL_PORT`, `B12_CONTROLLER_PORT`, `B12_DAGSTER_PORT` and `B12_ADVERTISED`."""
        return cls(
            site=_port("B12_SITE_PORT", cls.site),
            internal=_port("B12_INTERNAL_PORT", cls.internal),
            controller=_port("B12_CONTROLLER_PORT", cls.controller),
            dagster=_port("B12_DAGSTER_PORT", cls.dagster),
            advertised=os.environ.get("B12_ADVERTISED") or cls.advertised,
        )

    @property
    def site_bind(self) -> str:
        """Loopback unless a host is advertised: a fresh installation is not on the network."""
        return "127.0.0.1" if self.advertised in ("localhost", "127.0.0.1") else "0.0.0.0"  # noqa: S104

    def of_broker(self) -> dict[str, int]:
        """The broker's ports by the setting that moves them."""
        return {
            "B12_SITE_PORT": self.site,
            "B12_INTERNAL_PORT": self.internal,
            "B12_CONTROLLER_PORT": self.controller,
        }

    def of_dagster(self) -> dict[str, int]:
        """Dagster's port by the setting that moves it."""
        return {"B12_DAGSTER_PORT": self.dagster}


def require_free(ports: dict[str, int]) -> None:
    """EnvironmentProblem naming the first port that another program holds, and the setting that moves ours."""
    for setting, port in ports.items():
        if not is_free(port):
            raise EnvironmentProblem(
                f"port {port} ({_MEANING[setting]}) is taken by another program: stop that, or choose another"
                f" port with {setting}"
            )


def is_free(port: int) -> bool:
    """Can a server listen on this loopback port now?"""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def answers(port: int) -> bool:
    """Does something accept connections on this loopback port?"""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago, for tests and second stacks.

    They lie below those that a system lends to clients, of whom one could take a port before its server does.
    """
    found: set[int] = set()
    while len(found) < count:
        port = random.randrange(10_000, 32_768)  # noqa: S311  # no secret
        if is_free(port):
            found.add(port)
    return list(found)


def _port(setting: str, default: int) -> int:
    text = os.environ.get(setting) or str(default)
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise UsageError(f"{setting}: a port is a whole number from 1 to 65535")
    return int(text)
