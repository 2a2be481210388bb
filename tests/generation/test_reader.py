"""Reading, waiting for and watching generations."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.generation_service_pb2 import ListGenerationsRequest
from tabletop.image.v1.image_pb2 import Image

from image_grpc.errors import GenerationNotFound, InvalidArgument
from image_grpc.generation import reader as reader_module
from image_grpc.generation import states
from image_grpc.generation.reader import GenerationReader, WatchEvent
from image_grpc.generation.repository import GenerationRepository
from image_grpc.hub.memory import MemoryHub
from image_grpc.retry import Backoff
from image_grpc.storage import ChangeFeed, ReadCache, Storage
from image_grpc_testkit.eventually import eventually
from tests.generation.builders import item, new_id, portrait, queued, stored_image
from tests.generation.conftest import Database
from tests.generation.memory_storage import SECONDS, MemoryStorageService, Refused

QUEUED = GenerationState.GENERATION_STATE_QUEUED
GENERATING = GenerationState.GENERATION_STATE_GENERATING
CANCELLED = GenerationState.GENERATION_STATE_CANCELLED


@pytest.fixture
def stopping() -> asyncio.Event:
    return asyncio.Event()


@pytest_asyncio.fixture
async def feed(hub: MemoryHub, cache: ReadCache) -> AsyncIterator[ChangeFeed]:
    feed = ChangeFeed(hub, cache)
    await feed.start()
    yield feed
    await feed.stop()


@pytest.fixture
def reader(
    generations: GenerationRepository, storage: Storage, feed: ChangeFeed, stopping: asyncio.Event
) -> GenerationReader:
    return GenerationReader(generations, storage, feed, stopping)


@pytest.fixture
async def record(database: Database) -> GenerationRecord:
    return await database.add_generation(queued())


async def start(generations: GenerationRepository, record: GenerationRecord) -> GenerationRecord:
    """Store the generation as GENERATING."""
    return await generations.update(states.generating(record, owner="me", lease_seconds=90))


async def end(generations: GenerationRepository, record: GenerationRecord) -> None:
    await generations.update(states.cancelled(record))


class Watch:
    """Collects the events of a watch until it ends."""

    def __init__(self, events: AsyncIterator[WatchEvent]) -> None:
        self.events: list[WatchEvent] = []
        self._task = asyncio.create_task(self._collect(events))

    async def _collect(self, events: AsyncIterator[WatchEvent]) -> None:
        async for event in events:
            self.events.append(event)

    async def until(self, condition: Callable[[], bool]) -> None:
        await eventually(condition, "the events arrive")

    async def ended(self) -> list[GenerationState | None]:
        """Wait until the watch ends; return the states that it reported, None for a heartbeat."""
        async with asyncio.timeout(SECONDS):
            await self._task
        return [event.generation.state if event.generation else None for event in self.events]


def watch(reader: GenerationReader, record: GenerationRecord, cursor: str = "", heartbeat: float = SECONDS) -> Watch:
    return Watch(reader.watch(record.generation.id, cursor, heartbeat_seconds=heartbeat))


# Reading


async def test_a_generation_is_returned_with_its_image(reader: GenerationReader, database: Database) -> None:
    image = stored_image()
    await database.add(image)
    record = await database.add_generation(states.served_from_cache(queued(), Image(id=image.id, version=1)))
    generation = await reader.get(record.generation.id)
    assert generation.image.metadata.theme == "fantasy"
    await database.delete_image(image.id)
    assert (await reader.get(record.generation.id)).image.metadata.theme == "fantasy", "even if it is deleted"


async def test_a_purged_image_leaves_its_id(reader: GenerationReader, database: Database) -> None:
    id_ = new_id()
    record = await database.add_generation(states.served_from_cache(queued(), Image(id=id_, version=1)))
    assert (await reader.get(record.generation.id)).image.id == id_


async def test_an_unknown_generation_is_not_found(reader: GenerationReader) -> None:
    for call in (reader.get(new_id()), reader.wait(new_id(), 1)):
        with pytest.raises(GenerationNotFound):
            await call
    with pytest.raises(GenerationNotFound):
        await anext(reader.watch(new_id(), "", heartbeat_seconds=1))


async def test_a_pointer_is_read_as_the_generation_that_serves_it(
    reader: GenerationReader, record: GenerationRecord, database: Database
) -> None:
    pointer = await database.add_generation(states.served_by(queued(), record))
    assert (await reader.get(pointer.generation.id)).id == record.generation.id


async def test_listings_are_filtered_and_leave_out_pointers(
    reader: GenerationReader, record: GenerationRecord, database: Database
) -> None:
    await database.add(states.served_by(queued(), record), states.cancelled(queued(item())))

    async def ids(**filters: object) -> list[GenerationState]:
        listed, token = await reader.list(ListGenerationsRequest(**filters), 10)  # type: ignore[arg-type]
        assert token == ""
        return [generation.state for generation in listed]

    assert await ids() == [CANCELLED, QUEUED]
    assert await ids(state=CANCELLED) == [CANCELLED]
    assert await ids(type=2) == [QUEUED]
    assert await ids(theme="horror") == []


async def test_a_listing_has_pages(reader: GenerationReader, database: Database) -> None:
    await database.add(*(queued(portrait(details=str(number))) for number in range(3)))
    first, token = await reader.list(ListGenerationsRequest(), 2)
    rest, last = await reader.list(ListGenerationsRequest(page_token=token), 2)
    assert (len(first), len(rest), last) == (2, 1, "")


async def test_pages_end_before_they_exceed_the_size_limit(
    reader: GenerationReader, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await database.add(*(queued(portrait(details=str(number))) for number in range(3)))
    largest = max(each.ByteSize() for each in (await reader.list(ListGenerationsRequest(), 3))[0])
    monkeypatch.setattr("image_grpc.paging.MAX_PAGE_BYTES", 2 * largest)
    first, token = await reader.list(ListGenerationsRequest(), 3)
    rest, last = await reader.list(ListGenerationsRequest(page_token=token), 3)
    assert (len(first), len(rest), last) == (2, 1, "")
    monkeypatch.setattr("image_grpc.paging.MAX_PAGE_BYTES", 1)
    assert len((await reader.list(ListGenerationsRequest(), 3))[0]) == 1, "a page has at least one generation"


# Waiting


async def test_an_ended_generation_is_returned_at_once(
    reader: GenerationReader, generations: GenerationRepository, record: GenerationRecord
) -> None:
    await end(generations, record)
    assert (await reader.wait(record.generation.id, SECONDS)).state == CANCELLED


async def test_a_wait_ends_with_the_generation(
    reader: GenerationReader, generations: GenerationRepository, record: GenerationRecord
) -> None:
    started = time.monotonic()
    waiting = asyncio.create_task(reader.wait(record.generation.id, SECONDS))
    started_record = await start(generations, record)
    await end(generations, started_record)
    assert (await waiting).state == CANCELLED
    assert time.monotonic() - started < reader_module.POLLS.initial, "without polling"


async def test_a_wait_ends_with_its_time(reader: GenerationReader, record: GenerationRecord) -> None:
    started = time.monotonic()
    assert (await reader.wait(record.generation.id, 0.2)).state == QUEUED
    assert 0.2 <= time.monotonic() - started < 5
    assert (await reader.wait(record.generation.id, 0)).state == QUEUED


async def test_a_wait_ends_when_the_server_stops(
    reader: GenerationReader, record: GenerationRecord, stopping: asyncio.Event
) -> None:
    waiting = asyncio.create_task(reader.wait(record.generation.id, SECONDS))
    await asyncio.sleep(0.05)
    stopping.set()
    async with asyncio.timeout(5):
        assert (await waiting).state == QUEUED


async def test_a_wait_does_not_depend_on_the_change_feed(
    reader: GenerationReader,
    feed: ChangeFeed,
    generations: GenerationRepository,
    record: GenerationRecord,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reader_module, "POLLS", Backoff(initial=0.05, maximum=0.05))
    await feed.stop()
    waiting = asyncio.create_task(reader.wait(record.generation.id, SECONDS))
    await end(generations, record)
    async with asyncio.timeout(5):
        assert (await waiting).state == CANCELLED


async def test_a_wait_continues_when_the_storage_service_is_available_again(
    reader: GenerationReader,
    generations: GenerationRepository,
    record: GenerationRecord,
    storage_service: MemoryStorageService,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reader_module, "POLLS", Backoff(initial=0.05, maximum=0.05))
    storage_service.retrieved.clear()
    waiting = asyncio.create_task(reader.wait(record.generation.id, SECONDS))
    await eventually(lambda: storage_service.retrieved != [], "the generation is read")
    storage_service.refusals = [Refused("INTERNAL", "the database failed")]
    await eventually(lambda: storage_service.refusals == [], "the generation could not be read")
    await end(generations, await start(generations, record))
    async with asyncio.timeout(SECONDS):
        assert (await waiting).state == CANCELLED


async def test_a_read_that_fails_after_a_gap_is_repeated_soon(
    reader: GenerationReader,
    feed: ChangeFeed,
    generations: GenerationRepository,
    record: GenerationRecord,
    storage_service: MemoryStorageService,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reader_module, "RETRY_SECONDS", 0.05)
    await feed.stop()
    storage_service.retrieved.clear()
    waiting = asyncio.create_task(reader.wait(record.generation.id, SECONDS))
    await eventually(lambda: storage_service.retrieved != [], "the generation is read")
    await end(generations, await start(generations, record))
    storage_service.refusals = [Refused("INTERNAL", "the database failed")]
    feed._report_gap()
    await eventually(lambda: storage_service.refusals == [], "the generation could not be read")
    async with asyncio.timeout(min(SECONDS, reader_module.POLLS.initial) / 2):
        assert (await waiting).state == CANCELLED


# Watching


async def test_a_watch_reports_every_change_until_the_end(
    reader: GenerationReader, generations: GenerationRepository, record: GenerationRecord
) -> None:
    watching = watch(reader, record)
    await watching.until(lambda: len(watching.events) == 1)
    await end(generations, await start(generations, record))
    assert await watching.ended() == [QUEUED, GENERATING, CANCELLED]
    assert [event.cursor for event in watching.events] == ["1", "2", "3"]


@pytest.mark.parametrize(("cursor", "expected"), [("", 3), ("1", 2), ("2", 1), ("3", 0), ("9", 0)])
async def test_a_watch_resumes_after_its_cursor(
    reader: GenerationReader, generations: GenerationRepository, record: GenerationRecord, cursor: str, expected: int
) -> None:
    await end(generations, await start(generations, record))
    reported = await watch(reader, record, cursor).ended()
    assert reported == [QUEUED, GENERATING, CANCELLED][3 - expected :]


async def test_a_watch_skips_versions_that_were_purged(
    reader: GenerationReader,
    generations: GenerationRepository,
    record: GenerationRecord,
    storage: Storage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await end(generations, await start(generations, record))

    async def purged(id_: str, version: int) -> None:
        return None

    monkeypatch.setattr(storage.generations, "get_version", purged)
    assert await watch(reader, record).ended() == [CANCELLED]


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "²"])
async def test_a_malformed_cursor_is_refused(reader: GenerationReader, record: GenerationRecord, cursor: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        await anext(reader.watch(record.generation.id, cursor, heartbeat_seconds=1))
    assert [violation.field for violation in caught.value.violations] == ["cursor"]


async def test_a_silent_watch_has_heartbeats(
    reader: GenerationReader, generations: GenerationRepository, record: GenerationRecord
) -> None:
    watching = watch(reader, record, heartbeat=0.05)
    await watching.until(lambda: len(watching.events) >= 3)
    await end(generations, record)
    reported = await watching.ended()
    assert reported[0] == QUEUED
    assert reported[-1] == CANCELLED
    assert set(reported[1:-1]) == {None}
    assert {event.cursor for event in watching.events[:-1]} == {"1"}


async def test_a_watch_ends_when_the_server_stops(
    reader: GenerationReader, record: GenerationRecord, stopping: asyncio.Event
) -> None:
    watching = watch(reader, record)
    await watching.until(lambda: len(watching.events) == 1)
    stopping.set()
    assert await watching.ended() == [QUEUED]


async def test_a_gap_in_the_change_feed_is_filled(
    reader: GenerationReader, feed: ChangeFeed, generations: GenerationRepository, record: GenerationRecord
) -> None:
    watching = watch(reader, record)
    await watching.until(lambda: len(watching.events) == 1)
    await feed.stop()
    await end(generations, await start(generations, record))
    feed._report_gap()
    assert await watching.ended() == [QUEUED, GENERATING, CANCELLED]


async def test_presenting_a_record_leaves_it_unchanged(reader: GenerationReader, database: Database) -> None:
    image = stored_image()
    await database.add(image)
    record = states.served_from_cache(queued(), Image(id=image.id, version=1))
    await reader.present(record)
    assert not record.generation.image.HasField("metadata")
