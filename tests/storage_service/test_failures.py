"""Temporary failures of the database and the object store lose no data."""

from __future__ import annotations

import time
from typing import Any

import obstore
import pytest
from obstore.exceptions import GenericError
from sqlalchemy.exc import OperationalError
from tabletop.hub.v1.envelope_pb2 import OutboundMessage
from tabletop.storage.v1.storage_pb2 import RecordKeys, RetrieveRequest, StoreRequest

from image_grpc.hub import topology
from image_grpc.storage_service import outbox, records
from image_grpc_testkit.contracts.hub_testkit import Inbox
from image_grpc_testkit.contracts.records import an_image, name_of, new_id, some_bytes
from image_grpc_testkit.contracts.storage_testkit import (
    SECONDS,
    StartStorage,
    a_message,
    a_stored_image,
    message_names,
    parts_of,
    subscribed,
)
from image_grpc_testkit.eventually import eventually


async def test_a_failure_of_the_object_store_is_retryable(
    start_storage: StartStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = await start_storage()
    data = some_bytes()

    async def fail(*args: Any, **options: Any) -> None:
        raise GenericError("503 Slow Down, from secret-bucket")

    with monkeypatch.context() as patch:
        patch.setattr(obstore, "put_async", fail)
        request = StoreRequest(storage_correlation_id=new_id(), blob_part=parts_of(data)[0])
        error = await storage.request_error(topology.STORE, request)
    assert (error.code, error.details.retryable) == ("STORAGE_SERVICE_ERROR", True)
    assert "secret" not in error.message
    await a_stored_image(storage, data)
    assert await storage.client.blobs.read_all(name_of(data), len(data)) == data


async def test_a_failure_of_the_database_is_retryable(
    start_storage: StartStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = await start_storage()
    image = await storage.store_image(an_image())

    def fail(*args: Any, **options: Any) -> None:
        raise OperationalError("SELECT", {}, Exception("the disk is full"))

    request = RetrieveRequest(
        storage_correlation_id=new_id(), records=RecordKeys(keys=[storage.client.images.key(image.id)])
    )
    with monkeypatch.context() as patch:
        patch.setattr(records, "read", fail)
        error = await storage.request_error(topology.RETRIEVE, request)
    assert (error.code, error.details.retryable) == ("STORAGE_SERVICE_ERROR", True)
    assert "disk" not in error.message
    assert await storage.client.images.retrieve(image.id) == image


async def test_the_client_retries_temporary_failures(
    start_storage: StartStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = await start_storage()
    failures = 3
    write = records.Puts.write

    def fail_at_first(puts: records.Puts) -> None:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise OperationalError("INSERT", {}, Exception("database is locked"))
        write(puts)

    monkeypatch.setattr(records.Puts, "write", fail_at_first)
    assert (await storage.store_image(an_image())).version == 1


async def test_the_sweeper_continues_after_a_failure(
    start_storage: StartStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = 0
    list_ = obstore.list

    def fail_at_first(*args: Any, **options: Any) -> Any:
        nonlocal listed
        listed += 1
        if listed == 1:
            raise GenericError("the object store is unavailable")
        return list_(*args, **options)

    await start_storage(sweep_interval_seconds=0.01)
    monkeypatch.setattr(obstore, "list", fail_at_first)
    await eventually(lambda: listed >= 3, "the sweeper continues")


async def test_a_message_that_the_hub_refused_is_published_later(
    start_storage: StartStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "CLAIM_SECONDS", 0.05)
    monkeypatch.setattr(outbox, "POLL_SECONDS", 0.02)
    storage = await start_storage()
    message = a_message(f"test.{new_id()}", "refused")
    message.mandatory = True
    await storage.client.store([storage.client.images.put(an_image())], messages=[message])
    async with subscribed(storage, message.routing_key) as events:
        await eventually(lambda: "refused" in message_names(events), "the message is published")


async def test_messages_that_cannot_be_published_block_no_others_and_become_dead_letters(
    start_storage: StartStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "CLAIM_SECONDS", 0.05)
    monkeypatch.setattr(outbox, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(outbox, "BATCH", 2)
    monkeypatch.setattr(outbox, "DELETE_SECONDS", 0.01)
    storage = await start_storage()
    refused = [a_message(f"test.{new_id()}", f"refused {number}") for number in range(5)]
    for message in refused:
        message.mandatory = True
        message.envelope.timestamp.FromSeconds(int(time.time()) - outbox.MAX_AGE_SECONDS // 2)
    await storage.client.store([storage.client.images.put(an_image())], messages=refused)
    late = a_message(f"test.{new_id()}", "late")
    late.mandatory = True
    await storage.client.store([storage.client.images.put(an_image())], messages=[late])
    async with subscribed(storage, late.routing_key) as events:
        await eventually(lambda: "late" in message_names(events), "the other message is published")

    monkeypatch.setattr(outbox, "MAX_AGE_SECONDS", 60)
    inbox = Inbox()
    consumer = await storage.hub.consume(topology.DEAD_QUEUE, inbox, concurrency=1)
    expected = {f"refused {number}" for number in range(5)}
    await eventually(lambda: set(message_names(inbox.deliveries)) == expected, "all are dead letters")
    await consumer.stop(grace=SECONDS)
    assert inbox.deliveries[0].headers["reason"] == "not published within a day: returned"
    assert inbox.deliveries[0].headers["origin"] == outbox.ORIGIN


async def test_a_message_that_cannot_be_encoded_does_not_affect_its_batch(
    start_storage: StartStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "CLAIM_SECONDS", 0.05)
    monkeypatch.setattr(outbox, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(outbox, "DELETE_SECONDS", 0.01)
    storage = await start_storage()
    publish, attempts = storage.hub.publish, list[str]()

    async def publish_if_encodable(message: OutboundMessage, **options: Any) -> Any:
        attempts.append(message.routing_key)
        if message.routing_key == "unencodable":
            raise ValueError("a routing key of 300 characters")
        return await publish(message, **options)

    monkeypatch.setattr(storage.hub, "publish", publish_if_encodable)
    messages = [a_message("unencodable", "bad"), a_message(key := f"test.{new_id()}", "good")]
    await storage.client.store([storage.client.images.put(an_image())], messages=messages)
    # The good one is recorded as published; only the bad one is repeated.
    await eventually(lambda: attempts.count("unencodable") > attempts.count(key) + 2, "the bad message is repeated")
