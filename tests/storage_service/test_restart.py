"""What the Storage Service has stored survives a restart."""

from __future__ import annotations

import asyncio

import pytest

from image_grpc.errors import RequestIdReused
from image_grpc.hub import topology
from image_grpc_testkit.collections import delete_one, store_one, undelete_one
from image_grpc_testkit.contracts.records import MEBIBYTE, a_cache_entry, an_image, name_of, new_id, some_bytes
from image_grpc_testkit.contracts.storage_testkit import (
    StartStorage,
    Storage,
    a_message,
    a_stored_image,
    matching,
    message_names,
    parts_of,
    send_parts,
    subscribed,
)
from image_grpc_testkit.eventually import eventually


async def test_records_versions_and_blobs_survive_a_restart(start_storage: StartStorage) -> None:
    stopped = await start_storage()
    data = some_bytes(2 * MEBIBYTE + 1)
    first = await a_stored_image(stopped, data, service=new_id())
    second = await stopped.store_image(first)
    deleted = await stopped.store_image(an_image())
    await delete_one(stopped.client.images, deleted.id)
    entry = await store_one(stopped.client.cache_entries, stopped.client.cache_entries.put(a_cache_entry()))
    await stopped.stop()

    restarted = await start_storage()
    assert await restarted.client.images.retrieve(first.id) == second
    assert await restarted.client.images.retrieve(first.id, 1) == first
    assert await restarted.client.images.retrieve(deleted.id) is None
    assert await undelete_one(restarted.client.images, deleted.id) == deleted
    assert await restarted.client.cache_entries.retrieve(entry.fingerprint) == entry
    assert await restarted.client.blobs.read_all(name_of(data), len(data)) == data
    listed, _ = await restarted.client.images.list(matching(service=first.metadata.service), page_size=5)
    assert listed == [second]


async def test_a_page_token_survives_a_restart(start_storage: StartStorage) -> None:
    stopped = await start_storage()
    service = new_id()
    filter_ = matching(service=service)
    images = [await stopped.store_image(an_image(service=service)) for _ in range(2)]
    _, token = await stopped.client.images.list(filter_, page_size=1)
    await stopped.stop()
    restarted = await start_storage()
    assert await restarted.client.images.list(filter_, page_size=1, page_token=token) == ([images[0]], "")


async def test_applied_requests_survive_a_restart(start_storage: StartStorage) -> None:
    stopped = await start_storage()
    id_, put = new_id(), stopped.client.images.put_if_absent(an_image())
    records = await stopped.client.store([put], storage_correlation_id=id_)
    await stopped.stop()
    restarted = await start_storage()
    assert await restarted.client.store([put], storage_correlation_id=id_) == records
    with pytest.raises(RequestIdReused):
        await restarted.client.store([restarted.client.images.put(an_image())], storage_correlation_id=id_)


async def test_applied_requests_expire(start_storage: StartStorage) -> None:
    storage = await start_storage(request_memory_seconds=0.000_001)
    id_, image = new_id(), an_image()
    await storage.client.store([storage.client.images.put(image)], storage_correlation_id=id_)
    await storage.sweep()
    [again] = await storage.client.store([storage.client.images.put(image)], storage_correlation_id=id_)
    assert again.key.version == 2


async def test_parts_survive_a_restart(start_storage: StartStorage) -> None:
    stopped = await start_storage()
    data = some_bytes(2 * MEBIBYTE)
    first, last = parts_of(data)
    await send_parts(stopped, [first])
    await stopped.stop()
    restarted = await start_storage()
    await send_parts(restarted, [last])
    await restarted.store_image(an_image(of=data))
    assert await restarted.client.blobs.read_all(name_of(data), len(data)) == data


async def test_unpublished_messages_are_published_after_a_restart(start_storage: StartStorage) -> None:
    stopped = await start_storage()
    job = a_message("", "job")
    job.exchange, job.routing_key, job.mandatory = topology.DEFAULT_EXCHANGE, "test.jobs", True
    announced = a_message(f"test.{new_id()}", "announced")
    # The hub returns the mandatory job because its queue does not exist yet.
    async with subscribed(stopped, announced.routing_key) as events:
        await stopped.client.store([stopped.client.images.put(an_image())], messages=[job, announced])
        await eventually(lambda: message_names(events) == ["announced"], "the other message is published")
    await stopped.stop()

    restarted = await start_storage(queues=["test.jobs"])
    async with subscribed(restarted, announced.routing_key) as events:
        await eventually(lambda: _is_queued(restarted), "the job is in its queue")
        await restarted.stop()
    assert events == []  # it was confirmed, so it is not published again


async def _is_queued(storage: Storage) -> bool:
    return await storage.hub.depth("test.jobs") == 1


async def test_a_stop_completes_requests_in_progress(start_storage: StartStorage) -> None:
    storage = await start_storage()
    images = [an_image() for _ in range(50)]
    requests = [asyncio.create_task(storage.store_image(image)) for image in images]
    await asyncio.wait(requests, return_when=asyncio.FIRST_COMPLETED)
    await storage.stop()
    stored = {each.result().id for each in requests if each.done() and not each.exception()}
    for each in requests:
        each.cancel()
    await asyncio.gather(*requests, return_exceptions=True)

    restarted = await start_storage()
    for id_ in stored:
        assert await restarted.client.images.retrieve(id_) is not None


async def test_a_restart_changes_nothing(start_storage: StartStorage) -> None:
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
