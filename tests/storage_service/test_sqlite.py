"""The Storage Service on SQLite and files."""

from tests.contracts.storage_contract import StorageContract


class TestSqliteAndFiles(StorageContract):
    """The contract."""
