"""Client of the Storage Service: the four operations, blobs, and a collection per kind of record."""

from image_grpc.hub import Hub
from image_grpc.storage import codecs
from image_grpc.storage.blobs import BlobClient
from image_grpc.storage.collection import Collection
from image_grpc.storage.operations import StorageOperations
from image_grpc.storage.requester import StorageRequester
from image_grpc.telemetry import Telemetry


class ImageStorageClient(StorageOperations):
    """The Storage Service, uncached."""

    def __init__(self, hub: Hub, telemetry: Telemetry, *, timeout: float) -> None:
        requester = StorageRequester(hub, telemetry, timeout=timeout)
        super().__init__(requester)
        self.images = Collection(self, codecs.IMAGES)
        self.overlays = Collection(self, codecs.OVERLAYS)
        self.themes = Collection(self, codecs.THEMES)
        self.generations = Collection(self, codecs.GENERATIONS)
        self.cache_entries = Collection(self, codecs.CACHE_ENTRIES)
        self.blobs = BlobClient(requester)
