"""Generates docs/hub.md from the topology, the contracts and the reactions.

python -m tools.hub_page > docs/hub.md
"""

from __future__ import annotations

import json
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from tabletop.hub.v1.envelope_pb2 import Envelope
from tabletop.hub.v1.error_pb2 import Error, ErrorDetails

from image_grpc.bridge.appearance import VISIBLE
from image_grpc.bridge.client import services
from image_grpc.bridge.reactions import REACTIONS
from image_grpc.hub import topology
from tools.asyncapi import PUBLISHED, requests
from tools.contract_tables import MessageTables, comment_cell, enum_table
from tools.contracts import comment_of
from tools.hub_examples import CAMPAIGN, CHARACTER, EVENTS, REQUESTS
from tools.json_schemas import WELL_KNOWN, parts

HEAD = """# The hub

What other services can do over the Message Hub, a RabbitMQ broker, without gRPC: call every unary RPC, receive the
events of the image service, and publish events that it reacts to. This page is generated (`make docs`) from the
tables and contracts of the code. [`asyncapi.yaml`](asyncapi.yaml) describes every channel, message and schema,
with examples, in AsyncAPI 3. Programs that do all of this:
[`clients/hub`](https://github.com/tabletop-images/image-grpc/tree/main/clients/hub).

What the hub cannot do:

- {streams}
  are streams and have no form on the hub. So the bytes of pictures are neither read nor uploaded over it: a service
  that needs them calls `ReadImage` or `UploadImage` by gRPC. A generation is followed with `WaitGeneration` or the
  event `image_generated`, an image with the events.
- Senders have no identity of their own. Every request has the rights of the bridge, and who may send requests is up to
  the permissions of RabbitMQ. Methods of administrators are not available.

## Messages

A body is an envelope: JSON with content type `application/json`, or protobuf (`tabletop.hub.v1.Envelope`) with
`application/x-protobuf`. JSON is proto3 JSON with snake_case names: 64-bit numbers are strings, times are RFC
3339, durations end in `s`. Messages to the image service may use short lower-case enum values: `map` for
`IMAGE_TYPE_MAP`.
"""

PROPERTIES = """
Fields that an envelope leaves out are taken from the AMQP properties: `message_id`, `correlation_id`, `app_id`,
`type` (or the routing key), `timestamp`, `expiration`. An envelope needs a `type` of its own or a `payload`. Unknown
fields of an envelope are ignored, so check the spelling. A `time_to_live` without a `timestamp` counts from the
arrival. A message without any id cannot be recognized when it is delivered again. The headers `traceparent` and
`tracestate` (W3C) are passed on to everything that a message causes. An `expiration` counts from the
arrival. Bodies are sent as they are: a message with another `content_encoding`, such as `gzip`, is rejected.
"""

REQUESTS_HEAD = """
## Requests

Publish to the exchange `{exchange}` with the routing key `image.rpc.<Service>.<Method>`. The payload is the
request message of the method.

- With the property `reply_to`, the reply is sent there, with the request's `correlation_id` property and content
  type. Its type is the routing key followed by `.reply`, or `error`.
- Without it the call is made as well, and its result is published as an event: `{completed}` or `{failed}`.
  Transient failures are retried for about an hour, or for the time-to-live; other failures are also dead-lettered.
- The deadline of the call is the remaining `time_to_live` of the envelope; without one, it is a setting of the bridge
  ([`IMAGE_GRPC_RPC_MAX_SECONDS`](settings.md)). Requests that have
  expired are not executed; if they have a `reply_to`, an `error` with the code `DEADLINE_EXCEEDED` is sent there. (The
  broker drops messages whose AMQP `expiration` passes in a queue without notice.)
- A request has at most 4 MiB.
- The envelope's `id` becomes the call's `request_id` if the method has one and the payload does not set it:
  sending the same message again has no further effect and returns the same result. Another request with this id is an
  error, so give each request an id of its own. Ids that are not UUIDs are converted.
- Unknown fields in a request are an error.
- A body that is not an envelope is dead-lettered; if it has a `reply_to`, an `error` is sent there.
"""

ERRORS = """
### Errors

The payload of an `error`. `{failed}` has the same fields, and also `request_id` and `method`. All codes are in the
[reference](reference/errors.md).

| field | description |
|---|---|"""

EXAMPLES_HEAD = """
## Examples

A test publishes each example of this page to a running service, with a new id, and compares the reply.
"""

MALFORMED: list[tuple[str, str, Any, str, str]] = [
    ("a body that is not JSON", "ThemeService.GetTheme", "{not json", "INVALID_ARGUMENT", ""),
    ("a body that is no object", "ThemeService.GetTheme", "[]", "INVALID_ARGUMENT", ""),
    ("a payload that is no object", "ThemeService.GetTheme", [1], "INVALID_ARGUMENT", ""),
    ("a method that does not exist", "ThemeService.PaintTheme", {}, "UNIMPLEMENTED", ""),
    ("a method that streams", "ImageService.ReadImage", {}, "UNIMPLEMENTED", ""),
    ("an unknown field", "ThemeService.GetTheme", {"theem": "horror"}, "INVALID_ARGUMENT", "theem"),
    (
        "a value of the wrong type",
        "GenerationService.GeneratePortrait",
        {"theme": "horror", "size": {"width": "wide"}},
        "INVALID_ARGUMENT",
        "size.width",
    ),
    (
        "a value out of its range",
        "GenerationService.GeneratePortrait",
        {"theme": "horror", "size": {"width": 5, "height": 64}},
        "INVALID_ARGUMENT",
        "size.width",
    ),
    ("a missing required field", "ImageService.GetImage", {}, "INVALID_ARGUMENT", "image_id"),
    ("an unknown enum value", "ImageService.ListImages", {"type": "statue"}, "INVALID_ARGUMENT", "type"),
    ("an unknown theme", "GenerationService.GeneratePortrait", {"theme": "no_such_theme"}, "INVALID_THEME", "theme"),
    ("an image that does not exist", "ImageService.GetImage", {"image_id": CHARACTER}, "IMAGE_NOT_FOUND", ""),
]
"""Messages that get an error: what, method, payload or whole body, code, field."""

EXAMPLES: list[tuple[str, str, Any, Any]] = [
    (
        "Generate a portrait and wait for it",
        "GenerationService.GeneratePortrait",
        REQUESTS["GenerationService.GeneratePortrait"],
        {"generation": {"state": "GENERATION_STATE_SUCCEEDED", "image": {"version": "1"}}},
    ),
    (
        "List the images of a character",
        "ImageService.ListImages",
        REQUESTS["ImageService.ListImages"],
        {"images": [{"type": "IMAGE_TYPE_CHARACTER", "metadata": {"source_id": CHARACTER}}], "next_page_token": ""},
    ),
    (
        "List the maps of a campaign",
        "ImageService.ListImages",
        {"source_id": CAMPAIGN, "type": "map"},
        {"images": [], "next_page_token": ""},
    ),
    (
        "Send an invalid request",
        "GenerationService.GeneratePortrait",
        {"theme": "Fantasy!"},
        {"error": {"code": "INVALID_THEME", "details": {"field": "theme", "retryable": False}}},
    ),
]
EVENT_EXAMPLES = {
    topology.CHARACTER_UPDATED: "A character changed: its portraits get a new version",
    topology.CAMPAIGN_THEME_CHANGED: "A campaign changes its theme: the theme is applied to its images",
}


def page() -> str:
    """Return the page."""
    lines = [
        HEAD.format(streams=_streams()),
        "| field | description |",
        "|---|---|",
        *_fields(Envelope.DESCRIPTOR),
        PROPERTIES,
    ]
    lines += ["## Exchanges and queues", ""]
    lines += [
        f"Events use the topic exchange `{topology.EVENTS}`, requests `{topology.REQUESTS}`. The changes that the",
        f"Storage Service announces are for this service alone and use `{topology.CHANGES}`. All are durable topic",
        "exchanges. Every program declares them when it starts; do so, too, if yours may start first.",
        "",
    ]
    lines += ["| queue | bound to |", "|---|---|"]
    for queue in topology.QUEUES:
        bound = ", ".join(f"`{pattern}` of `{exchange}`" for exchange, pattern in queue.bindings)
        lines.append(f"| `{queue.name}` | {bound or 'nothing; messages are published to the queue by name'} |")
    names = {"exchange": topology.REQUESTS, "completed": topology.RPC_COMPLETED, "failed": topology.RPC_FAILED}
    lines.append(REQUESTS_HEAD.format(**names))
    for key, request, response, comment in requests():
        if key.startswith(topology.RPC):
            lines += _request(key, request, response, comment)
    lines.append(ERRORS.format(**names))
    lines += _fields(Error.DESCRIPTOR, "error.", skip="details")
    lines += _fields(ErrorDetails.DESCRIPTOR, "error.details.")
    lines += [
        "",
        "These messages get an error:",
        "",
        "| message | method | payload or body | code | field |",
        "|---|---|---|---|---|",
    ]
    for what, method, content, code, field in MALFORMED:
        body = content if isinstance(content, str) else json.dumps(content)
        lines.append(f"| {what} | `{method}` | `{body}` | `{code}` | {f'`{field}`' if field else ''} |")
    lines += ["", "## Events that the service publishes", ""]
    for event, payload in PUBLISHED.items():
        if event != topology.STORAGE_CHANGED:  # for this service alone
            _, _, meaning = comment_of(payload.DESCRIPTOR.full_name).partition(": ")
            lines += _event(event, payload.DESCRIPTOR, meaning[:1].upper() + meaning[1:])
    lines += ["## Events that the service reacts to", ""]
    lines += [
        "Each event takes effect once, even if it is delivered several times. Events about the same character,",
        "campaign or map are handled in order of arrival; after a transient failure, an event is retried before",
        "the next one. Events that cannot be handled are dead-lettered: `image-grpc dead-letters --help`. What was",
        "done before the failure stays. Nothing is published about a failure. The routing key selects the event; a",
        "`type` in the envelope must agree with it.",
        "",
    ]
    for reaction in REACTIONS:
        lines += _event(reaction.event, reaction.payload.DESCRIPTOR, reaction.description)
    lines += [
        f"Changes that are visible in portraits: {', '.join(f'`{name}`' for name in sorted(VISIBLE))}.",
        EXAMPLES_HEAD,
    ]
    for title, method, payload, reply in EXAMPLES:
        lines += _example(title, topology.REQUESTS, topology.RPC + method, topology.RPC + method, payload)
        lines += ["The payload of the reply contains:", "", "```json", json.dumps(reply, indent=2), "```", ""]
    for event, title in EVENT_EXAMPLES.items():
        lines += _example(title, topology.EVENTS, topology.event_routing_key(event), event, EVENTS[event])
    lines += _types()
    return "\n".join(lines).rstrip() + "\n"


def _event(event: str, payload: Descriptor, description: str = "") -> list[str]:
    heading = [f"### `{event}`", "", f"Routing key `{topology.event_routing_key(event)}`. {description}".rstrip(), ""]
    lines = [*heading, *TABLES.table(payload)]
    if event in EVENTS:
        lines += ["Example of a payload:", "", "```json", json.dumps(EVENTS[event], indent=2), "```", ""]
    return lines


def _request(key: str, request: Descriptor, response: Descriptor, comment: str) -> list[str]:
    payload = json.dumps(REQUESTS[key.removeprefix(topology.RPC)], indent=2)
    lines = [
        f"### `{key.removeprefix(topology.RPC)}`",
        "",
        f"Routing key `{key}`. {comment}",
        "",
        *TABLES.table(request),
    ]
    return [
        *lines,
        f"The payload of the reply is {_link(response)}. Example of a payload:",
        "",
        "```json",
        payload,
        "```",
        "",
    ]


def _types() -> list[str]:
    """Return the sections of the messages and enums within requests, replies and events."""
    payloads = [each for key, *pair, _ in requests() if key.startswith(topology.RPC) for each in pair]
    payloads += [each.DESCRIPTOR for event, each in PUBLISHED.items() if event != topology.STORAGE_CHANGED]
    payloads += [reaction.payload.DESCRIPTOR for reaction in REACTIONS]
    own = {key.rpartition(".")[2] + "Request" for key, *_ in requests()} | {
        each.__name__ for each in PUBLISHED.values()
    }
    lines = ["## Types", ""]
    for name, part in parts(payloads).items():
        if name in own:
            continue
        lines += [f"### {name}", "", comment_of(part.full_name), ""]
        lines += enum_table(part) if isinstance(part, EnumDescriptor) else TABLES.table(part)
    return lines


def _streams() -> str:
    names = [
        method.name
        for service in services()
        for method in service.methods
        if method.client_streaming or method.server_streaming
    ]
    return f"{', '.join(f'`{name}`' for name in names[:-1])} and `{names[-1]}`"


def _link(part: Descriptor | EnumDescriptor) -> str:
    if part.full_name in WELL_KNOWN:
        return part.name.lower()
    keys = {request.name: key for key, request, *_ in requests()}
    anchor = keys.get(part.name, part.name).replace(".", "").lower()  # a request is described with its routing key
    return f"[{part.name}](#{anchor})"


TABLES = MessageTables(
    scalars={
        FieldDescriptor.TYPE_STRING: "string",
        FieldDescriptor.TYPE_BOOL: "boolean",
        FieldDescriptor.TYPE_BYTES: "base64",
        FieldDescriptor.TYPE_DOUBLE: "number",
        FieldDescriptor.TYPE_INT32: "integer",
        FieldDescriptor.TYPE_INT64: "int64",
    },
    map_of="object of {}",
    link=_link,
)
"""Fields as JSON."""


def _fields(message: Descriptor, prefix: str = "", skip: str = "") -> list[str]:
    return [f"| `{prefix}{field.name}` | {comment_cell(field)} |" for field in message.fields if field.name != skip]


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
