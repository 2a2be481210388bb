"""Creates, encodes and decodes envelopes."""

import json
import re
import uuid
from typing import TypeAlias, TypeVar

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from tabletop.hub.v1.envelope_pb2 import Envelope, OutboundMessage
from tabletop.hub.v1.error_pb2 import Error, ErrorDetails, ErrorReply

from image_grpc.hub import topology
from image_grpc.messages import now

JSON = "application/json"
PROTOBUF = "application/x-protobuf"
OWN_SERVICE = "image-service"
"""The source of the messages of all parts of this service."""
MAX_SAFE_INTEGER = 2**53
"""Up to here, every JSON reader represents integers exactly."""

MAX_TEXT_BYTES = 255
"""Longest id and type: AMQP's limit."""
MAX_TIME_TO_LIVE_SECONDS = 10_000 * 366 * 86_400
"""The range of protobuf's durations."""

MAX_EXCHANGE_BYTES = 127
_EXCHANGE = re.compile(r"[A-Za-z0-9._:-]*")

M = TypeVar("M", bound=Message)
JsonValue: TypeAlias = "bool | float | str | list[JsonValue] | dict[str, JsonValue] | None"


class BadEnvelope(Exception):
    """A message's body is not an envelope, or its payload is not of the expected type."""


def json_envelope(
    type_: str, payload: Message, *, correlation_id: str, message_id: str = "", time_to_live: float | None = None
) -> Envelope:
    """Return an envelope with a JSON payload. `time_to_live` is in seconds; None: unlimited."""
    envelope = _new_envelope(type_, correlation_id, message_id, time_to_live)
    envelope.payload.SetInParent()  # an empty payload is JSON as well
    envelope.payload.update(json_fields(payload))
    return envelope


def json_fields(message: Message) -> dict[str, JsonValue]:
    """Return a message as JSON, with its empty fields: consumers can rely on every field being present."""
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def protobuf_envelope(
    type_: str, payload: Message, *, correlation_id: str, time_to_live: float | None = None
) -> Envelope:
    """Return an envelope with a protobuf payload. `time_to_live` is in seconds; None: unlimited."""
    envelope = _new_envelope(type_, correlation_id, time_to_live=time_to_live)
    envelope.payload_bytes = payload.SerializeToString()
    return envelope


def reply_envelope(request: Envelope, type_: str, payload: Message) -> Envelope:
    """Return a reply in the encoding of its request."""
    create = json_envelope if request.WhichOneof("content") == "payload" else protobuf_envelope
    return create(type_, payload, correlation_id=request.correlation_id)


def error_reply(request_id: str, code: str, message: str, *, field: str = "", retryable: bool = False) -> ErrorReply:
    """Return the payload of an error reply."""
    details = ErrorDetails(request_id=request_id, field=field, retryable=retryable, timestamp=now())
    return ErrorReply(error=Error(code=code, message=message, details=details))


def _new_envelope(type_: str, correlation_id: str, message_id: str = "", time_to_live: float | None = None) -> Envelope:
    id_ = message_id or str(uuid.uuid4())
    envelope = Envelope(id=id_, correlation_id=correlation_id, source_service=OWN_SERVICE, type=type_, version=1)
    envelope.timestamp.GetCurrentTime()
    if time_to_live is not None:
        envelope.time_to_live.FromNanoseconds(int(time_to_live * 1e9))
    return envelope


def payload(envelope: Envelope, message_type: type[M]) -> M:
    """Return the payload as a message; unknown fields are ignored. Raises BadEnvelope."""
    try:
        if envelope.WhichOneof("content") == "payload":
            data = json_format.MessageToDict(envelope.payload)
            return json_format.ParseDict(data, message_type(), ignore_unknown_fields=True)
        return message_type.FromString(envelope.payload_bytes)
    except (json_format.ParseError, DecodeError, ValueError) as error:
        raise BadEnvelope(f"payload is not a valid {message_type.DESCRIPTOR.full_name}: {error}") from error


def encode(envelope: Envelope) -> tuple[bytes, str]:
    """Return a message's body and content type."""
    if envelope.WhichOneof("content") == "payload":
        data = json_format.MessageToDict(envelope, preserving_proto_field_name=True)
        return json.dumps(_with_integers(data)).encode(), JSON
    return envelope.SerializeToString(), PROTOBUF


def _with_integers(data: JsonValue) -> JsonValue:
    """Convert whole floats to integers: a Struct stores floats only, and many readers reject `64.0`."""
    if isinstance(data, float):
        return int(data) if data.is_integer() and abs(data) <= MAX_SAFE_INTEGER else data
    if isinstance(data, dict):
        return {name: _with_integers(value) for name, value in data.items()}
    return [_with_integers(value) for value in data] if isinstance(data, list) else data


def decode(body: bytes, content_type: str, properties: Envelope | None = None) -> Envelope:
    """Return the envelope in a body; missing fields come from the transport's `properties`. Raises BadEnvelope."""
    try:
        if content_type == PROTOBUF:
            envelope = Envelope.FromString(body)
        else:
            envelope = json_format.Parse(body, Envelope(), ignore_unknown_fields=True)
    except (json_format.ParseError, DecodeError, UnicodeDecodeError, ValueError) as error:
        raise BadEnvelope(f"body is not an envelope: {error}") from error
    # Protobuf parses an empty body, and its JSON parser even an empty list, as an envelope without fields.
    if properties is not None and (envelope.type or envelope.WhichOneof("content")):
        _complete(envelope, properties)
    if not envelope.type:
        raise BadEnvelope("body is not an envelope: type is missing")
    check(envelope)
    if content_type != PROTOBUF and envelope.WhichOneof("content") is None:
        envelope.payload.SetInParent()  # so that the reply will be JSON
    return envelope


def check(envelope: Envelope) -> None:
    """Raise BadEnvelope for values that cannot be used: times out of range, and texts too long for a transport."""
    try:
        if envelope.HasField("timestamp"):
            envelope.timestamp.ToNanoseconds()
    except ValueError as error:
        raise BadEnvelope(f"timestamp: {error}") from error
    if abs(envelope.time_to_live.seconds) > MAX_TIME_TO_LIVE_SECONDS:
        raise BadEnvelope(f"time_to_live: must be at most {MAX_TIME_TO_LIVE_SECONDS} s")
    for name in ("id", "correlation_id", "source_service", "type"):
        if len(getattr(envelope, name).encode()) > MAX_TEXT_BYTES:
            raise BadEnvelope(f"{name}: must have at most {MAX_TEXT_BYTES} bytes")


def check_outbound(message: OutboundMessage) -> None:
    """Raise BadEnvelope for a message that cannot be published."""
    check(message.envelope)
    for name, limit in (("exchange", MAX_EXCHANGE_BYTES), ("routing_key", MAX_TEXT_BYTES)):
        if len(getattr(message, name).encode()) > limit:
            raise BadEnvelope(f"{name}: must have at most {limit} bytes")
    if not _EXCHANGE.fullmatch(message.exchange):
        raise BadEnvelope("exchange: must consist of letters, digits, `.`, `:`, `_` and `-`")


def _complete(envelope: Envelope, properties: Envelope) -> None:
    for name in ("id", "correlation_id", "source_service", "type"):
        if not getattr(envelope, name):
            setattr(envelope, name, getattr(properties, name))
    if properties.HasField("time_to_live") and not envelope.HasField("time_to_live"):
        envelope.time_to_live.CopyFrom(properties.time_to_live)
    if envelope.HasField("time_to_live") and not envelope.HasField("timestamp"):
        # Without any, the time-to-live starts on arrival.
        envelope.timestamp.CopyFrom(properties.timestamp if properties.HasField("timestamp") else now())


def ensure_envelope(body: bytes, content_type: str, properties: Envelope | None = None) -> tuple[bytes, str]:
    """Return the body and content type, wrapped in an envelope of type `undecodable` if the body is not one."""
    try:
        decode(body, content_type, properties)
    except BadEnvelope:
        wrapper = _new_envelope(topology.UNDECODABLE, str(uuid.uuid4()))
        wrapper.payload_bytes = body
        return encode(wrapper)
    return body, content_type


def expires_at(envelope: Envelope) -> float | None:
    """Return when the envelope expires by the clock of its sender, in seconds since the epoch; None: never."""
    if not envelope.HasField("time_to_live"):
        return None
    return (envelope.timestamp.ToNanoseconds() + envelope.time_to_live.ToNanoseconds()) / 1e9
