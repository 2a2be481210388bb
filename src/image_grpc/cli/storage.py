"""`storage`: a replica of the Storage Service, and commands that look after what it keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from image_grpc.cli.servers import load, run
from image_grpc.settings import StorageServiceSettings, storage_urls

if TYPE_CHECKING:  # imports of the Storage Service take a while
    from image_grpc.storage_service.database import Database

T = TypeVar("T")

_DATABASE = click.option("--database-url", help="postgresql://… or sqlite:///…")
_BLOBS = click.option("--blob-url", help="s3://… or file:///…")


@click.group(invoke_without_command=True)
@click.option("--hub-url", help="RabbitMQ, amqp://…")
@_DATABASE
@_BLOBS
@click.pass_context
def storage(context: click.Context, /, **given: Any) -> None:
    """Run one replica of the Storage Service, on the RabbitMQ that IMAGE_GRPC_HUB_URL names; or look after what
    it keeps.

    How an S3-compatible store is reached is told by AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID and
    AWS_SECRET_ACCESS_KEY.
    """
    context.obj = given
    if context.invoked_subcommand is not None:
        return
    from image_grpc import app

    settings = load(StorageServiceSettings, **given)

    async def serve_storage() -> None:
        with app.stop_signals() as stop:
            async with app.storage(settings):
                click.echo("the Storage Service answers on the hub. Ctrl-C stops it.")
                await stop.wait()

    run(serve_storage())


_FOLDER = click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))


@storage.command()
@_FOLDER
@_DATABASE
@_BLOBS
@click.pass_obj
def backup(common: dict[str, Any], /, folder: Path, **given: Any) -> None:
    """Copy everything into the folder DIR, as of one moment, while the service may run.

    A DIR that has an older backup is brought up to date: blobs that are there are not copied again.
    """
    from image_grpc.storage_service.backup import back_up

    made = _with_parts(common, given, lambda database, objects: back_up(database, objects, folder))
    click.echo(f"{made.records.count} versions of records, {made.messages.count} messages, as of {made.time}")


@storage.command()
@_FOLDER
@_DATABASE
@_BLOBS
@click.pass_obj
def restore(common: dict[str, Any], /, folder: Path, **given: Any) -> None:
    """Copy a backup into an empty Storage Service, of whatever database and object store."""
    from image_grpc.storage_service.backup import restore

    made = _with_parts(common, given, lambda database, objects: restore(database, objects, folder))
    click.echo(f"{made.records.count} versions of records, {made.messages.count} messages, as of {made.time}")


@storage.command()
@_DATABASE
@_BLOBS
@click.pass_obj
def verify(common: dict[str, Any], /, **given: Any) -> None:
    """Check that every record has its blob and every blob its record, and that the bytes are what they were."""
    from image_grpc.storage_service.verify import verify

    report = _with_parts(common, given, verify)
    for problem in report.problems:
        click.echo(problem)
    click.echo(
        f"{report.records} records, {report.versions} versions, {report.blobs} blobs of {report.bytes} bytes, "
        f"{len(report.problems)} problems"
    )
    if report.problems:
        raise SystemExit(1)


def _with_parts(common: dict[str, Any], given: dict[str, Any], work: Callable[[Database, Any], Awaitable[T]]) -> T:
    """Does something with the database, at its newest schema, and the object store that the settings name."""
    from image_grpc.storage_service.backup import BackupError
    from image_grpc.storage_service.database import Database, DatabaseError
    from image_grpc.storage_service.object_store import FAILURES, open_store

    settings = load(
        StorageServiceSettings, **common | {name: value for name, value in given.items() if value is not None}
    )

    async def do() -> T:
        database_url, blob_url = storage_urls(settings)
        database = Database(database_url)
        try:
            await database.start()
            return await work(database, open_store(blob_url))
        finally:
            await database.close()

    try:
        return asyncio.run(do())
    except (BackupError, DatabaseError, *FAILURES) as problem:
        raise click.ClickException(str(problem)) from problem
