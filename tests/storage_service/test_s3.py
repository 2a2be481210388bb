"""The Storage Service on S3-compatible storage, with either database."""

from __future__ import annotations

import pytest

from image_grpc_testkit.contracts.storage_contract import ObjectStoreContract


@pytest.fixture
def blob_url(fresh_prefix: str) -> str:
    return fresh_prefix


class TestOnSqliteAndS3(ObjectStoreContract):
    """What S3 has to do with; test_sqlite.py has the rest of the contract."""


class TestOnPostgresqlAndS3(ObjectStoreContract):
    """What S3 has to do with; test_postgresql.py has the rest of the contract."""

    @pytest.fixture
    def database_url(self, fresh_database: str) -> str:
        return fresh_database
