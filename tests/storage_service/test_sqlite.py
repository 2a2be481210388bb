"""The Storage Service on SQLite and files keeps the contract of storage."""

from tests.contracts.storage_contract import StorageContract


class TestSqliteAndFiles(StorageContract):
    """The contract."""
