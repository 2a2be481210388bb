"""Writes docs/hub.md from the topology, the contracts and the reactions.

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
from tools.contracts import UUID, first_sentence, said

HEAD = """# The hub

What other services can do with the Message Hub, a RabbitMQ, and no gRPC: call every unary RPC, hear what the
image service tells, and have it react to what they tell. This page is generated (`make docs`) from the tables and
contracts of the code; [`asyncapi.yaml`](asyncapi.yaml) has each channel, message and schema with an example, as
AsyncAPI 3.

## Messages

A body is an envelope: JSON with content type `application/json`, or protobuf (`tabletop.hub.v1.Envelope`) with
`application/x-protobuf`. JSON is proto3 JSON with snake_case names: 64-bit numbers are strings, times are RFC
3339, durations end in `s`. In what is sent to the image service, the values of enums can be short and in lower
case: `map` for `IMAGE_TYPE_MAP`.
"""

LENIENT = """
What an envelope leaves out is taken from the AMQP properties: `message_id`, `correlation_id`, `app_id`, `type`
(or the routing key), `timestamp`, `expiration`. Without any id, a message that is delivered twice is another one
the second time. The headers `traceparent` and `tracestate` (W3C) are carried through to all that a message
causes.
"""

REQUESTS = """
## Requests

Publish to the exchange `{exchange}` with the routing key `image.rpc.<Service>.<Method>`; the payload is the
method's request.

- With the property `reply_to`, the answer goes there, with the request's `correlation_id` property and content
  type. Its type is that of the routing key and `.reply`, or `error`.
- Without it the call is made all the same, and its outcome is an event: `{completed}` or `{failed}`. What may
  pass is tried again for about an hour, or for the time-to-live; what cannot goes to the dead letters as well.
- The call's deadline is what is left of the envelope's `time_to_live`. A request whose time is over is not
  executed.
- The envelope's `id` becomes the call's `request_id` where the method has one and the payload does not say it:
  the same message again has the same effect, and the same answer. An id that is no UUID is turned into one.
- A field that the method does not have is an error, in a request.
- A body that is no envelope goes to the dead letters; who awaits a reply gets an `error`.

| routing key | answer | what it does |
|---|---|---|"""

ERRORS = """
### Errors

The payload of an `error`, and of `{failed}` besides `request_id` and `method`:

| field | meaning |
|---|---|"""

EXAMPLES_HEAD = """
## Examples

A test publishes each of these to a running service, with an id of its own, and compares the answers.
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
        "A portrait, finished",
        "image.rpc.GenerationService.GeneratePortrait",
        PORTRAIT,
        {"generation": {"state": "GENERATION_STATE_SUCCEEDED", "image": {"version": "1"}}},
    ),
    (
        "The gallery of a character",
        "image.rpc.ImageService.ListImages",
        {"source_id": UUID, "type": "character", "page_size": 20},
        {"images": [{"type": "IMAGE_TYPE_CHARACTER", "metadata": {"source_id": UUID}}], "next_page_token": ""},
    ),
    (
        "The maps of a campaign",
        "image.rpc.ImageService.ListImages",
        {"source_id": "7a5b1c52-6a0c-4c3f-9d53-0d6f2f1c7b11", "type": "map"},
        {"images": [], "next_page_token": ""},
    ),
    (
        "What is wrong with a request",
        "image.rpc.GenerationService.GeneratePortrait",
        {"theme": "Fantasy!"},
        {"error": {"code": "INVALID_THEME", "details": {"field": "theme", "retryable": False}}},
    ),
]
EVENT_EXAMPLES: list[tuple[str, str, Any]] = [
    (
        "A character has changed: its portraits get a new version",
        topology.CHARACTER_UPDATED,
        {"character_id": UUID, "changes": {"appearance": {"hair": "silver"}, "equipment": ["longbow", "cloak"]}},
    ),
    (
        "A campaign has another theme: so get its pictures (theme sync)",
        topology.CAMPAIGN_THEME_CHANGED,
        {"campaign_id": "7a5b1c52-6a0c-4c3f-9d53-0d6f2f1c7b11", "new_theme": "horror"},
    ),
]


def page() -> str:
    """The text."""
    lines = [HEAD, "| field | meaning |", "|---|---|", *_fields(Envelope.DESCRIPTOR), LENIENT]
    lines += ["## Exchanges and queues", ""]
    lines += [f"`{topology.EVENTS}` has all events, `{topology.REQUESTS}` all requests; both are topic exchanges.", ""]
    lines += ["| queue of the service | bound to |", "|---|---|"]
    for queue in topology.QUEUES:
        bound = ", ".join(f"`{pattern}` of `{exchange}`" for exchange, pattern in queue.bindings)
        lines.append(f"| `{queue.name}` | {bound or 'nothing: it is published to by name'} |")
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
        "Each takes effect once, however often it is delivered. Those about the same character, campaign or map",
        "are taken one after the other, as they came; what may pass is tried again while those behind it wait.",
        "What cannot be done goes to the dead letters with its reason: `image-grpc dead-letters --help`.",
        "",
    ]
    for reaction in REACTIONS:
        lines += _event(reaction.event, reaction.payload.DESCRIPTOR, " ".join((reaction.react.__doc__ or "").split()))
    lines += [
        f"Changes that are seen in portraits: {', '.join(f'`{name}`' for name in sorted(VISIBLE))}.",
        EXAMPLES_HEAD,
    ]
    for title, key, payload, answer in EXAMPLES:
        lines += _example(title, topology.REQUESTS, key, key, payload)
        lines += [
            "The payload of the answer has, among others:",
            "",
            "```json",
            json.dumps(answer, indent=2),
            "```",
            "",
        ]
    for title, event, payload in EVENT_EXAMPLES:
        lines += _example(title, topology.EVENTS, topology.event_routing_key(event), event, payload)
    return "\n".join(lines).rstrip() + "\n"


def _event(event: str, payload: Descriptor, done: str = "") -> list[str]:
    heading = [f"### `{event}`", "", f"Routing key `{topology.event_routing_key(event)}`. {done}".rstrip(), ""]
    return [*heading, "| field | meaning |", "|---|---|", *_fields(payload), ""]


def _fields(message: Descriptor, prefix: str = "", skip: str = "") -> list[str]:
    return [
        f"| `{prefix}{field.name}` | {said(field.full_name).replace('|', chr(92) + '|')} |"
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
