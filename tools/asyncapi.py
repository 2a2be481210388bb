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
from tools.contracts import TIME, UUID, comment_of, example, first_sentence, reference, schemas

PUBLISHED = {
    topology.IMAGE_GENERATED: events_pb2.ImageGenerated,
    topology.OVERLAY_UPDATED: events_pb2.OverlayUpdated,
    topology.THEME_APPLIED: events_pb2.ThemeApplied,
    topology.RPC_COMPLETED: events_pb2.RpcCompleted,
    topology.RPC_FAILED: events_pb2.RpcFailed,
    topology.STORAGE_CHANGED: storage_pb2.StorageChanged,
}
STORAGE = {
    topology.STORE: (storage_pb2.StoreRequest, storage_pb2.StoreResponse),
    topology.RETRIEVE: (storage_pb2.RetrieveRequest, storage_pb2.RetrieveResponse),
    topology.DELETE: (storage_pb2.DeleteRequest, storage_pb2.DeleteResponse),
    topology.LIST: (storage_pb2.ListRequest, storage_pb2.ListResponse),
}
SCHEMA = Path(__file__).parent / "vendor" / "asyncapi-3.0.0.json"
REPLIES = "replies"
DESCRIPTION = """The messages of image-grpc on the Message Hub, a RabbitMQ broker. Every body is an envelope. The
actions are those of image-grpc: other services publish what it receives. Generated from the contracts."""


def requests() -> Iterator[tuple[str, Descriptor, Descriptor, str]]:
    """Yield the routing key, request, response and comment of each type of request."""
    for name, method in unary_methods().items():
        yield topology.RPC + name, method.input_type, method.output_type, comment_of(method.full_name)
    for key, (request, response) in STORAGE.items():
        yield key, request.DESCRIPTOR, response.DESCRIPTOR, comment_of(request.DESCRIPTOR.full_name)


def document() -> dict[str, Any]:
    """Return the AsyncAPI document."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}

    def channel(key: str, exchange: str, payload: Descriptor) -> None:
        messages[payload.name] = _message(key, payload)
        channels[key] = {
            "address": key,
            "description": comment_of(payload.full_name),
            "messages": {payload.name: {"$ref": f"#/components/messages/{payload.name}"}},
            "bindings": {
                "amqp": {
                    "is": "routingKey",
                    "exchange": {"name": exchange, "type": "topic", "durable": True, "autoDelete": False},
                }
            },
        }

    for event, payload in PUBLISHED.items():
        key = topology.event_routing_key(event)
        channel(key, topology.event_exchange(key), payload.DESCRIPTOR)
        messages[payload.DESCRIPTOR.name]["name"] = event
        operations[f"publish.{event}"] = {"action": "send", "channel": _channel(key)}
    for reaction in REACTIONS:
        key = topology.event_routing_key(reaction.event)
        channel(key, topology.EVENTS, reaction.payload.DESCRIPTOR)
        messages[reaction.payload.DESCRIPTOR.name]["name"] = reaction.event
        operations[f"consume.{reaction.event}"] = {
            "action": "receive",
            "channel": _channel(key),
            "description": reaction.description,
        }
    replies: dict[str, Any] = {}
    for key, request, response, comment in requests():
        channel(key, topology.REQUESTS, request)
        for name, result in ((f"{key}.reply", response), (topology.ERROR, error_pb2.ErrorReply.DESCRIPTOR)):
            messages[result.name] = _message(name, result)
            replies[result.name] = {"$ref": f"#/components/messages/{result.name}"}
        operations[f"reply.{key}"] = {
            "action": "receive",
            "channel": _channel(key),
            "description": comment,
            "reply": {
                "address": {"location": "$message.header#/reply_to"},
                "channel": _channel(REPLIES),
                "messages": [
                    {"$ref": f"#/channels/{REPLIES}/messages/{name}"} for name in (response.name, "ErrorReply")
                ],
            },
        }
    channels[REPLIES] = {
        "address": None,
        "description": "The queue named by the AMQP property `reply_to` of a request.",
        "messages": replies,
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "image-grpc",
            "version": __version__,
            "description": " ".join(DESCRIPTION.split()),
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": _schemas()},
    }


def _channel(key: str) -> dict[str, str]:
    return {"$ref": f"#/channels/{key}"}


def _message(type_: str, payload: Descriptor) -> dict[str, Any]:
    envelope = {
        "id": UUID,
        "correlation_id": UUID,
        "source_service": "campaign-service",
        "type": type_,
        "version": 1,
        "timestamp": TIME,
    }
    return {
        "name": type_,
        "title": payload.name,
        "summary": first_sentence(comment_of(payload.full_name)),
        "contentType": "application/json",
        "correlationId": {"location": "$message.payload#/correlation_id"},
        "payload": {
            "allOf": [reference(Envelope.DESCRIPTOR), {"type": "object", "properties": {"payload": reference(payload)}}]
        },
        "examples": [{"payload": envelope | {"payload": example(payload)}}],
    }


def _schemas() -> dict[str, Any]:
    payloads = [each.DESCRIPTOR for each in (*PUBLISHED.values(), error_pb2.ErrorReply, Envelope)]
    payloads += [reaction.payload.DESCRIPTOR for reaction in REACTIONS]
    payloads += [each for _, request, response, _ in requests() for each in (request, response)]
    return schemas(payloads)


def validate(document: dict[str, Any]) -> None:
    """Raise ValidationError if the document or one of its examples is invalid."""
    jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(document)
    for message in document["components"]["messages"].values():
        schema = message["payload"] | {"components": document["components"]}
        for each in message["examples"]:
            jsonschema.Draft7Validator(schema).validate(each["payload"])


if __name__ == "__main__":
    if sys.argv[1:]:
        validate(yaml.safe_load(Path(sys.argv[1]).read_text()))
        print(f"{sys.argv[1]}: valid AsyncAPI 3 document")
    else:
        print("# Generated by `make docs`.")
        print(yaml.safe_dump(document(), sort_keys=False, allow_unicode=True, width=115), end="")
