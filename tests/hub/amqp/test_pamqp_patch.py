"""Malformed AMQP properties do not stop consumers."""

from __future__ import annotations

import importlib.metadata
from datetime import UTC, datetime
from typing import Any

import aio_pika
import pytest
from pamqp import decode

from image_grpc.hub import envelope as envelopes
from image_grpc.hub.amqp import pamqp_patch
from image_grpc_testkit.contracts.hub_testkit import (
    Inbox,
    consuming,
    declare_queue,
    envelope_named,
    receive_dead_letters,
    send,
)
from tests.hub.amqp.broker import AmqpBroker


class FarTimestamp(datetime):
    """A timestamp beyond the year 9999, as clients in other languages can send."""

    def timestamp(self) -> float:
        return 2**63 - 1


class InvalidText(str):
    """Text that is encoded as invalid UTF-8."""

    def encode(self, *_: Any) -> bytes:  # type: ignore[override]
        return b"image.\xff"

    def __str__(self) -> str:  # as aio_pika asks for it
        return self


FAR = FarTimestamp(2020, 1, 1, tzinfo=UTC)
INVALID = InvalidText("x")


@pytest.mark.parametrize(
    "headers",
    [{"x": INVALID}, {"x": [{"y": INVALID}]}, {"x": bytearray(b"\xff")}, {"x": FAR}],
    ids=["text", "nested text", "bytes", "timestamp"],
)
async def test_a_message_with_malformed_headers_can_be_dead_lettered(
    broker: AmqpBroker, headers: dict[str, Any]
) -> None:
    queue = await declare_queue(broker)
    async with consuming(broker, queue, Inbox()):
        await broker.publish_raw(queue, aio_pika.Message(b"<html>", headers=headers))
        [dead] = await receive_dead_letters(broker, queue)
    assert "not an envelope" in dead.headers["reason"]


@pytest.mark.parametrize(
    "properties",
    [
        {"timestamp": FAR},
        {"headers": {"when": FAR}},
        {"headers": {INVALID: "x"}},
        {"correlation_id": INVALID},
        {"headers": {"expires_at_ms": "soon"}},
    ],
    ids=["timestamp", "timestamp in headers", "name of a header", "correlation id", "expiry"],
)
async def test_a_message_with_malformed_properties_is_handled(broker: AmqpBroker, properties: dict[str, Any]) -> None:
    queue = await declare_queue(broker)
    body, content_type = envelopes.encode(envelope_named("malformed"))
    await broker.publish_raw(queue, aio_pika.Message(body, content_type=content_type, **properties))
    await send(broker, queue, "after")
    inbox = Inbox()
    async with consuming(broker, queue, inbox):
        await inbox.wait_for(2)
    assert inbox.names == ["malformed", "after"]


def test_applying_the_patch_again_changes_nothing() -> None:
    pamqp_patch.apply()
    patched = dict(decode.METHODS), dict(decode.TABLE_MAPPING)
    pamqp_patch.apply()
    assert patched == (decode.METHODS, decode.TABLE_MAPPING)
    assert decode.METHODS["timestamp"] is pamqp_patch.decode_timestamp


def test_an_unknown_version_is_not_patched(monkeypatch: pytest.MonkeyPatch) -> None:
    original = decode.timestamp
    monkeypatch.setitem(decode.METHODS, "timestamp", original)
    monkeypatch.setattr(pamqp_patch, "version", lambda _: "5.0.0")
    pamqp_patch.apply()
    assert decode.METHODS["timestamp"] is original


def test_the_installed_version_is_patched() -> None:
    assert importlib.metadata.version("pamqp").startswith(pamqp_patch.SUPPORTED_VERSION)
