"""The Storage Service on PostgreSQL and files keeps the storage contract."""

from __future__ import annotations

import pytest

from tests.contracts.storage_contract import StorageContract


@pytest.fixture
def database_url(fresh_database: str) -> str:
    return fresh_database


class TestOnPostgresql(StorageContract):
    """The contract."""
