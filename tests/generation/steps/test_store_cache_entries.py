"""The *store* step: which cache entries refer to the stored picture."""

from __future__ import annotations

import pytest
from tabletop.image.internal.v1.cache_entry_pb2 import CacheEntryState
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.types_pb2 import CacheMode

from image_grpc.generation import states
from image_grpc.generation.steps.store import StoreStep
from tests.generation.builders import new_id, portrait, queued
from tests.generation.conftest import Database
from tests.generation.steps.conftest import generated, run

READY = CacheEntryState.CACHE_ENTRY_STATE_READY
SUCCEEDED = GenerationState.GENERATION_STATE_SUCCEEDED
IN_FLIGHT = CacheEntryState.CACHE_ENTRY_STATE_IN_FLIGHT


async def test_an_own_cache_entry_becomes_ready(store_step: StoreStep, database: Database) -> None:
    record = generated(queued())
    await database.add(states.in_flight_entry(record))
    await run(store_step, await database.add_generation(record))
    entry = await database.cache_entry(record.fingerprint)
    assert entry is not None
    assert (entry.state, entry.image_id, entry.image_version) == (READY, record.image_id, 1)


async def test_the_cache_entry_of_another_generation_is_left_alone(store_step: StoreStep, database: Database) -> None:
    record, other = generated(queued()), queued()
    await database.add(states.in_flight_entry(other))
    await run(store_step, await database.add_generation(record))
    entry = await database.cache_entry(record.fingerprint)
    assert entry is not None
    assert (entry.state, entry.generation_id, entry.version) == (IN_FLIGHT, other.generation.id, 1)


async def test_a_generation_without_a_cache_entry_creates_none(store_step: StoreStep, database: Database) -> None:
    record = await database.add_generation(generated(queued()))
    await run(store_step, record)
    assert await database.cache_entry(record.fingerprint) is None


async def test_a_new_version_of_a_refreshed_image_creates_none(store_step: StoreStep, database: Database) -> None:
    record = generated(queued(portrait(cache=CacheMode.CACHE_MODE_REFRESH)))
    fingerprint, record.fingerprint = record.fingerprint, ""
    await run(store_step, await database.add_generation(record))
    stored = await database.generation(record.generation.id)
    assert stored is not None
    assert stored.generation.state == SUCCEEDED
    assert await database.cache_entry(fingerprint) is None


@pytest.mark.parametrize("existing", [True, False])
async def test_a_refresh_replaces_the_cache_entry_once_it_succeeds(
    store_step: StoreStep, database: Database, existing: bool
) -> None:
    record = generated(queued(portrait(cache=CacheMode.CACHE_MODE_REFRESH)))
    if existing:
        other = states.in_flight_entry(record)
        other.generation_id = new_id()
        await database.add(states.ready_entry(other, Image(id=new_id(), version=5)))
    await run(store_step, await database.add_generation(record))
    entry = await database.cache_entry(record.fingerprint)
    assert entry is not None
    assert (entry.state, entry.generation_id) == (READY, record.generation.id)
    assert (entry.image_id, entry.image_version) == (record.image_id, 1)
    assert entry.version == (2 if existing else 1)
