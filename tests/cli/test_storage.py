"""`image-grpc storage backup`, `restore` and `verify`."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from image_grpc.hub.memory import MemoryHub
from image_grpc.settings import StorageServiceSettings, load
from image_grpc.storage import ImageStorageClient
from image_grpc.storage_service import StorageService
from image_grpc.telemetry import Telemetry
from image_grpc_testkit.collections import store_one
from image_grpc_testkit.contracts.records import an_image, some_bytes
from tests.cli.forks import forks


def storage(*arguments: str) -> tuple[int, str]:
    """Run `image-grpc storage`, and return its exit code and output."""
    code, out, error = forks().run(["storage", *arguments], os.environ)
    return code, out + error


async def store_an_image(database_url: str, blob_url: str) -> str:
    """Store a picture of 1000 bytes, and return its path in the object store."""
    hub = MemoryHub()
    await hub.start()
    service = StorageService(load(StorageServiceSettings), hub, database_url=database_url, blob_url=blob_url)
    await service.start()
    client = ImageStorageClient(hub, Telemetry(), timeout=60)
    data = some_bytes(1000)
    await client.blobs.put(data)
    image = await store_one(client.images, client.images.put_if_absent(an_image(of=data)))
    await service.stop()
    await hub.close()
    return image.content.storage_path


def test_backup_restore_and_verify(tmp_path: Path) -> None:
    source = (f"sqlite:///{tmp_path}/one.db", f"file://{tmp_path}/one")
    path = asyncio.run(store_an_image(*source))
    backup, other = str(tmp_path / "backup"), (f"sqlite:///{tmp_path}/other.db", f"file://{tmp_path}/other")
    to = ("--database-url", other[0], "--blob-url", other[1])

    code, output = storage("--database-url", source[0], "--blob-url", source[1], "backup", backup)
    assert (code, output.startswith("1 versions of records")) == (0, True), output
    assert storage("restore", backup, *to)[0] == 0
    code, output = storage("restore", backup, *to)
    assert (code, "not empty" in output) == (1, True), output
    assert storage("verify", *to) == (0, "1 records, 1 versions, 1 blobs of 1000 bytes, 0 problems\n")
    (tmp_path / "other" / path).unlink()
    code, output = storage("verify", *to)
    assert (code, "is missing" in output) == (1, True), output


def test_a_wrong_database_changes_nothing(tmp_path: Path) -> None:
    """Neither a database that does not exist, nor one of another program, nor that of another Storage Service."""
    blobs = f"file://{tmp_path}/one"
    asyncio.run(store_an_image(f"sqlite:///{tmp_path}/one.db", blobs))
    asyncio.run(store_an_image(f"sqlite:///{tmp_path}/of_another_service.db", blobs))
    with closing(sqlite3.connect(tmp_path / "of_another_program.db")) as connection:
        connection.execute("CREATE TABLE users (name TEXT)")
    (tmp_path / "no_database.db").write_text("a text, several pages long\n" * 1000)
    backup = str(tmp_path / "backup")
    assert storage("backup", backup, "--database-url", f"sqlite:///{tmp_path}/one.db", "--blob-url", blobs)[0] == 0
    before = snapshot(tmp_path)

    def assert_fails(command: str, database: str, problem: str) -> None:
        arguments = [command] if command == "verify" else [command, backup]
        code, output = storage(*arguments, "--database-url", f"sqlite:///{tmp_path}/{database}", "--blob-url", blobs)
        assert (code, output.startswith("Error: "), problem in output) == (1, True, True), output

    for command in ("backup", "verify"):
        assert_fails(command, "missing.db", "missing.db does not exist")
        assert_fails(command, "missing/folder.db", "folder.db does not exist")
        assert_fails(command, "of_another_program.db", "not a database of the Storage Service")
        assert_fails(command, "no_database.db", "file is not a database")
    assert_fails("backup", "of_another_service.db", "backup of another Storage Service")
    assert snapshot(tmp_path) == before


def test_a_wrong_object_store_changes_nothing(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/one.db"
    asyncio.run(store_an_image(database, f"file://{tmp_path}/one"))
    before = snapshot(tmp_path)
    for command in (("backup", str(tmp_path / "backup")), ("verify",)):
        code, output = storage(*command, "--database-url", database, "--blob-url", f"file://{tmp_path}/missing")
        assert code == 1, output
        assert f"{tmp_path}/missing" in output
        assert output.count("\n") == 1, output
    assert snapshot(tmp_path) == before


def snapshot(folder: Path) -> dict[str, bytes]:
    """Return the content of all files below a folder, by path."""
    # SQLite creates and removes its own files when it reads a database.
    names = (file for file in folder.rglob("*") if file.is_file() and not file.name.endswith(("-shm", "-wal")))
    return {str(file.relative_to(folder)): file.read_bytes() for file in names}


def test_an_unavailable_database_is_reported_without_a_traceback() -> None:
    code, output = storage("verify", "--database-url", "postgresql://127.0.0.1:1/none", "--blob-url", "file:///none")
    assert code == 1
    assert output.startswith("Error: ")
    assert "Traceback" not in output
