"""Random messages for every exchange and queue: garbage, valid envelopes with random payloads, absurd properties."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aio_pika
from aio_pika.abc import HeadersType
from google.protobuf.json_format import Error, MessageToDict
from google.protobuf.message import Message
from tabletop.hub.v1 import events_pb2
from tabletop.hub.v1.envelope_pb2 import Envelope
from tabletop.image.internal.v1.job_pb2 import GenerateJob, StoreJob
from tabletop.storage.v1 import storage_pb2

from image_grpc.bridge.client import unary_methods
from image_grpc.hub import topology
from image_grpc.hub.amqp.declarations import retry_name
from image_grpc.hub.envelope import JSON, PROTOBUF
from image_grpc.retry import LADDER
from tests.faults.random_messages import RandomMessages, damaged, flood, random_bytes

FLOOD_SHARE = 0.01
MAX_STEP_SECONDS = 30
"""Longest step of the retry ladder that messages are published to. Longer ones would not be empty in time."""


class FarTimestamp(datetime):
    """A timestamp beyond the year 9999."""

    def timestamp(self) -> float:
        return 2**63 - 1


class InvalidText(str):
    """Text that is encoded as invalid UTF-8."""

    def encode(self, *_: Any) -> bytes:
        return b"image.\xff\xfe"

    def __str__(self) -> str:
        return self  # the client converts some properties


FAR, PAST, INVALID = FarTimestamp(2020, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC), InvalidText("x")
DEATH = {"count": 2**63 - 1, "reason": "expired", "queue": "image.storage", "exchange": "", "routing-keys": ["x"]}


def _each(name: str, *values: Any) -> list[dict[str, Any]]:
    return [{name: value} for value in values]


HEADERS: Sequence[Mapping[str, Any]] = (
    *_each("expires_at_ms", 10**18, -(10**18), 2**63 - 1, 0, "soon", {"at": 1}, True, None, 1.5),
    *_each("attempt", 2**63 - 1, -(2**63), 0, 5, 10**6, "many", {"n": 1}, [1], True, None, 2.5),
    *_each("x-delivery-count", 2**63 - 1, -1, 100, "many", {"n": 1}, None),
    *_each("x-death", [DEATH] * 3, [{}], ["x"], {"count": 1}, "x", [], 7, [DEATH | {"queue": 1}]),
    {"x-first-death-queue": "image.storage", "x-first-death-exchange": 7, "x-last-death-reason": ["x"]},
    {"x-acquired-count": 2**63 - 1},
    {"x-opt-rabbitmq-delivery-time": FAR, "x-delay": -5},
    {"CC": ["image.dead", "image.store"]},
    {"BCC": ["image.generate.low"]},
    {"CC": ["nowhere"] * 50, "BCC": ["image.storage"]},
    *_each("routing_key", 7, -1.5, {"a": 1}, ["image.rpc.x"], None, "", INVALID, "z" * 10_000),
    *_each("dedup_key", 7, 2**63 - 1, 1.5, True, None, "", ["x"], {"x": "y"}, "y" * 10_000),
    *_each("request_token", "forged", 7, None, ["x"], "t" * 10_000, INVALID),
    *_each("traceparent", "00-zz", 7, bytearray(b"\xff\x00"), "\r\nx: y"),
    {"tracestate": "x" * 5_000, "baggage": "a=b"},
    *_each("reason", 7, "image.dead", None, {"x": []}),
    *_each("origin", 7, "image.dead", None, {"x": []}),
    {"content_type": "application/x-protobuf"},
    {"content_type": 7},
    {"when": FAR},
    {"when": PAST, "text": INVALID, "bytes": bytearray(b"\xff" * 300)},
    {INVALID: INVALID},
    {"nested": {"deep": [{"er": [[[[[{"est": None}]]]]]}]}},
    {f"h{number}": number for number in range(500)},
    {"": "empty name", "x" * 128: "long name"},
)

PROPERTIES: Sequence[Mapping[str, Any]] = (
    *_each("content_type", "text/html", "application/octet-stream", "x" * 255, INVALID, ""),
    *_each("content_encoding", "gzip", "deflate", "utf-8", "x" * 255, INVALID),
    *_each("reply_to", "nobody", "x" * 255, INVALID, "image.dead", "amq.rabbitmq.reply-to.x", "\0"),
    *_each("correlation_id", "x" * 255, INVALID, "", "\n"),
    *_each("message_id", "m" * 255, INVALID, "", "\0"),
    *_each("type", "t" * 255, INVALID, "image.storage.store", "error", "undecodable"),
    *_each("app_id", "a" * 255, INVALID),
    *_each("expiration", 0, 0.001, (2**32 - 1) / 1000),
    *_each("timestamp", FAR, PAST, 0),
    *_each("priority", 0, 255),
    {"delivery_mode": 2},
)
BAD_BODIES = (b"", b"{}", b"[]", b"null", b"[" * 50_000, b'{"type": 1}', b'{"a":' * 2_000, b"\xff\xfe", b"<html>")
EVENT_KEYS = (
    *map(topology.event_routing_key, topology.CONSUMED_EVENTS),
    *map(topology.event_routing_key, (topology.IMAGE_GENERATED, topology.OVERLAY_UPDATED, topology.THEME_APPLIED)),
    topology.STORAGE_CHANGED,
    topology.RPC_COMPLETED,
    topology.RPC_FAILED,
)
STORAGE_REQUESTS: Mapping[str, Any] = {
    topology.STORE: storage_pb2.StoreRequest,
    topology.RETRIEVE: storage_pb2.RetrieveRequest,
    topology.DELETE: storage_pb2.DeleteRequest,
    topology.LIST: storage_pb2.ListRequest,
}
PAYLOADS: Mapping[str, Any] = {
    **{key: message.DESCRIPTOR for key, message in STORAGE_REQUESTS.items()},
    **{f"{topology.RPC}{name}": method.input_type for name, method in unary_methods().items()},
    "character.updated": events_pb2.CharacterUpdated.DESCRIPTOR,
    "campaign.theme_changed": events_pb2.CampaignThemeChanged.DESCRIPTOR,
    "map.state_changed": events_pb2.MapStateChanged.DESCRIPTOR,
    topology.STORAGE_CHANGED: storage_pb2.StorageChanged.DESCRIPTOR,
    topology.GENERATE_JOB: GenerateJob.DESCRIPTOR,
    topology.STORE_JOB: StoreJob.DESCRIPTOR,
}
"""The descriptor of the payload by message type, or by routing key."""
RETRY_EXCHANGES = [retry_name(step) for step in LADDER.steps if step <= MAX_STEP_SECONDS]
"""Messages for them have no `x-death`: RabbitMQ 3.10 ends all dead-lettering over a malformed one, such as `["x"]`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ForgedMessage:
    """A message and where to publish it."""

    exchange: str
    routing_key: str
    message: aio_pika.Message


class Forger:
    """Creates messages for the exchanges, and for the given queues."""

    def __init__(self, rng: random.Random, queues: Sequence[str]) -> None:
        self._rng, self._queues = rng, queues

    def create(self) -> ForgedMessage:
        """Return a message with a random destination, body and properties."""
        exchange, routing_key = self._destination()
        body, content_type = self._body(routing_key)
        properties: dict[str, Any] = {"content_type": content_type}
        headers: HeadersType = {}
        if self._rng.random() < 0.5:
            for each in self._rng.sample(HEADERS, self._rng.randint(1, 3)):
                headers.update(each)
        if self._rng.random() < 0.5:
            for chosen in self._rng.sample(PROPERTIES, self._rng.randint(1, 3)):
                properties |= chosen
        if exchange in RETRY_EXCHANGES:
            headers.pop("x-death", None)
        if properties.get("content_encoding") == "gzip":
            body = gzip.compress(body)
        message = aio_pika.Message(body, headers=headers, **properties)
        return ForgedMessage(exchange=exchange, routing_key=routing_key, message=message)

    def _destination(self) -> tuple[str, str]:
        unknown = self._rng.choice(("", "x", "image.storage.drop", "image.rpc.", "image.rpc.A.B.C", "#", "é" * 100))
        methods = [key for key in PAYLOADS if key.startswith(topology.RPC)]
        match self._rng.randrange(10):
            case 0 | 1 | 2 | 3:
                return topology.DEFAULT_EXCHANGE, self._rng.choice(self._queues)
            case 4 | 5:
                key = self._rng.choice((*EVENT_KEYS, unknown))
                return topology.event_exchange(key), key
            case 6:
                return self._rng.choice(RETRY_EXCHANGES), self._rng.choice([each.name for each in topology.QUEUES])
            case 7:
                return topology.REQUESTS, self._rng.choice((*STORAGE_REQUESTS, unknown))
        return topology.REQUESTS, self._rng.choice((*methods, unknown))

    def _body(self, routing_key: str) -> tuple[bytes, str]:
        """Return a body and its content type."""
        rng = self._rng
        match rng.randrange(7):
            case 0:
                return random_bytes(rng), rng.choice((JSON, PROTOBUF))
            case 1:
                return rng.choice(BAD_BODIES), rng.choice((JSON, PROTOBUF))
            case 2:
                return damaged(rng, self._json(routing_key)), JSON
            case 3:
                return damaged(rng, self._protobuf(routing_key)), PROTOBUF
            case 4:
                return self._protobuf(routing_key), PROTOBUF
        return self._json(routing_key), JSON

    def _protobuf(self, routing_key: str) -> bytes:
        envelope, payload = self._envelope(routing_key)
        descriptor: Any = payload.DESCRIPTOR
        flooded = self._rng.random() < FLOOD_SHARE
        envelope.payload_bytes = flood(self._rng, descriptor) if flooded else payload.SerializeToString()
        data: bytes = envelope.SerializeToString()
        return data

    def _json(self, routing_key: str) -> bytes:
        envelope, payload = self._envelope(routing_key)
        fields = _as_json(envelope)
        fields["payload"] = _as_json(payload)
        for name, value in self._rng.choice(((), (("version", "x"),), (("extra", [1]),), (("payload", [1]),))):
            fields[name] = value
        return json.dumps(fields).encode()

    def _envelope(self, routing_key: str) -> tuple[Any, Message]:
        messages = RandomMessages(self._rng, {}, extreme=self._rng.choice((0.0, 0.1)), deep=False)
        descriptor: Any = Envelope.DESCRIPTOR
        envelope: Any = messages.create(descriptor)
        type_ = routing_key if routing_key in PAYLOADS else self._rng.choice(list(PAYLOADS))
        envelope.type = self._rng.choice((type_, type_, envelope.type))
        envelope.ClearField("payload")
        if self._rng.random() < 0.8:  # mostly valid for long enough
            envelope.ClearField("time_to_live")
        return envelope, _harmless(messages.create(PAYLOADS[type_]))


def _harmless(payload: Message) -> Message:
    """Remove records to put from a request: the Storage Service would store them, as it does for any client."""
    if isinstance(payload, storage_pb2.StoreRequest) and payload.WhichOneof("operation") == "batch":
        payload.batch.ClearField("puts")
    return payload


def _as_json(message: Message) -> dict[str, Any]:
    try:
        return MessageToDict(message, preserving_proto_field_name=True)
    except (Error, ValueError, TypeError):  # for example a duration that is out of range
        return {}
