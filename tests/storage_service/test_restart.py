"""What the Storage Service has answered for outlives it."""

from __future__ import annotations

import asyncio

import pytest
from tabletop.storage.v1.storage_pb2 import ListFilter

from image_grpc.errors import RequestIdReused
from image_grpc.hub import topology
from tests.contracts.patience import eventually
from tests.contracts.records import MEBIBYTE, a_cache_entry, an_image, name_of, new_id, some_bytes
from tests.contracts.storage_bench import (
    StartStorage,
    Storage,
    a_message,
    a_stored_image,
    message_names,
    parts_of,
    send_parts,
    subscribed,
)


async def test_records_versions_and_blobs_are_there_after_a_restart(start_storage: StartStorage) -> None:
    before = await start_storage()
    data = some_bytes(2 * MEBIBYTE + 1)
    first = await a_stored_image(before, data, service=new_id())
    second = await before.store_image(first)
    deleted = await before.store_image(an_image())
    await before.client.images.delete(deleted.id)
    entry = await before.client.cache_entries.store(a_cache_entry())
    await before.stop()

    after = await start_storage()
    assert await after.client.images.retrieve(first.id) == second
    assert await after.client.images.retrieve(first.id, 1) == first
    assert await after.client.images.retrieve(deleted.id) is None
    assert await after.client.images.undelete(deleted.id) == deleted
    assert await after.client.cache_entries.retrieve(entry.fingerprint) == entry
    assert await after.client.blobs.read_all(name_of(data), len(data)) == data
    listed, _ = await after.client.images.list(ListFilter(service=first.metadata.service), page_size=5)
    assert listed == [second]


async def test_a_page_token_is_good_after_a_restart(start_storage: StartStorage) -> None:
    before = await start_storage()
    filter_ = ListFilter(service=new_id())
    images = [await before.store_image(an_image(service=filter_.service)) for _ in range(2)]
    _, token = await before.client.images.list(filter_, page_size=1)
    await before.stop()
    after = await start_storage()
    assert await after.client.images.list(filter_, page_size=1, page_token=token) == ([images[0]], "")


async def test_a_request_is_remembered_over_a_restart(start_storage: StartStorage) -> None:
    before = await start_storage()
    id_, put = new_id(), before.client.images.put(an_image(), absent=True)
    answer = await before.client.store([put], storage_correlation_id=id_)
    await before.stop()
    after = await start_storage()
    assert await after.client.store([put], storage_correlation_id=id_) == answer
    with pytest.raises(RequestIdReused):
        await after.client.store([after.client.images.put(an_image())], storage_correlation_id=id_)


async def test_a_request_is_forgotten_after_its_time(start_storage: StartStorage) -> None:
    storage = await start_storage(request_memory_seconds=0.000_001)
    id_, image = new_id(), an_image()
    await storage.client.store([storage.client.images.put(image)], storage_correlation_id=id_)
    await storage.sweep()
    [again] = await storage.client.store([storage.client.images.put(image)], storage_correlation_id=id_)
    assert again.image.version == 2


async def test_parts_sent_before_a_restart_need_not_be_sent_again(start_storage: StartStorage) -> None:
    before = await start_storage()
    data = some_bytes(2 * MEBIBYTE)
    first, last = parts_of(data)
    await send_parts(before, [first])
    await before.stop()
    after = await start_storage()
    await send_parts(after, [last])
    await after.store_image(an_image(of=data))
    assert await after.client.blobs.read_all(name_of(data), len(data)) == data


async def test_a_message_that_was_not_published_before_the_stop_is_published_at_the_next_start(
    start_storage: StartStorage,
) -> None:
    before = await start_storage()
    job = a_message("", "job")
    job.exchange, job.routing_key, job.mandatory = topology.DEFAULT_EXCHANGE, "test.jobs", True
    announced = a_message(f"test.{new_id()}", "announced")
    # Nobody has declared the job's queue yet, so the hub does not take the message.
    async with subscribed(before, announced.routing_key) as events:
        await before.client.store([before.client.images.put(an_image())], messages=[job, announced])
        await eventually(lambda: message_names(events) == ["announced"], "the other message is published")
    await before.stop()

    after = await start_storage(queues=["test.jobs"])
    async with subscribed(after, announced.routing_key) as events:
        await eventually(lambda: _waits(after), "the job is in its queue")
        await after.stop()
    assert events == []  # it was confirmed, so it is not published again


async def _waits(storage: Storage) -> bool:
    return await storage.hub.depth("test.jobs") == 1


async def test_stopping_answers_what_was_asked(start_storage: StartStorage) -> None:
    storage = await start_storage()
    images = [an_image() for _ in range(50)]
    asked = [asyncio.create_task(storage.store_image(image)) for image in images]
    await eventually(lambda: any(each.done() for each in asked), "the first request is answered")
    await storage.stop()
    answered = {each.result().id for each in asked if each.done() and not each.exception()}
    for each in asked:
        each.cancel()
    await asyncio.gather(*asked, return_exceptions=True)

    after = await start_storage()
    for id_ in answered:
        assert await after.client.images.retrieve(id_) is not None


async def test_a_second_start_on_a_database_changes_nothing(start_storage: StartStorage) -> None:
    first = await start_storage()
    image = await first.store_image(an_image())
    await first.stop()
    for _ in range(2):
        again = await start_storage()
        assert await again.client.images.retrieve(image.id) == image
        await again.stop()


async def test_two_replicas_share_the_data(start_storage: StartStorage) -> None:
    one, other = await start_storage(), await start_storage()
    data = some_bytes(2 * MEBIBYTE)
    first, last = parts_of(data)
    await send_parts(one, [first])
    await send_parts(other, [last])
    image = await one.store_image(an_image(of=data))
    assert await other.client.images.retrieve(image.id) == image
    assert await other.client.blobs.read_all(name_of(data), len(data)) == data
