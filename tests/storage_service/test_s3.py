"""The Storage Service on S3-compatible storage, with either database."""

from __future__ import annotations

import pytest

from image_grpc_testkit.contracts.storage_contract import ObjectStoreContract, StorageContract


@pytest.fixture
def blob_url(fresh_prefix: str) -> str:
    return fresh_prefix


class TestOnSqliteAndS3(ObjectStoreContract):
    """The part of the contract that S3 has to do with; test_sqlite.py has the rest."""


class TestOnPostgresqlAndS3(StorageContract):
    """The contract."""

    @pytest.fixture
    def database_url(self, fresh_database: str) -> str:
        return fresh_database
