"""The Storage Service as the image service uses it: client, read cache, change feed."""

from image_grpc.storage.cache import ReadCache
from image_grpc.storage.changes import ChangeFeed
from image_grpc.storage.client import BlobIncomplete, ImageStorageClient, RecordMissing

__all__ = ["BlobIncomplete", "ChangeFeed", "ImageStorageClient", "ReadCache", "RecordMissing"]
