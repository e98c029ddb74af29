"""AsyncAPI 3 description of what a partner site meets on the broker: its three topics and the events on them.

Broker settings and the rights of a site belong to b12/registration.py.
"""

from typing import Any

from contracts import VERSION
from contracts.events import DATA, KINDS
from contracts.receipts import RefusedDelivery
from contracts.shapes import field_docs
from contracts.site import SITE_ID

Document = dict[str, Any]


def document() -> Document:
    """The whole description; schemas of the kinds are referred to by their file beside it."""
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
            "receipts": _channel("receipts", "What became of the site's events, at least once.", ["receipt"]),
            "alerts": _channel("alerts", "What in the site's events needs a look soon.", ["alert"]),
        },
        "operations": {
            "sendEvents": _operation("send", "events", "Say what was measured, given, observed or agreed to."),
            "readReceipts": _operation("receive", "receipts", "Learn which events were refused, and what to do."),
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
                "receipt": _receipt(),
                "alert": _alert(),
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


def _receipt() -> Document:
    docs = field_docs(RefusedDelivery)
    return {
        "name": "b12.receipt.v1",
        "title": "Receipt",
        "summary": "What became of the deliveries of one partition between two offsets. Ranges of two receipts may "
        "overlap, and then say the same of the same offset.",
        "contentType": "application/cloudevents+json",
        "payload": {
            "type": "object",
            "required": ["specversion", "id", "source", "type", "data"],
            "properties": {
                "type": {"const": "b12.receipt.v1"},
                "data": {
                    "type": "object",
                    "properties": {
                        "site": {"type": "string"},
                        "topic_uuid": {"type": "string", "description": "A topic made again has another UUID."},
                        "partition": {"type": "integer"},
                        "from_offset": {"type": "integer"},
                        "to_offset": {"type": "integer", "description": "The first offset that is not meant."},
                        "accepted": {"type": "integer", "description": "Accepted deliveries are counted, not listed."},
                        "refused": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "required": ["offset", "rule", "path", "fix"],
                                "properties": {
                                    name: {"type": "integer" if name == "offset" else "string", "description": doc}
                                    for name, doc in docs.items()
                                },
                            },
                        },
                    },
                },
            },
        },
    }


def _alert() -> Document:
    return {
        "name": "b12.alert.v1",
        "title": "Alert",
        "summary": "An infant of the site that needs a look soon. It does not replace the laboratory's own call of a "
        "critical value.",
        "contentType": "application/cloudevents+json",
        "payload": {
            "type": "object",
            "required": ["specversion", "id", "source", "type", "data"],
            "properties": {
                "type": {"const": "b12.alert.v1"},
                "id": {"type": "string", "description": "What an acknowledgement names in its field `alert`."},
                "data": {"type": "object"},
            },
        },
    }
