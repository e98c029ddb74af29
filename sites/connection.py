"""Reaching the platform, step by step, so that what is wrong can be told: network, certificate, login or topic.

One short conversation in Kafka's own protocol, with a deadline of its own for each step. kafka-python's clients try
for half a minute and then say "unable to bootstrap" of each of these alike. Sending belongs to `sites.pushing`.
"""

import io
import socket
import ssl
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, NamedTuple

from kafka.errors import TopicAuthorizationFailedError, UnknownTopicOrPartitionError, for_code
from kafka.net.sasl.scram import ScramClient
from kafka.protocol.metadata import MetadataRequest, MetadataResponse
from kafka.protocol.sasl import (
    SaslAuthenticateRequest,
    SaslAuthenticateResponse,
    SaslHandshakeRequest,
    SaslHandshakeResponse,
)

from contracts.errors import EnvironmentProblem
from sites.config import LabConfig

SECONDS = 3.0
"""How long one step may take."""


class Reached(NamedTuple):
    """What a conversation found out."""

    server: str
    topic_id: uuid.UUID
    """Of the events' topic: a topic that was made anew has another one."""


Step = Callable[[str], None]
"""Told of each step that went well: network, certificate, login, topic."""


def _silently(step: str) -> None:
    """Nobody listens."""


def reach(config: LabConfig, done: Step = _silently) -> Reached:
    """Go through every step with the first server that can be reached.

    EnvironmentProblem names the step that failed, what that means and what to do; it takes at most about 9 s.
    """
    server, plain = _connect(config)
    done("network")
    with closing(plain), closing(_secured(config, server, plain)) as sock:
        if "SSL" in config.security_protocol:
            done("certificate")
        if config.security_protocol.startswith("SASL"):
            _log_in(config, sock, server)
            done("login")
        metadata = _ask(sock, MetadataRequest(topics=_topics(config), version=12), MetadataResponse, 12)
    topic_id = _topic_id(config, metadata)
    _require_brokers(server, {(broker.host, broker.port) for broker in metadata.brokers})
    done("topic")
    return Reached(server, topic_id)


def client_settings(config: LabConfig) -> dict[str, object]:
    """kafka-python's settings for a client of the lab."""
    settings: dict[str, object] = {
        "bootstrap_servers": list(config.bootstrap_servers),
        "security_protocol": config.security_protocol,
        "bootstrap_timeout_ms": 5000,
        "request_timeout_ms": 5000,
    }
    if "SSL" in config.security_protocol:
        settings["ssl_context"] = _context(config)
    if config.security_protocol.startswith("SASL"):
        settings["sasl_mechanism"] = config.sasl_mechanism
        settings["sasl_plain_username"] = config.username
        settings["sasl_plain_password"] = config.password
    return settings


def _connect(config: LabConfig) -> tuple[str, socket.socket]:
    reasons = []
    for server in config.bootstrap_servers[:2]:
        try:
            return server, socket.create_connection(_address(server), SECONDS)
        except (OSError, ValueError) as error:
            reasons.append(f"{server}: {_because(error)}")
    raise EnvironmentProblem(
        f"network: the platform cannot be reached ({'; '.join(reasons)}). Check this machine's connection, and that its"
        " firewall lets it out to that address; else ask the platform's operators whether it is up"
    )


def _secured(config: LabConfig, server: str, plain: socket.socket) -> socket.socket:
    if "SSL" not in config.security_protocol:
        return plain
    try:
        return _context(config).wrap_socket(plain, server_hostname=_address(server)[0])
    except ssl.SSLCertVerificationError as error:
        raise EnvironmentProblem(
            f"certificate: {server} showed one that your settings do not vouch for ({error.verify_message})."
            " Ask the platform's operators for new settings; if they changed nothing, somebody stands between"
        ) from None
    except (ssl.SSLError, OSError) as error:
        raise EnvironmentProblem(
            f"certificate: {server} does not speak TLS as expected ({_because(error)}); the address or port in your"
            " settings may be wrong, or a proxy stands between"
        ) from None


def _context(config: LabConfig) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cadata=config.ca_pem)
    except ssl.SSLError:
        raise EnvironmentProblem(
            "certificate: ca_pem in your settings is damaged; ask the platform's operators for them anew"
        ) from None


def _log_in(config: LabConfig, sock: socket.socket, server: str) -> None:
    handshake = _ask(sock, SaslHandshakeRequest(mechanism=config.sasl_mechanism, version=1), SaslHandshakeResponse, 1)
    if handshake.error_code:
        raise EnvironmentProblem(
            f"login: {server} does not take {config.sasl_mechanism}; ask the platform's operators for new settings"
        )
    scram = ScramClient(config.username, config.password, config.sasl_mechanism)
    for message, understand in _exchange(scram):
        try:
            answer = _ask(sock, SaslAuthenticateRequest(auth_bytes=message(), version=1), SaslAuthenticateResponse, 1)
            if not answer.error_code:
                understand(bytes(answer.auth_bytes))
                continue
        except ValueError:
            raise EnvironmentProblem(
                f"login: {server} does not know your password either: it is not the platform of your settings"
            ) from None
        raise EnvironmentProblem(
            f"login: {server} does not take the user {config.username} with the password in your settings. Either the"
            " password was changed (ask the platform's operators for the new file) or the site was disabled"
        )


def _exchange(scram: ScramClient) -> Iterator[tuple[Callable[[], bytes], Callable[[bytes], None]]]:
    yield scram.first_message, scram.process_server_first_message
    yield scram.final_message, scram.process_server_final_message


def _topics(config: LabConfig) -> list[Any]:
    return [MetadataRequest.MetadataRequestTopic(name=config.events_topic)]


def _topic_id(config: LabConfig, metadata: Any) -> uuid.UUID:
    (topic,) = metadata.topics
    if not topic.error_code:
        return uuid.UUID(str(topic.topic_id))
    error = for_code(topic.error_code)
    if error is TopicAuthorizationFailedError:
        raise EnvironmentProblem(
            f"topic: the user {config.username} may not write to {config.events_topic}; ask the platform's operators"
            " whether the site is still enabled"
        )
    if error is UnknownTopicOrPartitionError:
        raise EnvironmentProblem(
            f"topic: {config.events_topic} is not there; the platform may have been set up anew: ask its operators"
        )
    raise EnvironmentProblem(
        f"topic: {config.events_topic} is not ready ({error.__name__}); try again in a minute, then ask the operators"
    )


def _require_brokers(server: str, brokers: set[tuple[str, int]]) -> None:
    """The addresses that the broker gives for itself must be reachable too."""
    if _address(server) in brokers:
        return
    for host, port in sorted(brokers):
        try:
            socket.create_connection((host, port), SECONDS).close()
        except OSError as error:
            raise EnvironmentProblem(
                f"network: {server} answers but sends its clients to {host}:{port}, which cannot be reached"
                f" ({_because(error)}). The platform's operators have to set the address it advertises"
            ) from None


def _ask(sock: socket.socket, request: Any, response: Any, version: int) -> Any:
    """One request and its answer."""
    sock.settimeout(SECONDS)
    request.with_header(correlation_id=1, client_id="b12")
    try:
        sock.sendall(request.encode(framed=True, header=True))
        size = int.from_bytes(_read(sock, 4), "big")
        return response.decode(io.BytesIO(_read(sock, size)), version=version, header=True)
    except OSError as error:
        raise EnvironmentProblem(
            f"network: the platform stopped answering ({_because(error)}); try again, then ask its operators"
        ) from None


def _read(sock: socket.socket, size: int) -> bytes:
    parts = []
    while size:
        part = sock.recv(min(size, 65_536))
        if not part:
            raise ConnectionResetError("the connection was closed")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _address(server: str) -> tuple[str, int]:
    host, _, port = server.rpartition(":")
    return host.strip("[]"), int(port)


def _because(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer"
    if isinstance(error, socket.gaierror):
        return "there is no such host"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
