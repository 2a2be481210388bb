"""Jobs, storage requests and change events without a valid signature have no effect."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tabletop.hub.v1.envelope_pb2 import OutboundMessage
from tabletop.image.internal.v1.job_pb2 import StoreJob
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.storage.v1.storage_pb2 import StorageChanged, StoreRequest

from image_grpc import app, reloading_file
from image_grpc.hub import Ack, Delivery, RequestTimeout, Settlement, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.hub.amqp import AmqpHub
from image_grpc.hub.amqp.dead_letters import open_dead_letters
from image_grpc.hub.signatures import HEADER, NO_SIGNATURE, Signatures
from image_grpc.settings import InvalidSettings, StorageServiceSettings, load
from image_grpc_testkit.eventually import eventually
from image_grpc_testkit.servers.rabbitmq import Node
from tests.service import portrait, service

SECONDS = 30.0


@pytest.fixture(autouse=True)
def _reload_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reloading_file, "CHECK_SECONDS", 0.0)


@asynccontextmanager
async def running(url: str, keys: Path | None = None) -> AsyncIterator[AmqpHub]:
    hub = AmqpHub(url, Signatures(keys) if keys else None)
    await hub.start()
    try:
        yield hub
    finally:
        await hub.close()


def job(id_: str, type_: str = topology.STORE_JOB, **headers: str) -> OutboundMessage:
    envelope = envelopes.protobuf_envelope(type_, StoreJob(generation_id=id_), correlation_id=id_)
    return OutboundMessage(routing_key=topology.STORE_QUEUE, mandatory=True, envelope=envelope, headers=headers)


def change(id_: str) -> OutboundMessage:
    event = StorageChanged(storage_correlation_id=id_)
    envelope = envelopes.protobuf_envelope(topology.STORAGE_CHANGED, event, correlation_id=id_)
    return OutboundMessage(exchange=topology.CHANGES, routing_key=topology.STORAGE_CHANGED, envelope=envelope)


async def test_only_signed_jobs_are_handled_and_the_others_are_dead_lettered(node: Node, tmp_path: Path) -> None:
    url, keys = node.add_virtual_host(), tmp_path / "keys"
    keys.write_text(secrets.token_hex(32))
    handled: list[str] = []

    async def handle(delivery: Delivery) -> Settlement:
        handled.append(envelopes.payload(delivery.envelope, StoreJob).generation_id)
        return Ack()

    async with running(url, keys) as ours, running(url) as forger:
        consumer = await ours.consume(topology.STORE_QUEUE, handle, concurrency=1)
        await forger.publish(job("unsigned"), timeout=SECONDS)
        await forger.publish(job("wrong", **{HEADER: "0" * 64}), timeout=SECONDS)
        await forger.publish(job("not ASCII", **{HEADER: "\u00e9"}), timeout=SECONDS)
        await forger.publish(job("other type", "unknown"), timeout=SECONDS)
        event = Signatures(keys).signed(change("an event as a job"))
        event.exchange, event.routing_key = "", topology.STORE_QUEUE
        await forger.publish(event, timeout=SECONDS)
        signed = Signatures(keys).signed(job("signed"))
        changed = job("changed", **dict(signed.headers))
        changed.envelope.id = signed.envelope.id
        await forger.publish(changed, timeout=SECONDS)
        await forger.publish(signed, timeout=SECONDS)
        await ours.publish(job("ours"), timeout=SECONDS)
        await eventually(lambda: "ours" in handled, "the signed job is handled")
        await consumer.stop(1)
    assert handled == ["signed", "ours"]
    async with open_dead_letters(url) as letters:
        reasons = [letter.reason async for letter in letters]
    assert reasons == [NO_SIGNATURE] * 6


async def test_forged_change_events_are_ignored(node: Node, tmp_path: Path) -> None:
    url, keys = node.add_virtual_host(), tmp_path / "keys"
    keys.write_text(secrets.token_hex(32))
    received: list[str] = []
    async with running(url, keys) as ours, running(url) as forger:
        subscription = await ours.subscribe(
            [topology.STORAGE_CHANGED],
            lambda delivery: received.append(delivery.envelope.correlation_id),
            on_gap=lambda: None,
        )
        await forger.publish(change("forged"), timeout=SECONDS)
        disguised = change("disguised")
        disguised.envelope.type = "other"
        disguised.headers[topology.ROUTING_KEY] = "other"
        await forger.publish(disguised, timeout=SECONDS)
        await ours.publish(change("ours"), timeout=SECONDS)
        await eventually(lambda: "ours" in received, "the signed event is received")
        await subscription.stop(grace=1)
    assert received == ["ours"]


async def test_a_forged_storage_request_has_no_effect_not_even_by_the_messages_in_it(
    node: Node, tmp_path: Path
) -> None:
    url, keys = node.add_virtual_host(), tmp_path / "keys"
    keys.write_text(secrets.token_hex(32))
    forged = StoreRequest(storage_correlation_id=str(uuid.uuid4()))
    forged.batch.messages.append(job(str(uuid.uuid4())))
    envelope = envelopes.protobuf_envelope(topology.STORE, forged, correlation_id=forged.storage_correlation_id)
    message = OutboundMessage(exchange=topology.REQUESTS, routing_key=topology.STORE, envelope=envelope)
    settings = load(StorageServiceSettings, hub_url=url, hub_key_file=keys, data_dir=tmp_path)
    async with app.storage(settings), running(url) as forger, running(url, keys) as ours:
        with pytest.raises(RequestTimeout):
            await forger.request(message, timeout=2)
        assert (await ours.request(message, timeout=SECONDS)).type != topology.ERROR
        async with open_dead_letters(url) as letters:
            assert [letter.reason async for letter in letters] == [NO_SIGNATURE]


async def test_two_keys_are_accepted_during_a_rotation(node: Node, tmp_path: Path) -> None:
    url, keys = node.add_virtual_host(), tmp_path / "keys"
    old, new = secrets.token_hex(32), secrets.token_hex(32)
    handled: list[str] = []

    async def handle(delivery: Delivery) -> Settlement:
        handled.append(envelopes.payload(delivery.envelope, StoreJob).generation_id)
        return Ack()

    keys.write_text(old)
    async with running(url, keys) as hub, running(url) as forger:
        consumer = await hub.consume(topology.STORE_QUEUE, handle, concurrency=1)
        with_old = Signatures(keys).signed(job("old"))
        for content, accepted in ((f"{old}\n{new}\n", "both"), (f"{new}\n{old}\n", "new first"), (new, "new only")):
            keys.write_text(content)
            await hub.publish(job(accepted), timeout=SECONDS)
            await eventually(lambda name=accepted: name in handled, accepted)  # type: ignore[misc]
        await forger.publish(with_old, timeout=SECONDS)
        await hub.publish(job("last"), timeout=SECONDS)
        await eventually(lambda: "last" in handled, "the last job is handled")
        await consumer.stop(1)
    assert handled == ["both", "new first", "new only", "last"]


async def test_a_service_with_a_key_generates_pictures(node: Node, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(secrets.token_hex(32))
    async with service(tmp_path / "data", hub_url=node.add_virtual_host(), hub_key_file=keys) as running:
        generation = await running.generate(portrait())
    assert generation.state == GenerationState.GENERATION_STATE_SUCCEEDED


@pytest.mark.parametrize(("content", "problem"), [("", "contains no key"), ("short", "fewer than 32")])
def test_a_file_without_proper_keys_stops_a_start(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "keys").write_text(content)
    with pytest.raises(InvalidSettings, match=problem):
        Signatures(tmp_path / "keys")
