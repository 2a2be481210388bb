"""The object store, named by URL, and the paths of blobs and their parts in it.

Paths follow from the SHA-256, so a part or a blob that is written twice is the same object.
"""

from datetime import timedelta

from obstore.exceptions import BaseError
from obstore.store import ObjectStore, from_url

PART_BYTES = 1024 * 1024
PARTS, BLOBS = "parts", "blobs"
FAILURES = (OSError, BaseError)
"""What the object store raises when it is unavailable or fails. Retrying may help."""


def open_store(url: str) -> ObjectStore:
    """Return the object store at a URL. The environment's AWS_* variables tell how to reach S3."""
    if url.startswith("file:"):
        return from_url(url, mkdir=True)
    return from_url(
        url,
        client_options={"allow_http": True, "connect_timeout": "2s", "timeout": "8s"},
        # The store gives up within the time that clients wait by default, and they retry.
        retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=4)},
    )


def blob_path(sha256: str) -> str:
    """Return the path of a blob."""
    return f"{BLOBS}/{sha256[:2]}/{sha256}"


def part_path(sha256: str, offset: int) -> str:
    """Return the path of the part of a blob that starts at `offset`."""
    return f"{PARTS}/{sha256}.{offset}"


def part_paths(sha256: str, byte_size: int) -> list[str]:
    """Return the paths of all parts of a blob."""
    return [part_path(sha256, offset) for offset in range(0, byte_size, PART_BYTES)]
