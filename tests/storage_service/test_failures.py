"""Temporary failures of the database and the object store lose no data."""

from __future__ import annotations

from typing import Any

import obstore
import pytest
from obstore.exceptions import GenericError
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError
from tabletop.storage.v1.storage_pb2 import RecordKeys, RetrieveRequest, StoreRequest

from image_grpc.hub import topology
from image_grpc.storage_service import outbox, records
from image_grpc_testkit.contracts.records import an_image, name_of, new_id, some_bytes
from image_grpc_testkit.contracts.storage_testkit import (
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
    put = records.put

    def fail_at_first(connection: Connection, puts: Any) -> Any:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise OperationalError("INSERT", {}, Exception("database is locked"))
        return put(connection, puts)

    monkeypatch.setattr(records, "put", fail_at_first)
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

    monkeypatch.setattr(obstore, "list", fail_at_first)
    await start_storage(sweep_interval_seconds=0.01)
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
