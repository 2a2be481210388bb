"""The Storage Service on SQLite and files."""

from image_grpc_testkit.contracts.storage_contract import StorageContract


class TestSqliteAndFiles(StorageContract):
    """The contract."""
