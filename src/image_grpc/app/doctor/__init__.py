"""Examines the settings and everything that they refer to, and says what to do about each problem."""

from collections.abc import AsyncIterator, Collection

from image_grpc.app.doctor.access import examine_access, examine_content_credentials, examine_keys
from image_grpc.app.doctor.findings import Finding, Level, ok
from image_grpc.app.doctor.getimg import examine_getimg
from image_grpc.app.doctor.hub import examine_hub
from image_grpc.app.doctor.storage import examine_storage
from image_grpc.settings import EmbeddedSettings, variable

__all__ = ["Finding", "Level", "examine"]


async def examine(
    settings: EmbeddedSettings, *, parts: Collection[str] = (), management_url: str | None = None
) -> AsyncIterator[Finding]:
    """Yield the findings, each as soon as it is known. Writes nothing but a probe object.

    The user of the broker must be allowed to run `parts`, or at least one if there are none.
    """
    for finding in (*examine_access(settings), *examine_keys(settings), *examine_content_credentials(settings)):
        yield finding
    if settings.hub_url == "memory:":
        yield ok("hub", "in this process")
    else:
        async for finding in examine_hub(settings, parts, management_url):
            yield finding
    if settings.hub_url == "memory:" or settings.database_url is not None:
        async for finding in examine_storage(settings):
            yield finding
    else:
        yield ok("storage", f"not examined: {variable('database_url')} is not set here")
    async for finding in examine_getimg(settings):
        yield finding
