"""`image-grpc storage backup`, `restore` and `verify`."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from image_grpc.hub.memory import MemoryHub
from image_grpc.settings import StorageServiceSettings, load
from image_grpc.storage import ImageStorageClient
from image_grpc.storage_service import StorageService
from image_grpc.telemetry import Telemetry
from image_grpc_testkit.collections import store_one
from image_grpc_testkit.contracts.records import an_image, some_bytes


def storage(*arguments: str) -> tuple[int, str]:
    """Run `image-grpc storage`, and return its exit code and output."""
    command = [sys.executable, "-m", "image_grpc", "storage", *arguments]
    process = subprocess.run(command, check=False, capture_output=True, text=True, env=os.environ, timeout=600)
    return process.returncode, process.stdout + process.stderr


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


def test_an_unavailable_database_is_reported_without_a_traceback() -> None:
    code, output = storage("verify", "--database-url", "postgresql://127.0.0.1:1/none", "--blob-url", "file:///none")
    assert code == 1
    assert output.startswith("Error: ")
    assert "Traceback" not in output
