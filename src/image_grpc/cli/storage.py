"""`storage`: a replica of the Storage Service, and maintenance of its data."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from image_grpc.cli.programs import load, run
from image_grpc.settings import StorageServiceSettings, storage_urls

if TYPE_CHECKING:  # importing the Storage Service takes a while
    from image_grpc.storage_service.database import Database

T = TypeVar("T")
Options = Mapping[str, str | None]

_DATABASE = click.option("--database-url", help="Database, postgresql://… or sqlite:///…")
_BLOBS = click.option("--blob-url", help="Object store, s3://… or file:///…")
_FOLDER = click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))


@click.group(invoke_without_command=True)
@click.option("--hub-url", help="URL of a RabbitMQ, amqp://…")
@_DATABASE
@_BLOBS
@click.pass_context
def storage(context: click.Context, /, hub_url: str | None, database_url: str | None, blob_url: str | None) -> None:
    """Run one replica of the Storage Service, or maintain its data.

    A replica needs the RabbitMQ that --hub-url or IMAGE_GRPC_HUB_URL names. AWS_ENDPOINT_URL, AWS_REGION,
    AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY configure access to an S3-compatible object store.
    """
    context.obj = options = {"hub_url": hub_url, "database_url": database_url, "blob_url": blob_url}
    if context.invoked_subcommand is not None:
        return
    from image_grpc import app

    settings = load(StorageServiceSettings, **options)

    async def run_storage() -> None:
        with app.stop_signals() as stop:
            async with app.storage(settings):
                click.echo("The Storage Service is ready. Press Ctrl-C to stop.")
                await stop.wait()

    run(run_storage())


@storage.command()
@_FOLDER
@_DATABASE
@_BLOBS
@click.pass_obj
def backup(options: Options, /, folder: Path, database_url: str | None, blob_url: str | None) -> None:
    """Copy all data as of one moment into the folder DIR, while the service may be running.

    An older backup in DIR is updated: blobs that it already contains are not copied again.
    """
    from image_grpc.storage_service.backup import back_up

    manifest = _with_stores(
        options, lambda database, blobs: back_up(database, blobs, folder), database_url=database_url, blob_url=blob_url
    )
    click.echo(_summary(manifest.records.count, manifest.messages.count, manifest.time))


@storage.command()
@_FOLDER
@_DATABASE
@_BLOBS
@click.pass_obj
def restore(options: Options, /, folder: Path, database_url: str | None, blob_url: str | None) -> None:
    """Copy the backup in DIR into an empty Storage Service, with any kind of database and object store."""
    from image_grpc.storage_service.backup import restore

    manifest = _with_stores(
        options, lambda database, blobs: restore(database, blobs, folder), database_url=database_url, blob_url=blob_url
    )
    click.echo(_summary(manifest.records.count, manifest.messages.count, manifest.time))


@storage.command()
@_DATABASE
@_BLOBS
@click.pass_obj
def verify(options: Options, /, database_url: str | None, blob_url: str | None) -> None:
    """Check that records and blobs match and that no blob is damaged. Exits with code 1 if there are problems."""
    from image_grpc.storage_service.verify import verify

    report = _with_stores(options, verify, database_url=database_url, blob_url=blob_url)
    for problem in report.problems:
        click.echo(problem)
    click.echo(
        f"{report.records} records, {report.versions} versions, {report.blobs} blobs of {report.bytes} bytes, "
        f"{len(report.problems)} problems"
    )
    if report.problems:
        raise SystemExit(1)


def _summary(versions: int, messages: int, time: str) -> str:
    return f"{versions} versions of records, {messages} messages, as of {time}"


def _with_stores(options: Options, work: Callable[[Database, Any], Awaitable[T]], **overrides: str | None) -> T:
    """Call `work` with the database, migrated to the current schema, and the object store of the settings."""
    from image_grpc.storage_service.backup import BackupError
    from image_grpc.storage_service.database import Database, DatabaseError
    from image_grpc.storage_service.object_store import FAILURES, open_store

    settings = load(StorageServiceSettings, **{name: overrides.get(name) or value for name, value in options.items()})
    database_url, blob_url = storage_urls(settings)

    async def run_work() -> T:
        database = Database(database_url)
        try:
            await database.start()
            return await work(database, open_store(blob_url))
        finally:
            await database.close()

    try:
        return asyncio.run(run_work())
    except (BackupError, DatabaseError, *FAILURES) as error:
        raise click.ClickException(str(error)) from error
