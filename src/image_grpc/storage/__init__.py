"""The Storage Service as the image service uses it: repositories, units of work, change feed."""

from image_grpc.storage.change_feed import ChangeFeed
from image_grpc.storage.collection import ImageStorageClient
from image_grpc.storage.errors import BlobIncomplete, LimitExceeded, RecordNotFound
from image_grpc.storage.read_cache import CacheLimits, ReadCache
from image_grpc.storage.unit_of_work import Storage, UnitOfWork

__all__ = [
    "BlobIncomplete",
    "CacheLimits",
    "ChangeFeed",
    "ImageStorageClient",
    "LimitExceeded",
    "ReadCache",
    "RecordNotFound",
    "Storage",
    "UnitOfWork",
]
