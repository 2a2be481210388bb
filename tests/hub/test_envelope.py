"""Envelopes survive encoding and decoding in both encodings, and other bodies are rejected."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given
from hypothesis import strategies as st
from tabletop.hub.v1.envelope_pb2 import Envelope, OutboundMessage
from tabletop.hub.v1.events_pb2 import CharacterUpdated, ImageGenerated, MapStateChanged
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.overlay_service_pb2 import DeleteOverlayResponse

from image_grpc.hub import envelope as envelopes

CORRELATION_ID = str(uuid.uuid4())

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=10,
)
seconds = st.none() | st.floats(0, 86_400 * 365)


@st.composite
def events(draw: st.DrawFn) -> ImageGenerated:
    event = ImageGenerated(image_id=draw(texts), type=draw(texts), source_id=draw(texts))
    event.timestamp.FromMicroseconds(draw(st.integers(0, 4_000_000_000_000_000)))
    return event


@given(events(), seconds)
def test_json_events_round_trip(event: ImageGenerated, time_to_live: float | None) -> None:
    sent = envelopes.json_envelope("image_generated", event, correlation_id=CORRELATION_ID, time_to_live=time_to_live)
    body, content_type = envelopes.encode(sent)
    assert content_type == envelopes.JSON
    received = envelopes.decode(body, content_type)
    assert received == sent
    assert envelopes.payload(received, ImageGenerated) == event


@given(events(), seconds)
def test_protobuf_events_round_trip(event: ImageGenerated, time_to_live: float | None) -> None:
    sent = envelopes.protobuf_envelope(
        "image_generated", event, correlation_id=CORRELATION_ID, time_to_live=time_to_live
    )
    body, content_type = envelopes.encode(sent)
    assert content_type == envelopes.PROTOBUF
    received = envelopes.decode(body, content_type)
    assert received == sent
    assert envelopes.payload(received, ImageGenerated) == event


@given(st.dictionaries(texts, json_values, max_size=4))
def test_free_form_json_round_trips(changes: dict[str, object]) -> None:
    event = CharacterUpdated(character_id="c")
    event.changes.update(changes)
    sent = envelopes.json_envelope("character_updated", event, correlation_id=CORRELATION_ID)
    received = envelopes.payload(envelopes.decode(*envelopes.encode(sent)), CharacterUpdated)
    assert MessageToDict(received.changes) == MessageToDict(event.changes)


@given(st.integers(-(2**63), 2**63 - 1))
def test_large_integers_in_json_stay_exact(byte_size: int) -> None:
    image = Image()
    image.content.byte_size = byte_size
    sent = envelopes.json_envelope("image", image, correlation_id=CORRELATION_ID)
    assert envelopes.payload(envelopes.decode(*envelopes.encode(sent)), Image) == image


def test_integers_in_json_have_no_fraction() -> None:
    """Many readers reject `64.0` where they expect an integer."""
    image = Image()
    image.content.size.width = 64
    body, _ = envelopes.encode(envelopes.json_envelope("image", image, correlation_id=CORRELATION_ID))
    width = json.loads(body)["payload"]["content"]["size"]["width"]
    assert (width, type(width)) == (64, int)


def test_json_events_have_every_documented_field() -> None:
    event = ImageGenerated(image_id="i", type="map")
    envelope = envelopes.json_envelope("image_generated", event, correlation_id=CORRELATION_ID, time_to_live=30)
    body = json.loads(envelopes.encode(envelope)[0])
    assert body.keys() == {
        "id",
        "correlation_id",
        "source_service",
        "type",
        "version",
        "timestamp",
        "time_to_live",
        "payload",
    }
    assert body["time_to_live"] == "30s"
    assert body["payload"] == {"storage_correlation_id": "", "image_id": "i", "type": "map", "source_id": ""}


def test_an_envelope_from_another_service_is_decoded() -> None:
    body = json.dumps(
        {
            "id": str(uuid.uuid4()),
            "correlationId": CORRELATION_ID,
            "source_service": "session-service",
            "type": "map_state_changed",
            "version": 1,
            "timestamp": "2026-01-02T03:04:05Z",
            "time_to_live": "1.5s",
            "added_in_a_later_version": True,
            "payload": {"map_id": "m", "overlay_updates": [{"overlay_id": "o"}], "also_new": 1},
        }
    ).encode()
    envelope = envelopes.decode(body, "application/json; charset=utf-8")
    assert envelope.correlation_id == CORRELATION_ID
    assert envelopes.expires_at(envelope) == 1767323046.5
    state = envelopes.payload(envelope, MapStateChanged)
    assert (state.map_id, state.overlay_updates[0].overlay_id) == ("m", "o")


def test_missing_fields_are_taken_from_the_properties() -> None:
    properties = Envelope(id="1", correlation_id="2", source_service="character-service", type="image.rpc.A.B")
    completed = envelopes.decode(b'{"payload": {"image_id": "i"}}', envelopes.JSON, properties)
    properties.payload.update({"image_id": "i"})
    assert completed == properties


def test_the_fields_of_the_envelope_override_the_properties() -> None:
    properties = Envelope(id="1", correlation_id="2", source_service="character-service", type="image.rpc.A.B")
    sent = envelopes.json_envelope("image_generated", ImageGenerated(image_id="i"), correlation_id="3", time_to_live=5)
    assert envelopes.decode(*envelopes.encode(sent), properties) == sent


def test_without_a_timestamp_the_time_to_live_starts_on_arrival() -> None:
    envelope = envelopes.decode(b'{"type": "t", "time_to_live": "30s"}', envelopes.JSON, Envelope())
    assert time.time() < (envelopes.expires_at(envelope) or 0) <= time.time() + 30


@pytest.mark.parametrize("body", [b"{}", b"[]", b"null", b""])
def test_properties_do_not_complete_an_empty_body(body: bytes) -> None:
    for content_type in (envelopes.JSON, envelopes.PROTOBUF):
        with pytest.raises(envelopes.BadEnvelope, match="not an envelope"):
            envelopes.decode(body, content_type, Envelope(type="image.rpc.A.B"))


def test_a_json_request_without_a_payload_gets_a_json_reply() -> None:
    request = envelopes.decode(b'{"type": "image.rpc.StatusService.GetStatus"}', envelopes.JSON)
    assert envelopes.encode(envelopes.reply_envelope(request, "reply", ImageGenerated()))[1] == envelopes.JSON


BAD_JSON = [
    b"",
    b"null",
    b"[]",
    b"3",
    b'"text"',
    b"{}",
    b"{",
    b"\xff\xfe",
    b"<html></html>",
    b'{"type": 5}',
    b'{"type": "t", "version": "one"}',
    b'{"type": "t", "timestamp": "yesterday"}',
    b'{"type": "t", "time_to_live": "soon"}',
    b'{"type": "t", "payload": []}',
    b'{"type": "\\ud800"}',
    b"[" * 100_000,
    b'{"payload":' * 100_000,
]


@pytest.mark.parametrize("body", BAD_JSON, ids=lambda body: body[:30].decode("ascii", "replace"))
def test_json_that_is_not_an_envelope_is_rejected(body: bytes) -> None:
    with pytest.raises(envelopes.BadEnvelope, match="not an envelope"):
        envelopes.decode(body, envelopes.JSON)


@pytest.mark.parametrize("body", [b"", b"\xff", b'{"type": "t"}', b"\x0a\x05ab"])
def test_bytes_that_are_not_an_envelope_are_rejected(body: bytes) -> None:
    with pytest.raises(envelopes.BadEnvelope, match="not an envelope"):
        envelopes.decode(body, envelopes.PROTOBUF)


@given(st.binary(max_size=200), st.sampled_from([envelopes.JSON, envelopes.PROTOBUF, "text/plain", ""]))
def test_random_bodies_raise_only_bad_envelope(body: bytes, content_type: str) -> None:
    try:
        envelope = envelopes.decode(body, content_type)
        envelopes.payload(envelope, ImageGenerated)
    except envelopes.BadEnvelope:
        return
    assert envelope.type


@given(json_values)
def test_random_payloads_raise_only_bad_envelope(value: object) -> None:
    body = json.dumps({"type": "image_generated", "payload": value}).encode()
    try:
        envelopes.payload(envelopes.decode(body, envelopes.JSON), ImageGenerated)
    except envelopes.BadEnvelope:
        return


def test_a_payload_of_another_type_is_rejected() -> None:
    wrong = Envelope(type="image_generated", payload_bytes=b"\xff\xff")
    with pytest.raises(envelopes.BadEnvelope, match=r"tabletop\.hub\.v1\.ImageGenerated"):
        envelopes.payload(wrong, ImageGenerated)
    wrong = Envelope(type="image_generated")
    wrong.payload.update({"timestamp": {"not": "a time"}})
    with pytest.raises(envelopes.BadEnvelope, match=r"tabletop\.hub\.v1\.ImageGenerated"):
        envelopes.payload(wrong, ImageGenerated)


@pytest.mark.parametrize("make", [envelopes.json_envelope, envelopes.protobuf_envelope])
def test_new_envelopes_have_all_fields(make: object) -> None:
    envelope = make("image_generated", ImageGenerated(), correlation_id=CORRELATION_ID, time_to_live=5)  # type: ignore[operator]
    assert uuid.UUID(envelope.id)
    assert envelope.correlation_id == CORRELATION_ID
    assert envelope.source_service == "image-service"
    assert (envelope.type, envelope.version) == ("image_generated", 1)
    assert envelopes.expires_at(envelope) == pytest.approx(envelope.timestamp.ToNanoseconds() / 1e9 + 5)


def test_an_empty_payload_is_encoded_as_json() -> None:
    reply = envelopes.json_envelope("image.rpc.X.reply", DeleteOverlayResponse(), correlation_id=CORRELATION_ID)
    body, content_type = envelopes.encode(reply)
    assert content_type == "application/json"
    assert json.loads(body)["payload"] == {}


def test_an_envelope_without_a_time_to_live_never_expires() -> None:
    envelope = envelopes.json_envelope("image_generated", ImageGenerated(), correlation_id=CORRELATION_ID)
    assert envelopes.expires_at(envelope) is None


@pytest.mark.parametrize(
    ("make", "content"), [(envelopes.json_envelope, "payload"), (envelopes.protobuf_envelope, "payload_bytes")]
)
def test_a_reply_has_the_encoding_and_correlation_id_of_its_request(make: object, content: str) -> None:
    request = make("request", ImageGenerated(), correlation_id=CORRELATION_ID)  # type: ignore[operator]
    reply = envelopes.reply_envelope(request, "reply", ImageGenerated(type="map"))
    assert reply.WhichOneof("content") == content
    assert (reply.type, reply.correlation_id) == ("reply", CORRELATION_ID)
    assert reply.id != request.id


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"timestamp": {"seconds": 2**62}}, "timestamp"),
        ({"timestamp": {"nanos": -1}}, "timestamp"),
        ({"time_to_live": {"seconds": 2**62}}, "time_to_live"),
        ({"correlation_id": "c" * 256}, "correlation_id"),
    ],
)
def test_values_that_cannot_be_used_are_no_envelope(fields: dict[str, Any], problem: str) -> None:
    envelope = Envelope(type="t", payload_bytes=b"", **fields)
    with pytest.raises(envelopes.BadEnvelope, match=problem):
        envelopes.decode(envelope.SerializeToString(), envelopes.PROTOBUF)


@pytest.mark.parametrize(
    "fields",
    [
        {"exchange": "a b"},
        {"exchange": "e" * 128},
        {"routing_key": "r" * 256},
        {"envelope": Envelope(timestamp={"seconds": 2**62})},
    ],
)
def test_messages_that_cannot_be_published_are_refused(fields: dict[str, Any]) -> None:
    envelopes.check_outbound(OutboundMessage(exchange="tabletop.events", routing_key="a.b"))
    with pytest.raises(envelopes.BadEnvelope):
        envelopes.check_outbound(OutboundMessage(**fields))
