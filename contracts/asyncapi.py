"""AsyncAPI 3 description of what a partner site meets on the broker: its three topics and the events on them.

Broker settings and the rights of a site belong to b12/registration.py.
"""

from collections.abc import Iterable
from typing import Any

from contracts import VERSION, json_schemas
from contracts.alerts import AlertDigestEvent, AlertEvent
from contracts.events import DATA, KINDS
from contracts.platform_event import PlatformEvent
from contracts.receipts import Receipt
from contracts.replay_receipts import ReplayReceipt
from contracts.site import SITE_ID
from contracts.verdict_receipts import VerdictReceipt

Document = dict[str, Any]

RECEIPTS: tuple[type[PlatformEvent[Any]], ...] = (Receipt, ReplayReceipt, VerdictReceipt)
"""What a site reads on its receipts topic."""
ALERTS: tuple[type[PlatformEvent[Any]], ...] = (AlertEvent, AlertDigestEvent)
"""What a site reads on its alerts topic."""


def document() -> Document:
    """The whole description; schemas of the kinds are referred to by their file beside it."""
    sent = (*RECEIPTS, *ALERTS)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "b12 registry: events of a partner site",
            "version": f"{VERSION}.0.0",
            "description": (
                "A site sends CloudEvents 1.0 in structured mode, one JSON object per Kafka record, to its own events "
                "topic, and reads from two topics of its own what became of them and what needs a look. "
                "Key and headers of a record are not read, except that a binary-mode CloudEvent is refused."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/cloudevents+json",
        "servers": {
            "sites": {
                "host": "{host}:{port}",
                "protocol": "kafka-secure",
                "description": "The sites' listener: TLS, and SCRAM-SHA-256 with the site's own credentials.",
                "variables": {
                    "host": {"description": "As the site's config file says.", "default": "localhost"},
                    "port": {"description": "As the site's config file says.", "default": "9094"},
                },
                "security": [{"$ref": "#/components/securitySchemes/scram"}],
            }
        },
        "channels": {
            "events": _channel("events", "What the site says.", list(KINDS)),
            "receipts": _channel("receipts", "What became of the site's events, at least once.", _names(RECEIPTS)),
            "alerts": _channel("alerts", "What in the site's events needs a look soon, at least once.", _names(ALERTS)),
        },
        "operations": {
            "sendEvents": _operation("send", "events", "Say what was measured, given, observed or agreed to."),
            "readReceipts": _operation("receive", "receipts", "Learn what became of the events, and what to do."),
            "readAlerts": _operation("receive", "alerts", "Learn which infants need a look soon."),
        },
        "components": {
            "securitySchemes": {
                "scram": {
                    "type": "scramSha256",
                    "description": "User name and password stand in the config file that `b12 site add` writes.",
                }
            },
            "messages": {
                **{kind: _event(kind) for kind in KINDS},
                **{name: _message(struct) for name, struct in zip(_names(sent), sent, strict=True)},
            },
        },
    }


def _channel(name: str, description: str, messages: list[str]) -> Document:
    return {
        "address": f"b12.site.{{site}}.{name}",
        "description": description,
        "servers": [{"$ref": "#/servers/sites"}],
        "parameters": {"site": {"description": f"The site's name, {SITE_ID}.", "examples": ["BLR01"]}},
        "messages": {message: {"$ref": f"#/components/messages/{message}"} for message in messages},
    }


def _operation(action: str, channel: str, summary: str) -> Document:
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "summary": summary}


def _event(kind: str) -> Document:
    return {
        "name": f"b12.{kind}.v1",
        "title": kind.replace("_", " ").capitalize(),
        "summary": str(DATA[kind].__doc__),
        "contentType": "application/cloudevents+json",
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": f"./schemas/b12.{kind}.v1.json"},
        },
    }


def _message(struct: type[PlatformEvent[Any]]) -> Document:
    _, name, _ = _type(struct).split(".")
    return {
        "name": _type(struct),
        "title": name.replace("_", " ").capitalize(),
        "summary": " ".join(str(struct.__doc__).split()),
        "contentType": "application/cloudevents+json",
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": json_schemas.message(struct),
        },
    }


def _names(structs: Iterable[type[PlatformEvent[Any]]]) -> list[str]:
    return [_type(struct).split(".")[1] for struct in structs]


def _type(struct: type[PlatformEvent[Any]]) -> str:
    return str(struct.__struct_config__.tag)
