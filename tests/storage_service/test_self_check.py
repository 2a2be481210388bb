"""A replica notices that it cannot write, and that it can again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from image_grpc.background import background
from image_grpc.storage_service import self_check
from image_grpc.storage_service.self_check import SelfCheck
from image_grpc_testkit.eventually import eventually
from image_grpc_testkit.servers.postgresql import postgresql_cluster
from tests.files import replace_by_a_file
from tests.storage_service.parts import opened


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_check, "INTERVAL_SECONDS", 0.05)


async def test_a_database_that_became_read_only(blob_url: str) -> None:
    with postgresql_cluster() as cluster:
        async with opened(cluster.url, blob_url) as (database, store):
            check = SelfCheck(database, store)
            async with background(check.run(), "check"):
                await asyncio.to_thread(cluster.execute, "ALTER SYSTEM SET default_transaction_read_only = on")
                await asyncio.to_thread(cluster.execute, "SELECT pg_reload_conf()")
                await eventually(lambda: check.problem.startswith("the database: "), "the problem is noticed")
                await asyncio.to_thread(cluster.execute, "ALTER SYSTEM RESET default_transaction_read_only")
                await asyncio.to_thread(cluster.execute, "SELECT pg_reload_conf()")
                await eventually(lambda: check.problem == "", "the database works again")


async def test_an_object_store_that_cannot_be_written(database_url: str, blob_url: str, tmp_path: Path) -> None:
    async with opened(database_url, blob_url) as (database, store):
        check = SelfCheck(database, store)
        async with background(check.run(), "check"):
            await replace_by_a_file(tmp_path / "blobs")
            await eventually(lambda: check.problem.startswith("the object store: "), "the problem is noticed")
            (tmp_path / "blobs").unlink()
            await eventually(lambda: check.problem == "", "the object store works again")
