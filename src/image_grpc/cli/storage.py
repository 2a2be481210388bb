"""`storage`: a replica of the Storage Service, and maintenance of its data."""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from image_grpc.cli.programs import load, load_program, run_until_stopped
from image_grpc.cli.urls import database_option, hub_option
from image_grpc.settings import StorageServiceSettings, storage_urls

if TYPE_CHECKING:  # importing the Storage Service takes a while
    from image_grpc.storage_service.backup import Manifest
    from image_grpc.storage_service.database import Database

T = TypeVar("T")

_BLOBS = click.option("--blob-url", help="Object store, s3://… or file:///…")
_FOLDER = click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))


@click.group(invoke_without_command=True)
@hub_option
@database_option
@_BLOBS
@click.pass_context
def storage(context: click.Context, /, **options: str | None) -> None:
    """Run one replica of the Storage Service, or maintain its data.

    A replica needs the RabbitMQ that --hub-url or IMAGE_GRPC_HUB_URL names. AWS_ENDPOINT_URL, AWS_REGION,
    AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY configure access to an S3-compatible object store.
    """
    context.obj = options
    if context.invoked_subcommand is None:
        from image_grpc import app

        settings = load_program(StorageServiceSettings, **options)
        run_until_stopped(app.storage(settings), lambda _: "The Storage Service is ready. Press Ctrl-C to stop.")


def _with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of the data, and pass the settings to the command. Options of `storage` are defaults."""

    @database_option
    @_BLOBS
    @click.pass_obj
    @functools.wraps(command)
    def run(
        defaults: dict[str, str | None], /, *, database_url: str | None, blob_url: str | None, **options: object
    ) -> None:
        overrides = {"database_url": database_url, "blob_url": blob_url}
        urls = {name: overrides.get(name) or default for name, default in defaults.items()}
        command(load(StorageServiceSettings, **urls), **options)

    return run


@storage.command()
@_FOLDER
@_with_settings
def backup(settings: StorageServiceSettings, folder: Path) -> None:
    """Copy all data as of one moment into the folder DIR, while the service may be running.

    An older backup in DIR is updated: blobs that it already contains are not copied again.
    """
    from image_grpc.storage_service.backup import back_up

    _print_summary(_with_existing(settings, lambda database, blobs: back_up(database, blobs, folder)))


@storage.command()
@_FOLDER
@_with_settings
def restore(settings: StorageServiceSettings, folder: Path) -> None:
    """Copy the backup in DIR into an empty Storage Service, with any kind of database and object store."""
    from image_grpc.storage_service.backup import restore

    _print_summary(_with_created(settings, lambda database, blobs: restore(database, blobs, folder)))


@storage.command()
@_with_settings
def verify(settings: StorageServiceSettings) -> None:
    """Check that records and blobs match and that no blob is damaged. Exits with code 1 if there are problems."""
    from image_grpc.storage_service.verify import verify

    report = _with_existing(settings, verify)
    for problem in report.problems:
        click.echo(problem)
    click.echo(
        f"{report.records} records, {report.versions} versions, {report.blobs} blobs of {report.bytes} bytes, "
        f"{len(report.problems)} problems"
    )
    if report.problems:
        raise SystemExit(1)


def _print_summary(manifest: "Manifest") -> None:
    click.echo(
        f"{manifest.records.count} versions of records, {manifest.messages.count} messages, as of {manifest.time}"
    )


def _with_existing(settings: StorageServiceSettings, work: Callable[["Database", Any], Awaitable[T]]) -> T:
    """Call `work` with the database and the object store of the settings, which must exist."""
    from image_grpc.storage_service.object_store import open_store, require_readable

    async def run_work(database: "Database", blob_url: str) -> T:
        await database.open_existing()
        await require_readable(store := open_store(blob_url))
        return await work(database, store)

    return _with_database(settings, run_work)


def _with_created(settings: StorageServiceSettings, work: Callable[["Database", Any], Awaitable[T]]) -> T:
    """Call `work` with the database and the object store of the settings, which are created if necessary."""
    from image_grpc.storage_service.object_store import create_store, require_readable

    async def run_work(database: "Database", blob_url: str) -> T:
        await require_readable(store := create_store(blob_url))
        await database.start()
        return await work(database, store)

    return _with_database(settings, run_work)


def _with_database(settings: StorageServiceSettings, work: Callable[["Database", str], Awaitable[T]]) -> T:
    """Call `work` with the database and the URL of the object store. Its errors end the command."""
    from image_grpc.storage_service.backup import BackupError
    from image_grpc.storage_service.database import Database
    from image_grpc.storage_service.errors import DatabaseError, ObjectStoreError
    from image_grpc.storage_service.object_store import FAILURES, summary

    database_url, blob_url = storage_urls(settings)

    async def run_work() -> T:
        database = Database(database_url)
        try:
            return await work(database, blob_url)
        finally:
            await database.close()

    try:
        return asyncio.run(run_work())
    except (BackupError, DatabaseError, ObjectStoreError) as error:
        raise click.ClickException(str(error)) from error
    except FAILURES as failure:
        raise click.ClickException(summary(failure)) from failure
