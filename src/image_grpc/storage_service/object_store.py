"""The object store, named by URL, and the paths of blobs and their parts in it.

Paths follow from the SHA-256, so a part or a blob that is written twice is the same object.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore, from_url

from image_grpc.storage_service.errors import ObjectStoreError

PART_BYTES = 1024 * 1024
PARTS, BLOBS = "parts", "blobs"
PROBE = "probe"
"""A prefix of which there are no objects."""
FAILURES = (OSError, BaseError)
"""What the object store raises when it is unavailable or fails. Retrying may help."""


def create_store(url: str) -> ObjectStore:
    """Return the object store at a URL, and create the folder that a file URL names. Raises ObjectStoreError."""
    if url.startswith("file:"):
        with translated_errors():
            return from_url(url, mkdir=True)
    return open_store(url)


def open_store(url: str) -> ObjectStore:
    """Return the object store at a URL. The environment's AWS_* variables tell how to reach S3.

    Raises ObjectStoreError if the folder that a file URL names does not exist.
    """
    if url.startswith("file:"):
        with translated_errors():
            return from_url(url)
    return from_url(
        url,
        client_options={"allow_http": True, "connect_timeout": "2s", "timeout": "8s"},
        # The store gives up within the time that clients wait by default, and they retry.
        retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=4)},
    )


async def require_readable(store: ObjectStore) -> None:
    """Raise ObjectStoreError if the bucket does not exist or the store does not respond."""
    with translated_errors():
        async for _ in obstore.list(store, PROBE, chunk_size=1):
            return


async def write_probe(store: ObjectStore) -> None:
    """Store an empty object, which expires like an abandoned part of a blob. Raises what FAILURES lists."""
    await obstore.put_async(store, f"{PARTS}/self-check", b"")


async def require_writable(store: ObjectStore) -> None:
    """Raise ObjectStoreError if an object cannot be stored."""
    with translated_errors():
        await write_probe(store)


@contextmanager
def translated_errors() -> Iterator[None]:
    """Raise ObjectStoreError for failures of the object store within the block."""
    try:
        yield
    except FAILURES as failure:
        raise ObjectStoreError(f"the object store cannot be used: {summary(failure)}") from failure


def summary(failure: Exception) -> str:
    """Return what failed in one line, without the dump of Rust structures that may follow it."""
    return " ".join(str(failure).partition("\n\nDebug source")[0].split())


def blob_path(sha256: str) -> str:
    """Return the path of a blob."""
    return f"{BLOBS}/{sha256[:2]}/{sha256}"


def part_path(sha256: str, byte_size: int, offset: int) -> str:
    """Return the path of the part of a blob that starts at `offset`.

    The size is part of the path, so parts that are sent with a wrong size overwrite no others.
    """
    return f"{PARTS}/{sha256}.{byte_size}.{offset}"


def part_paths(sha256: str, byte_size: int) -> list[str]:
    """Return the paths of all parts of a blob."""
    return [part_path(sha256, byte_size, offset) for offset in range(0, byte_size, PART_BYTES)]
