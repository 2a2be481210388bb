"""How many operations of the Storage Service a picture takes: each costs CPU in three processes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from image_grpc.hub import topology
from image_grpc.storage import ImageStorageClient
from image_grpc.storage.requester import StorageRequester
from image_grpc_testkit.eventually import eventually
from tests.service import portrait, service


@pytest.fixture
def operations(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Return the number of operations by name, counted from the start of the test."""
    counts, request = Counter[str](), StorageRequester.request

    async def counted(self: StorageRequester, operation: str, *arguments: Any) -> Any:
        counts[operation] += 1
        return await request(self, operation, *arguments)

    async def pass_at_once(_: ImageStorageClient) -> None:
        """Take no operations: probes run at any time."""

    monkeypatch.setattr(StorageRequester, "request", counted)
    monkeypatch.setattr(ImageStorageClient, "probe", pass_at_once)
    return counts


async def test_a_new_picture_takes_four_operations(operations: Counter[str], tmp_path: Path) -> None:
    """They store the generation, its lease, the result, and the image with its picture and the end of all that."""
    async with service(tmp_path) as running, running.events_on("image.generated") as events:
        await running.generations.GeneratePortrait(portrait(details="first"))  # which reads the theme
        await eventually(lambda: len(events) == 1, "the first picture is stored")
        operations.clear()
        await running.generations.GeneratePortrait(portrait(details="second"))
        await eventually(lambda: len(events) == 2, "the second picture is stored")
    assert operations == {topology.STORE: 4}


async def test_a_caller_that_waits_reads_nothing(operations: Counter[str], tmp_path: Path) -> None:
    async with service(tmp_path) as running:
        await running.generate(portrait(details="first"))
        operations.clear()
        await running.generate(portrait(details="second"))
    assert operations == {topology.STORE: 4}
