"""Generates docs/asyncapi.yaml: all channels, messages and schemas of the hub, from the tables that the code uses.

python -m tools.asyncapi          writes the document to standard output
python -m tools.asyncapi FILE     validates a document and its examples
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from google.protobuf.descriptor import Descriptor
from tabletop.hub.v1 import error_pb2, events_pb2
from tabletop.hub.v1.envelope_pb2 import Envelope
from tabletop.storage.v1 import storage_pb2

from image_grpc import __version__
from image_grpc.bridge.client import unary_methods
from image_grpc.bridge.reactions import REACTIONS
from image_grpc.hub import topology
from tools.contracts import comment_of, first_sentence
from tools.hub_examples import CAMPAIGN, CHARACTER, EVENTS, REQUESTS, STORAGE, TIME, example
from tools.json_schemas import reference, schemas

PUBLISHED = {
    topology.IMAGE_GENERATED: events_pb2.ImageGenerated,
    topology.OVERLAY_UPDATED: events_pb2.OverlayUpdated,
    topology.MAP_UPDATED: events_pb2.MapUpdated,
    topology.THEME_APPLIED: events_pb2.ThemeApplied,
    topology.RPC_COMPLETED: events_pb2.RpcCompleted,
    topology.RPC_FAILED: events_pb2.RpcFailed,
    topology.STORAGE_CHANGED: storage_pb2.StorageChanged,
}
STORAGE_OPERATIONS = {
    topology.STORE: (storage_pb2.StoreRequest, storage_pb2.StoreResponse),
    topology.RETRIEVE: (storage_pb2.RetrieveRequest, storage_pb2.RetrieveResponse),
    topology.DELETE: (storage_pb2.DeleteRequest, storage_pb2.DeleteResponse),
    topology.LIST: (storage_pb2.ListRequest, storage_pb2.ListResponse),
}
SCHEMA = Path(__file__).parent / "vendor" / "asyncapi-3.0.0.json"
DESCRIPTION = """The messages of image-grpc on the Message Hub, a RabbitMQ broker. Every body is an envelope. The
actions are those of image-grpc: other services publish what it receives, and receive what it sends. The channels
`image.storage.*` and the exchange `tabletop.changes` are for the Storage Service of the platform alone. docs/hub.md is
the guide for other services. Generated from the contracts."""
SERVERS = {
    "rabbitmq": {
        "host": "rabbitmq:5672",
        "protocol": "amqp",
        "protocolVersion": "0.9.1",
        "description": "The broker of the platform. The operator sets its address with IMAGE_GRPC_HUB_URL.",
        "security": [{"type": "userPassword"}],
    }
}
SENT = ["id", "correlation_id", "source_service", "type", "version", "timestamp", "payload"]
"""The fields of an envelope that the service sends."""
RECEIVED = ["payload"]
"""The fields that an envelope for the service needs. The others may be properties of the message."""


def requests() -> Iterator[tuple[str, Descriptor, Descriptor, str]]:
    """Yield the routing key, request, response and comment of each type of request."""
    for name, method in unary_methods().items():
        yield topology.RPC + name, method.input_type, method.output_type, comment_of(method.full_name)
    for key, (request, response) in STORAGE_OPERATIONS.items():
        yield key, request.DESCRIPTOR, response.DESCRIPTOR, comment_of(request.DESCRIPTOR.full_name)


class _Document:
    """The parts of the document that grow while it is written."""

    def __init__(self) -> None:
        self.channels: dict[str, Any] = {}
        self.operations: dict[str, Any] = {}
        self.messages: dict[str, Any] = {}
        self.schemas: dict[str, Any] = {}

    def event(self, event: str, payload: Descriptor, action: str, description: str) -> None:
        """Add an event that the service sends or receives."""
        key = topology.event_routing_key(event)
        required = SENT if action == "send" else RECEIVED
        message = self.message(payload.name, event, payload, required, EVENTS.get(event) or example(payload))
        self.channel(key, topology.event_exchange(key), payload, message)
        verb = {"send": "publish", "receive": "consume"}[action]
        self.operations[f"{verb}.{event}"] = {"action": action, "channel": _channel(key), "description": description}

    def request(self, key: str, request: Descriptor, response: Descriptor, comment: str) -> None:
        """Add a request, and the channel of its replies."""
        payload = REQUESTS[key.removeprefix(topology.RPC)] if key.startswith(topology.RPC) else STORAGE[key]
        self.channel(key, topology.REQUESTS, request, self.message(request.name, key, request, RECEIVED, payload))
        reply = f"{key}.reply"
        self.message(response.name, reply, response, SENT, example(response))
        self.channels[reply] = {
            "address": None,
            "description": f"The replies to `{key}`, in the queue that the property `reply_to` of a request names.",
            "messages": {name: _message(name) for name in (response.name, "ErrorReply")},
        }
        self.operations[f"reply.{key}"] = {
            "action": "receive",
            "channel": _channel(key),
            "description": comment,
            "reply": {"address": {"location": "$message.header#/reply_to"}, "channel": _channel(reply)},
        }

    def channel(self, key: str, exchange: str, payload: Descriptor, message: str) -> None:
        """Add the channel of a routing key."""
        self.channels[key] = {
            "address": key,
            "description": comment_of(payload.full_name),
            "messages": {message: _message(message)},
            "bindings": {
                "amqp": {
                    "is": "routingKey",
                    "exchange": {"name": exchange, "type": "topic", "durable": True, "autoDelete": False},
                }
            },
        }

    def message(self, name: str, type_: str, payload: Descriptor, required: list[str], content: Any) -> str:
        """Add a message with the schema of its envelope, and return its name."""
        properties = {"type": {"type": "string", "const": type_}, "payload": reference(payload)}
        part = {"type": "object", "properties": properties, "required": required}
        self.schemas[f"{name}Envelope"] = {"allOf": [reference(Envelope.DESCRIPTOR), part]}
        envelope = {
            "id": CHARACTER,
            "correlation_id": CAMPAIGN,
            "source_service": "image-service" if required is SENT else "campaign-service",
            "type": type_,
            "version": 1,
            "timestamp": TIME,
        }
        self.messages[name] = {
            "name": type_,
            "title": payload.name,
            "summary": first_sentence(comment_of(payload.full_name)),
            "contentType": "application/json",
            "correlationId": {"location": "$message.payload#/correlation_id"},
            "payload": {"$ref": f"#/components/schemas/{name}Envelope"},
            "examples": [{"payload": envelope | {"payload": content}}],
        }
        return name


def document() -> dict[str, Any]:
    """Return the AsyncAPI document."""
    parts = _Document()
    for event, published in PUBLISHED.items():
        parts.event(event, published.DESCRIPTOR, "send", comment_of(published.DESCRIPTOR.full_name))
    for reaction in REACTIONS:
        parts.event(reaction.event, reaction.payload.DESCRIPTOR, "receive", reaction.description)
    error = error_pb2.ErrorReply.DESCRIPTOR
    parts.message(error.name, topology.ERROR, error, SENT, example(error))
    for key, request, response, comment in requests():
        parts.request(key, request, response, comment)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "image-grpc",
            "version": __version__,
            "description": " ".join(DESCRIPTION.split()),
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": SERVERS,
        "channels": parts.channels,
        "operations": parts.operations,
        "components": {"messages": parts.messages, "schemas": dict(sorted((_schemas() | parts.schemas).items()))},
    }


def _channel(key: str) -> dict[str, str]:
    return {"$ref": f"#/channels/{key}"}


def _message(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/messages/{name}"}


def _schemas() -> dict[str, Any]:
    payloads = [each.DESCRIPTOR for each in (*PUBLISHED.values(), error_pb2.ErrorReply, Envelope)]
    payloads += [reaction.payload.DESCRIPTOR for reaction in REACTIONS]
    payloads += [each for _, request, response, _ in requests() for each in (request, response)]
    return schemas(payloads)


def validate(document: dict[str, Any]) -> None:
    """Raise ValidationError if the document or one of its examples is invalid."""
    jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(document)
    for message in document["components"]["messages"].values():
        schema = message["payload"] | {"components": document["components"]}  # draft 7 ignores what is next to a $ref
        for each in message["examples"]:
            jsonschema.Draft7Validator(schema).validate(each["payload"])


if __name__ == "__main__":
    if sys.argv[1:]:
        validate(yaml.safe_load(Path(sys.argv[1]).read_text()))
        print(f"{sys.argv[1]}: valid AsyncAPI 3 document")
    else:
        print("# Generated by `make docs`.")
        print(yaml.safe_dump(document(), sort_keys=False, allow_unicode=True, width=115), end="")
