"""The database, the object store, and the Storage Service that others run."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

from image_grpc.app.doctor import versions
from image_grpc.app.doctor.clocks import judge_clock
from image_grpc.app.doctor.findings import Finding, error, ok, warning
from image_grpc.app.hub import run_hub
from image_grpc.errors import HubError, ServiceError
from image_grpc.settings import HubSettings, StorageServiceSettings, storage_urls, variable
from image_grpc.storage import ImageStorageClient
from image_grpc.telemetry import Telemetry

if TYPE_CHECKING:
    from image_grpc.storage_service.database import Database

TIMEOUT_SECONDS = 10.0


async def examine_storage_service(settings: HubSettings) -> AsyncIterator[Finding]:
    """Yield whether a Storage Service replies over the broker, and what its clock says.

    Nothing is declared if everything exists.
    """
    try:
        async with run_hub(settings) as hub:
            await ImageStorageClient(hub, Telemetry(), timeout=TIMEOUT_SECONDS).probe()
            skew = hub.clock_skew
    except (HubError, ServiceError) as problem:
        remedy = f"look at its log, and compare {variable('hub_key_file')}: with another key, requests are dead letters"
        yield warning("Storage Service", problem.message, remedy)
        return
    yield ok("Storage Service", "replies")
    yield judge_clock("the Storage Service", skew)


async def examine_storage(settings: StorageServiceSettings) -> AsyncIterator[Finding]:
    """Yield what is found about the database and the object store."""
    from image_grpc.storage_service.errors import ObjectStoreError
    from image_grpc.storage_service.object_store import open_store, require_writable

    database_url, blob_url = storage_urls(settings)
    file = Path(database_url.removeprefix("sqlite:///")) if database_url.startswith("sqlite:") else None
    if file is not None and not file.exists():
        yield ok("database", f"{file} will be created")
        return
    async for finding in _database(database_url):
        yield finding
    try:
        await require_writable(open_store(blob_url))
        yield ok("object store", blob_url)
    except ObjectStoreError as problem:
        yield error("object store", str(problem), f"check {variable('blob_url')} and the AWS_* variables")


async def _database(url: str) -> AsyncIterator[Finding]:
    from image_grpc.storage_service.database import Database
    from image_grpc.storage_service.errors import DatabaseError
    from image_grpc.storage_service.inspection import inspect

    database = Database(url)
    try:
        await database.open_existing()
        state = await database.read(inspect)
        oldest = versions.POSTGRESQL if state.name == "PostgreSQL" else ()
        yield versions.judge("database", state.name, state.version, oldest)
        if state.clock_skew is not None:
            yield judge_clock("the database", state.clock_skew)
        yield await _database_permissions(database)
    except DatabaseError as problem:
        yield error("database", str(problem), f"check {variable('database_url')}; `image-grpc storage` migrates it")
    finally:
        await database.close()


async def _database_permissions(database: "Database") -> Finding:
    """Return whether the user may write, also to a database that refuses all writes. Raises DatabaseError."""
    from image_grpc.storage_service.errors import Unavailable
    from image_grpc.storage_service.inspection import missing_privileges, write_and_roll_back

    subject = "database permissions"
    if missing := await database.read(missing_privileges):
        remedy = "let the user of the URL own the schema image_storage_db, or grant it these privileges"
        return error(subject, f"the user lacks {', '.join(missing)}", remedy)
    try:
        await database.write(write_and_roll_back)
    except Unavailable as problem:
        return error(subject, str(problem), "use a server and a user that accept writes")
    return ok(subject, "the user may write")
