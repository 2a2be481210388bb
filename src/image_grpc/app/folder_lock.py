"""The lock of the data folder."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from image_grpc.settings import InvalidSettings


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Create the data folder, and lock it within the block: an in-memory hub and SQLite serve a single process.

    Raises InvalidSettings if the folder cannot be used or another process holds the lock.
    """
    folder = folder.resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise InvalidSettings(f"IMAGE_GRPC_DATA_DIR: cannot use {folder}: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InvalidSettings(f"IMAGE_GRPC_DATA_DIR: another process uses {folder}") from error
        yield
