"""The contract suite of the Storage Service, for the reference implementation and any other one.

A module that runs the suite subclasses StorageContract and provides a fixture `start_storage`, which starts a
Storage Service and returns a `Storage`: the hub it is reached over, and a few hooks. The settings that tests pass
to `start_storage` are

- `purge_after_seconds`: the time after which deleted records are purged;
- `blob_part_expiry_seconds`: the time after which unreferenced parts of blobs are discarded.

Each test uses record ids and filters of its own, so the database need not be empty.
"""

from __future__ import annotations

import pytest

from image_grpc_testkit.contracts.storage_audit import AuditContract
from image_grpc_testkit.contracts.storage_blobs import BlobsContract
from image_grpc_testkit.contracts.storage_counters import CountersContract
from image_grpc_testkit.contracts.storage_events import StorageEventsContract
from image_grpc_testkit.contracts.storage_listings import ListingsContract
from image_grpc_testkit.contracts.storage_opaque import OpaqueRecordsContract
from image_grpc_testkit.contracts.storage_preconditions import PreconditionsContract
from image_grpc_testkit.contracts.storage_records import RecordsContract
from image_grpc_testkit.contracts.storage_requests import StorageRequestsContract
from image_grpc_testkit.contracts.storage_testkit import StartStorage, Storage


class ObjectStoreContract(BlobsContract):
    """What depends on the object store."""

    @pytest.fixture
    async def storage(self, start_storage: StartStorage) -> Storage:
        return await start_storage()


class StorageContract(
    ObjectStoreContract,
    RecordsContract,
    OpaqueRecordsContract,
    PreconditionsContract,
    CountersContract,
    AuditContract,
    ListingsContract,
    StorageEventsContract,
    StorageRequestsContract,
):
    """The whole suite."""
