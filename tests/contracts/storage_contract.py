"""What a Storage Service must do for the image service, spoken to over a hub.

A module that runs it subclasses StorageContract and gives a fixture `start_storage`. Records have ids of their
own and listings a filter of their own in each test, so a database that is not empty does no harm.
"""

from __future__ import annotations

import pytest

from tests.contracts.storage_bench import (
    StartStorage,
    Storage,
)
from tests.contracts.storage_blobs import BlobsContract
from tests.contracts.storage_events import StorageEventsContract
from tests.contracts.storage_listings import ListingsContract
from tests.contracts.storage_records import RecordsContract
from tests.contracts.storage_requests import StorageRequestsContract


class StorageContract(
    RecordsContract, BlobsContract, ListingsContract, StorageEventsContract, StorageRequestsContract
):
    """The whole suite."""

    @pytest.fixture
    async def storage(self, start_storage: StartStorage) -> Storage:
        return await start_storage()
