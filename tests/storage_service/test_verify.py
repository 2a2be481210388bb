"""The problems that `image-grpc storage verify` reports."""

from __future__ import annotations

from functools import partial
from typing import Any

import obstore
import pytest
from sqlalchemy import Connection, delete, insert, update

from image_grpc.storage_service import verify as module
from image_grpc.storage_service.blobs import State
from image_grpc.storage_service.object_store import blob_path, open_store
from image_grpc.storage_service.schema import blob, record_version
from image_grpc.storage_service.verify import Report, verify
from image_grpc_testkit.collections import delete_one, store_one
from image_grpc_testkit.contracts.records import MEBIBYTE, a_generation, an_image, name_of, some_bytes
from image_grpc_testkit.contracts.storage_testkit import StartStorage, Storage, a_stored_image, parts_of, send_parts
from tests.storage_service.parts import opened


@pytest.fixture
async def storage(start_storage: StartStorage) -> Storage:
    return await start_storage()


@pytest.fixture
def at(database_url: str, blob_url: str) -> tuple[str, str]:
    return database_url, blob_url


async def report_of(at: tuple[str, str]) -> Report:
    async with opened(*at) as (database, store):
        return await verify(database, store)


async def change(at: tuple[str, str], statement: Any) -> None:
    def run(statement: Any, connection: Connection) -> None:
        connection.execute(statement)

    async with opened(*at) as (database, _):
        await database.write(partial(run, statement))


async def test_an_intact_storage_has_no_problems(
    storage: Storage, at: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE_SIZE", 2)  # several pages of each
    data = some_bytes(2 * MEBIBYTE + 1)
    image = await a_stored_image(storage, data)
    await storage.store_image(image)
    for size in (1, 2, 3, 4):
        await a_stored_image(storage, some_bytes(size))
    generations = storage.client.generations
    await store_one(generations, generations.put(a_generation()))
    await send_parts(storage, parts_of(some_bytes()))  # no record refers to it yet
    deleted = await a_stored_image(storage, data)
    await delete_one(storage.client.images, deleted.id)
    assert await report_of(at) == Report(records=7, versions=8, blobs=5, bytes=len(data) + 10)


async def test_a_missing_blob(storage: Storage, at: tuple[str, str]) -> None:
    image = await a_stored_image(storage)
    await obstore.delete_async(open_store(at[1]), image.content.storage_path)
    assert (await report_of(at)).problems == [f"blob {image.content.sha256}: is missing"]


@pytest.mark.parametrize(
    ("stored_bytes", "problem"),
    [
        (b"x" * 1000, "is damaged: its bytes have another SHA-256"),
        (b"x" * 999, "is damaged: it has 999 bytes, not 1000"),
    ],
)
async def test_a_damaged_blob(storage: Storage, at: tuple[str, str], stored_bytes: bytes, problem: str) -> None:
    image = await a_stored_image(storage, some_bytes(1000))
    await obstore.put_async(open_store(at[1]), image.content.storage_path, stored_bytes)
    assert (await report_of(at)).problems == [f"blob {image.content.sha256}: {problem}"]


async def test_an_object_that_is_not_in_the_database(storage: Storage, at: tuple[str, str]) -> None:
    stray = blob_path(name_of(b"stray"))
    await obstore.put_async(open_store(at[1]), stray, b"stray")
    assert (await report_of(at)).problems == [f"object {stray}: its blob is not in the database"]


async def test_an_unreferenced_blob(storage: Storage, at: tuple[str, str]) -> None:
    data = some_bytes(10)
    await obstore.put_async(open_store(at[1]), blob_path(name_of(data)), data)
    row = {"sha256": name_of(data), "byte_size": 10, "state": State.COMMITTED, "touch_time": 0}
    await change(at, insert(blob).values(row))
    assert (await report_of(at)).problems == [f"blob {name_of(data)}: no record refers to it"]


async def test_a_record_without_its_blob(storage: Storage, at: tuple[str, str]) -> None:
    image = await a_stored_image(storage)
    sha256 = image.content.sha256
    await change(at, delete(blob))
    await obstore.delete_async(open_store(at[1]), image.content.storage_path)
    assert (await report_of(at)).problems == [f"image {image.id} version 1: its blob {sha256} is not stored"]


async def test_a_record_with_the_wrong_size_of_its_blob(storage: Storage, at: tuple[str, str]) -> None:
    image = await a_stored_image(storage, some_bytes(10))
    sha256 = image.content.sha256
    await change(at, update(blob).values(byte_size=11))
    assert (await report_of(at)).problems == [
        f"image {image.id} version 1: refers to 10 bytes, but its blob {sha256} has 11",
        f"blob {sha256}: is damaged: it has 10 bytes, not 11",
    ]


async def test_a_record_without_its_latest_version(storage: Storage, at: tuple[str, str]) -> None:
    image = await storage.store_image(an_image())
    await storage.store_image(image)
    await change(at, delete(record_version).where(record_version.c.version == 2))
    assert (await report_of(at)).problems == [f"image {image.id} version 2: is missing"]
