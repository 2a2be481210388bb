"""The Storage Service."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext

from image_grpc import page_tokens
from image_grpc.admin_servers import health_server
from image_grpc.app.hub import require_broker, run_hub
from image_grpc.errors import StorageServiceError
from image_grpc.hub import Hub
from image_grpc.settings import InvalidSettings, StorageServiceSettings, storage_urls


@asynccontextmanager
async def storage(settings: StorageServiceSettings) -> AsyncIterator[None]:
    """Run one replica of the Storage Service, with its health service if the settings name an address for it."""
    require_broker(settings)
    async with run_hub(settings) as hub, run_storage_service(settings, hub) as problem:
        health = settings.health_listen
        async with health_server(health, lambda: not (problem() or hub.problem)) if health else nullcontext():
            yield


@asynccontextmanager
async def run_storage_service(settings: StorageServiceSettings, hub: Hub) -> AsyncIterator[Callable[[], str]]:
    """Within the block, a Storage Service handles the storage requests on the hub.

    Yields a function that returns why it cannot write; empty if it can. Raises InvalidSettings if it is not
    installed, StorageServiceError if it cannot start.
    """
    try:
        from image_grpc.storage_service import DatabaseError, ObjectStoreError, StorageService
    except ImportError as error:
        raise InvalidSettings("the Storage Service is not installed: pip install 'image-grpc[embedded]'") from error
    page_tokens.configure(settings.page_token_key.get_secret_value())
    database_url, blob_url = storage_urls(settings)
    try:
        service = StorageService(settings, hub, database_url=database_url, blob_url=blob_url)
        await service.start()
    except (DatabaseError, ObjectStoreError) as error:
        raise StorageServiceError(f"the Storage Service cannot start: {error}") from error
    try:
        yield lambda: service.problem
    finally:
        await service.stop()
