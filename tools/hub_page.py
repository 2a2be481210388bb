"""Generates docs/hub.md from the topology, the contracts and the reactions.

python -m tools.hub_page > docs/hub.md
"""

from __future__ import annotations

import json
from typing import Any

from google.protobuf.descriptor import Descriptor
from tabletop.hub.v1.envelope_pb2 import Envelope
from tabletop.hub.v1.error_pb2 import Error, ErrorDetails

from image_grpc.bridge.appearance import VISIBLE
from image_grpc.bridge.reactions import REACTIONS
from image_grpc.hub import topology
from tools.asyncapi import PUBLISHED, requests
from tools.contracts import UUID, comment_of, first_sentence

HEAD = """# The hub

What other services can do over the Message Hub, a RabbitMQ broker, without gRPC: call every unary RPC, receive the
events of the image service, and publish events that it reacts to. This page is generated (`make docs`) from the
tables and contracts of the code. [`asyncapi.yaml`](asyncapi.yaml) describes every channel, message and schema,
with examples, in AsyncAPI 3.

## Messages

A body is an envelope: JSON with content type `application/json`, or protobuf (`tabletop.hub.v1.Envelope`) with
`application/x-protobuf`. JSON is proto3 JSON with snake_case names: 64-bit numbers are strings, times are RFC
3339, durations end in `s`. Messages to the image service may use short lower-case enum values: `map` for
`IMAGE_TYPE_MAP`.
"""

PROPERTIES = """
Fields that an envelope leaves out are taken from the AMQP properties: `message_id`, `correlation_id`, `app_id`,
`type` (or the routing key), `timestamp`, `expiration`. A message without any id cannot be recognized when it is
delivered again. The headers `traceparent` and `tracestate` (W3C) are passed on to everything that a message
causes. An `expiration` counts from the arrival. Bodies are sent as they are: a message with another
`content_encoding`, such as `gzip`, is rejected.
"""

REQUESTS = """
## Requests

Publish to the exchange `{exchange}` with the routing key `image.rpc.<Service>.<Method>`. The payload is the
request message of the method.

- With the property `reply_to`, the reply is sent there, with the request's `correlation_id` property and content
  type. Its type is the routing key followed by `.reply`, or `error`.
- Without it the call is made as well, and its result is published as an event: `{completed}` or `{failed}`.
  Transient failures are retried for about an hour, or for the time-to-live; other failures are also dead-lettered.
- The deadline of the call is the remaining `time_to_live` of the envelope. Requests that have
  expired are not executed; if they have a `reply_to`, an `error` with the code `DEADLINE_EXCEEDED` is sent there. (The
  broker drops messages whose AMQP `expiration` passes in a queue without notice.)
- A request has at most 4 MiB.
- The envelope's `id` becomes the call's `request_id` if the method has one and the payload does not set it:
  sending the same message again has no further effect and returns the same result. Ids that are not UUIDs are
  converted.
- Unknown fields in a request are an error.
- A body that is not an envelope is dead-lettered; if it has a `reply_to`, an `error` is sent there.

| routing key | reply | description |
|---|---|---|"""

ERRORS = """
### Errors

The payload of an `error`. `{failed}` has the same fields, and also `request_id` and `method`:

| field | description |
|---|---|"""

EXAMPLES_HEAD = """
## Examples

A test publishes each example to a running service, with a new id, and compares the reply.
"""

PORTRAIT = {
    "theme": "fantasy",
    "species": "half-elf",
    "character_class": "ranger",
    "character_id": UUID,
    "size": {"width": 512, "height": 512},
    "wait_for": "60s",
}
EXAMPLES: list[tuple[str, str, Any, Any]] = [
    (
        "Generate a portrait and wait for it",
        "image.rpc.GenerationService.GeneratePortrait",
        PORTRAIT,
        {"generation": {"state": "GENERATION_STATE_SUCCEEDED", "image": {"version": "1"}}},
    ),
    (
        "List the images of a character",
        "image.rpc.ImageService.ListImages",
        {"source_id": UUID, "type": "character", "page_size": 20},
        {"images": [{"type": "IMAGE_TYPE_CHARACTER", "metadata": {"source_id": UUID}}], "next_page_token": ""},
    ),
    (
        "List the maps of a campaign",
        "image.rpc.ImageService.ListImages",
        {"source_id": "7a5b1c52-6a0c-4c3f-9d53-0d6f2f1c7b11", "type": "map"},
        {"images": [], "next_page_token": ""},
    ),
    (
        "Send an invalid request",
        "image.rpc.GenerationService.GeneratePortrait",
        {"theme": "Fantasy!"},
        {"error": {"code": "INVALID_THEME", "details": {"field": "theme", "retryable": False}}},
    ),
]
EVENT_EXAMPLES: list[tuple[str, str, Any]] = [
    (
        "A character changed: its portraits get a new version",
        topology.CHARACTER_UPDATED,
        {"character_id": UUID, "changes": {"appearance": {"hair": "silver"}, "equipment": ["longbow", "cloak"]}},
    ),
    (
        "A campaign changes its theme: the theme is applied to its images",
        topology.CAMPAIGN_THEME_CHANGED,
        {"campaign_id": "7a5b1c52-6a0c-4c3f-9d53-0d6f2f1c7b11", "new_theme": "horror"},
    ),
]


def page() -> str:
    """Return the page."""
    lines = [HEAD, "| field | description |", "|---|---|", *_fields(Envelope.DESCRIPTOR), PROPERTIES]
    lines += ["## Exchanges and queues", ""]
    lines += [
        f"Events use the topic exchange `{topology.EVENTS}`, requests `{topology.REQUESTS}`. The changes that the",
        f"Storage Service announces are for this service alone and use `{topology.CHANGES}`.",
        "",
    ]
    lines += ["| queue | bound to |", "|---|---|"]
    for queue in topology.QUEUES:
        bound = ", ".join(f"`{pattern}` of `{exchange}`" for exchange, pattern in queue.bindings)
        lines.append(f"| `{queue.name}` | {bound or 'nothing; messages are published to the queue by name'} |")
    names = {"exchange": topology.REQUESTS, "completed": topology.RPC_COMPLETED, "failed": topology.RPC_FAILED}
    lines.append(REQUESTS.format(**names))
    for key, _, response, comment in requests():
        if key.startswith(topology.RPC):
            lines.append(f"| `{key}` | `{response.name}` | {first_sentence(comment)} |")
    lines.append(ERRORS.format(**names))
    lines += _fields(Error.DESCRIPTOR, "error.", skip="details")
    lines += _fields(ErrorDetails.DESCRIPTOR, "error.details.")
    lines += ["", "## Events that the service publishes", ""]
    for event, payload in PUBLISHED.items():
        lines += _event(event, payload.DESCRIPTOR)
    lines += ["## Events that the service reacts to", ""]
    lines += [
        "Each event takes effect once, even if it is delivered several times. Events about the same character,",
        "campaign or map are handled in order of arrival; after a transient failure, an event is retried before",
        "the next one. Events that cannot be handled are dead-lettered: `image-grpc dead-letters --help`.",
        "",
    ]
    for reaction in REACTIONS:
        lines += _event(reaction.event, reaction.payload.DESCRIPTOR, reaction.description)
    lines += [
        f"Changes that are visible in portraits: {', '.join(f'`{name}`' for name in sorted(VISIBLE))}.",
        EXAMPLES_HEAD,
    ]
    for title, key, payload, reply in EXAMPLES:
        lines += _example(title, topology.REQUESTS, key, key, payload)
        lines += ["The payload of the reply contains:", "", "```json", json.dumps(reply, indent=2), "```", ""]
    for title, event, payload in EVENT_EXAMPLES:
        lines += _example(title, topology.EVENTS, topology.event_routing_key(event), event, payload)
    return "\n".join(lines).rstrip() + "\n"


def _event(event: str, payload: Descriptor, description: str = "") -> list[str]:
    heading = [f"### `{event}`", "", f"Routing key `{topology.event_routing_key(event)}`. {description}".rstrip(), ""]
    return [*heading, "| field | description |", "|---|---|", *_fields(payload), ""]


def _fields(message: Descriptor, prefix: str = "", skip: str = "") -> list[str]:
    return [
        f"| `{prefix}{field.name}` | {comment_of(field.full_name).replace('|', chr(92) + '|')} |"
        for field in message.fields
        if field.name != skip
    ]


def _example(title: str, exchange: str, key: str, type_: str, payload: Any) -> list[str]:
    body = {
        "id": "b3a1a0c8-52a4-4a55-8a1f-1d0b3a0e6f01",
        "correlation_id": "9d1d2c1e-61c0-4b57-9a3e-5a0b6f0c7d02",
        "source_service": "campaign-service",
        "type": type_,
        "version": 1,
        "payload": payload,
    }
    where = f"To the exchange `{exchange}` with the routing key `{key}`:"
    return [f"### {title}", "", where, "", "```json", json.dumps(body, indent=2), "```", ""]


if __name__ == "__main__":
    print(page(), end="")
