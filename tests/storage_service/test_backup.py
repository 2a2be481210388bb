"""Backups keep everything, from and to any kind of database and object store."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import obstore
import pytest
from sqlalchemy import Table, select
from tabletop.storage.v1.storage_pb2 import ListFilter

from image_grpc.storage_service import backup_files as module
from image_grpc.storage_service.backup import BackupError, back_up, restore
from image_grpc.storage_service.database import Database
from image_grpc.storage_service.object_store import open_store
from image_grpc.storage_service.schema import blob, outbox, record, record_version
from image_grpc.storage_service.verify import verify
from image_grpc_testkit.collections import delete_one, undelete_one
from image_grpc_testkit.contracts.records import (
    MEBIBYTE,
    a_cache_entry,
    a_generation,
    a_theme,
    an_image,
    an_overlay,
    new_id,
    some_bytes,
)
from image_grpc_testkit.contracts.storage_testkit import StartStorage, Storage, a_message, a_stored_image
from image_grpc_testkit.eventually import eventually
from tests.storage_service.parts import opened


@pytest.fixture
def at(database_url: str, blob_url: str) -> tuple[str, str]:
    return database_url, blob_url


@pytest.fixture
def other(tmp_path: Path) -> tuple[str, str]:
    return f"sqlite:///{tmp_path}/other.db", f"file://{tmp_path}/other"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backup"


async def fill(storage: Storage) -> None:
    """Store records of each kind: with versions, deleted, restored, with blobs of one part and of several."""
    client = storage.client
    data = some_bytes(9 * MEBIBYTE + 17)
    image = await a_stored_image(storage, data, service=new_id(), source_id=new_id())
    await client.blobs.put(some := some_bytes(100))
    image.content.CopyFrom(an_image(of=some).content)
    await storage.store_image(image)
    deleted = await a_stored_image(storage, data)
    await delete_one(client.images, deleted.id)
    restored = await a_stored_image(storage)
    await delete_one(client.images, restored.id)
    await undelete_one(client.images, restored.id)
    overlay = client.overlays.put(an_overlay())
    await client.store([overlay])
    await client.store([overlay, client.themes.put(a_theme()), client.generations.put(a_generation())])
    await client.store([client.cache_entries.put(a_cache_entry())])
    kept = a_message("no.subscriber", "kept")
    kept.mandatory = True  # so the hub returns it, and it stays in the outbox
    await client.store([client.images.put(an_image())], messages=[kept])


async def rows_of(database: Database, table: Table, *without: str) -> list[Any]:
    columns = [column for column in table.c if column.name not in without]
    rows = await database.read(lambda connection: connection.execute(select(*columns)).all())
    return sorted(map(tuple, rows), key=repr)


async def test_a_restore_into_postgresql_and_s3_keeps_everything(
    start_storage: StartStorage, at: tuple[str, str], folder: Path, fresh_database: str, fresh_prefix: str
) -> None:
    source = await start_storage()
    await fill(source)
    target = (fresh_database, fresh_prefix)
    async with opened(*at) as (old, old_store), opened(*target) as (new, new_store):

        async def is_published() -> bool:
            return len(await rows_of(old, outbox)) == 1

        await eventually(is_published, "only the returned message is left")
        manifest = await back_up(old, old_store, folder)
        assert await restore(new, new_store, folder) == manifest
        for table in (record, record_version):
            rows = await rows_of(old, table)
            assert await rows_of(new, table) == rows
            assert len(rows) >= 8
        assert await rows_of(new, blob, "touch_time") == await rows_of(old, blob, "touch_time")
        assert await rows_of(new, outbox, "claim_time", "sequence") == await rows_of(
            old, outbox, "claim_time", "sequence"
        )
        assert manifest.messages.count == 1
        assert (await verify(new, new_store)).problems == []

    restored = await start_storage(at=target)
    listed, _ = await source.client.images.list(ListFilter(include_deleted=True), page_size=50)
    assert (await restored.client.images.list(ListFilter(include_deleted=True), page_size=50))[0] == listed
    for image in listed:
        sha256, size = image.content.sha256, image.content.byte_size
        if sha256:
            read = await restored.client.blobs.read_all(sha256, size)
            assert read == await source.client.blobs.read_all(sha256, size)
    # New versions continue the restored ones.
    [latest, *_] = [image for image in listed if not image.HasField("delete_time")]
    assert (await restored.store_image(latest)).version == latest.version + 1


async def test_a_restore_from_postgresql_and_s3_into_files_keeps_everything(
    start_storage: StartStorage, other: tuple[str, str], folder: Path, fresh_database: str, fresh_prefix: str
) -> None:
    source = (fresh_database, fresh_prefix)
    await fill(await start_storage(at=source))
    async with opened(*source) as (old, old_store), opened(*other) as (new, new_store):
        await back_up(old, old_store, folder)
        await restore(new, new_store, folder)
        assert await rows_of(new, record_version) == await rows_of(old, record_version)
        assert (await verify(new, new_store)).problems == []


async def test_a_second_backup_copies_new_blobs_only(
    start_storage: StartStorage, at: tuple[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = await start_storage()
    await a_stored_image(storage)
    async with opened(*at) as (database, store):
        first = await back_up(database, store, folder)
        image = await a_stored_image(storage)
        copied: list[str] = []
        put = obstore.put_async

        async def counting(target: Any, path: str, *arguments: Any, **options: Any) -> Any:
            copied.append(path)
            return await put(target, path, *arguments, **options)

        with monkeypatch.context() as patch:
            patch.setattr(module.obstore, "put_async", counting)
            second = await back_up(database, store, folder)
    assert copied == [image.content.storage_path]
    assert (first.records.count, second.records.count) == (1, 2)
    assert [name for name in os.listdir(folder) if name.startswith("records-")] == [second.records.file]


async def test_a_restore_requires_an_empty_database(
    start_storage: StartStorage, at: tuple[str, str], folder: Path
) -> None:
    await (await start_storage()).store_image(an_image())
    async with opened(*at) as (database, store):
        await back_up(database, store, folder)
        with pytest.raises(BackupError, match="not empty"):
            await restore(database, store, folder)


async def test_an_interrupted_restore_can_be_repeated(
    start_storage: StartStorage, at: tuple[str, str], other: tuple[str, str], folder: Path
) -> None:
    storage = await start_storage()
    images = [await a_stored_image(storage) for _ in range(3)]
    async with opened(*at) as (database, store), opened(*other) as (new, new_store):
        await back_up(database, store, folder)
        last = folder / images[2].content.storage_path
        last.rename(folder / "hidden")
        with pytest.raises(BackupError, match="is missing"):
            await restore(new, new_store, folder)
        (folder / "hidden").rename(last)
        await restore(new, new_store, folder)
        assert await rows_of(new, record) == await rows_of(database, record)


async def test_a_missing_or_damaged_blob_fails_the_backup(
    start_storage: StartStorage, at: tuple[str, str], folder: Path
) -> None:
    image = await a_stored_image(await start_storage(), some_bytes(1000))
    async with opened(*at) as (database, store):
        await obstore.put_async(store, image.content.storage_path, b"x" * 1000)
        with pytest.raises(BackupError, match="is damaged"):
            await back_up(database, store, folder)
        await obstore.delete_async(store, image.content.storage_path)
        with pytest.raises(BackupError, match="is missing"):
            await back_up(database, store, folder)
    assert not (folder / "backup.json").exists()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("truncated", "is damaged"),
        ("no manifest", "has no complete backup"),
        ("old format", "has format 1, not 2"),
        ("no records", "has no complete backup"),
    ],
)
async def test_an_incomplete_backup_is_refused(
    start_storage: StartStorage, at: tuple[str, str], other: tuple[str, str], folder: Path, damage: str, message: str
) -> None:
    await (await start_storage()).store_image(an_image())
    async with opened(*at) as (database, store):
        manifest = await back_up(database, store, folder)
    records, manifest_file = folder / manifest.records.file, folder / "backup.json"
    match damage:
        case "truncated":
            records.write_bytes(records.read_bytes()[:-1])
        case "no records":
            records.unlink()
        case "no manifest":
            manifest_file.unlink()
        case _:
            manifest_file.write_text(json.dumps(json.loads(manifest_file.read_text()) | {"format": 1}))
    async with opened(*other) as (new, new_store):
        with pytest.raises(BackupError, match=message):
            await restore(new, new_store, folder)
        assert await rows_of(new, record) == []


def test_a_plain_http_endpoint_needs_no_other_setting(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ALLOW_HTTP", raising=False)
    obstore.put(open_store(bucket), "some", b"bytes")
    assert bytes(obstore.get(open_store(bucket), "some").bytes()) == b"bytes"
