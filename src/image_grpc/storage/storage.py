"""The access to stored data that use cases share: repositories, blobs, and units of work."""

from image_grpc.messages import MessageLike
from image_grpc.storage.client import ImageStorageClient
from image_grpc.storage.read_cache import ReadCache
from image_grpc.storage.repositories import BlobRepository, ImageRepository, OverlayRepository, Repository
from image_grpc.storage.unit_of_work import UnitOfWork, request_identity


class Storage:
    """Everything that is stored, through one read cache."""

    def __init__(self, client: ImageStorageClient, cache: ReadCache) -> None:
        self._client, self._cache = client, cache
        self.images = ImageRepository(client.images, cache)
        self.overlays = OverlayRepository(client.overlays, cache)
        self.themes = Repository(client.themes, cache)
        self.generations = Repository(client.generations, cache)
        self.cache_entries = Repository(client.cache_entries, cache)
        self.blobs = BlobRepository(client.blobs, cache)

    def unit_of_work(self, id_: str = "") -> UnitOfWork:
        """Return a unit of work with this storage_correlation_id, or a new one."""
        return UnitOfWork(self._client, self._cache, id_=id_)

    def unit_for(self, operation: str, request: MessageLike) -> UnitOfWork:
        """Return the unit of work of a caller's request, which its `request_id` makes repeatable."""
        id_, digest = request_identity(operation, request)
        return UnitOfWork(self._client, self._cache, id_=id_, content_digest=digest)
