"""The Storage Service as the image service uses it: client, repositories with a read cache, change feed."""

from image_grpc.storage.client import ImageStorageClient
from image_grpc.storage.errors import BlobIncomplete, RecordNotFound

__all__ = ["BlobIncomplete", "ImageStorageClient", "RecordNotFound"]
