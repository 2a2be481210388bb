"""Envelopes: made, encoded and decoded."""

from __future__ import annotations

import json
import uuid
from typing import Any, TypeVar

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from tabletop.hub.v1.envelope_pb2 import Envelope
from tabletop.hub.v1.error_pb2 import ErrorReply

from image_grpc.hub import topology

SOURCE_SERVICE = "image-service"
JSON = "application/json"
PROTOBUF = "application/x-protobuf"
LARGEST_WHOLE = 2**53
"""Up to here, whole numbers of JSON mean the same to all readers."""

M = TypeVar("M", bound=Message)


class BadEnvelope(Exception):
    """A message's body is not an envelope, or its payload not what its type says."""


def json_envelope(
    type_: str, payload: Message, *, correlation_id: str, id_: str | None = None, seconds: float | None = None
) -> Envelope:
    """An envelope whose payload any service can read. `seconds` is its time-to-live, None: for ever."""
    envelope = _envelope(type_, correlation_id, id_, seconds)
    # Fields are written even when empty: consumers can rely on each being there.
    envelope.payload.update(
        json_format.MessageToDict(payload, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    )
    return envelope


def protobuf_envelope(
    type_: str, payload: Message, *, correlation_id: str, id_: str | None = None, seconds: float | None = None
) -> Envelope:
    """An envelope whose payload is protobuf bytes. `seconds` is its time-to-live, None: for ever."""
    envelope = _envelope(type_, correlation_id, id_, seconds)
    envelope.payload_bytes = payload.SerializeToString()
    return envelope


def reply_envelope(request: Envelope, type_: str, payload: Message) -> Envelope:
    """A reply in the form that the request came in."""
    make = json_envelope if request.WhichOneof("content") == "payload" else protobuf_envelope
    return make(type_, payload, correlation_id=request.correlation_id)


def error_reply(request_id: str, code: str, message: str, *, field: str = "", retryable: bool = False) -> ErrorReply:
    """The payload of a reply that says what went wrong."""
    reply = ErrorReply()
    reply.error.code, reply.error.message = code, message
    reply.error.details.request_id, reply.error.details.field = request_id, field
    reply.error.details.retryable = retryable
    reply.error.details.timestamp.GetCurrentTime()
    return reply


def unreadable_reply(request: Envelope, content_type: str, reason: str) -> Envelope:
    """The reply to a request whose body is no envelope; `request` is what its properties say."""
    reply = error_reply(request.id or request.correlation_id, "INVALID_ARGUMENT", reason)
    make = protobuf_envelope if content_type == PROTOBUF else json_envelope
    return make(topology.ERROR, reply, correlation_id=request.correlation_id)


def _envelope(type_: str, correlation_id: str, id_: str | None, seconds: float | None) -> Envelope:
    envelope = Envelope(
        id=id_ or str(uuid.uuid4()), correlation_id=correlation_id, source_service=SOURCE_SERVICE, type=type_, version=1
    )
    envelope.timestamp.GetCurrentTime()
    if seconds is not None:
        envelope.time_to_live.FromNanoseconds(int(seconds * 1e9))
    return envelope


def payload(envelope: Envelope, kind: type[M]) -> M:
    """The payload as the message that it must be; unknown JSON fields are passed over, as unknown protobuf
    fields are. Raises BadEnvelope."""
    try:
        if envelope.WhichOneof("content") == "payload":
            data = json_format.MessageToDict(envelope.payload)
            return json_format.ParseDict(data, kind(), ignore_unknown_fields=True)
        return kind.FromString(envelope.payload_bytes)
    except (json_format.ParseError, DecodeError, ValueError) as problem:
        raise BadEnvelope(f"payload is no {kind.DESCRIPTOR.full_name}: {problem}") from problem


def encode(envelope: Envelope) -> tuple[bytes, str]:
    """The body of a message and its content type."""
    if envelope.WhichOneof("content") == "payload":
        data = json_format.MessageToDict(envelope, preserving_proto_field_name=True)
        return json.dumps(_whole(data)).encode(), JSON
    return envelope.SerializeToString(), PROTOBUF


def _whole(data: Any) -> Any:
    """JSON with whole numbers as such: a payload has them as floats, and `64.0` is no integer to many readers."""
    if isinstance(data, float):
        return int(data) if data.is_integer() and abs(data) <= LARGEST_WHOLE else data
    if isinstance(data, dict):
        return {name: _whole(each) for name, each in data.items()}
    return [_whole(each) for each in data] if isinstance(data, list) else data


def decode(body: bytes, content_type: str, properties: Envelope | None = None) -> Envelope:
    """The envelope in a message's body; what it leaves out is taken from the message's `properties`. Raises
    BadEnvelope."""
    try:
        if content_type == PROTOBUF:
            envelope = Envelope.FromString(body)
        else:
            envelope = json_format.Parse(body, Envelope(), ignore_unknown_fields=True)
    except (json_format.ParseError, DecodeError, UnicodeDecodeError, ValueError) as problem:
        raise BadEnvelope(f"body is no envelope: {problem}") from problem
    # Protobuf reads an empty body, and its JSON even a list, as an envelope without anything.
    if properties is not None and (envelope.type or envelope.WhichOneof("content")):
        _complete(envelope, properties)
    if not envelope.type:
        raise BadEnvelope("body is no envelope: it has no type")
    if content_type != PROTOBUF and envelope.WhichOneof("content") is None:
        envelope.payload.SetInParent()  # so that the reply will be JSON
    return envelope


def _complete(envelope: Envelope, properties: Envelope) -> None:
    for name in ("id", "correlation_id", "source_service", "type"):
        if not getattr(envelope, name):
            setattr(envelope, name, getattr(properties, name))
    if properties.HasField("time_to_live") and not envelope.HasField("time_to_live"):
        envelope.time_to_live.CopyFrom(properties.time_to_live)
    if envelope.HasField("time_to_live") and not envelope.HasField("timestamp"):
        if properties.HasField("timestamp"):
            envelope.timestamp.CopyFrom(properties.timestamp)
        else:  # its time begins now, since nobody says when it did
            envelope.timestamp.GetCurrentTime()


def readable(body: bytes, content_type: str, properties: Envelope | None = None) -> tuple[bytes, str]:
    """The body and content type of a dead letter: as they are, or in an envelope if they are none, so that
    whoever looks at the dead letters can read all of them."""
    try:
        decode(body, content_type, properties)
    except BadEnvelope:
        wrapped = _envelope(topology.UNDECODABLE, str(uuid.uuid4()), None, None)
        wrapped.payload_bytes = body
        return encode(wrapped)
    return body, content_type


def expires_at(envelope: Envelope) -> float | None:
    """When the envelope is no longer worth handling, in seconds since the epoch; None: never."""
    if not envelope.HasField("time_to_live"):
        return None
    return (envelope.timestamp.ToNanoseconds() + envelope.time_to_live.ToNanoseconds()) / 1e9
