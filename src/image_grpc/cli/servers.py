"""Commands that run a server until it is told to stop, and `config`."""

from __future__ import annotations

import asyncio
import gc
import json
import os
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import click
import uvloop
from pydantic import SecretStr

from image_grpc import __version__, telemetry
from image_grpc import settings as settings_of
from image_grpc.errors import ServiceError
from image_grpc.settings import BridgeSettings, EmbeddedSettings, InvalidSettings, TelemetrySettings

if TYPE_CHECKING:  # the servers' imports take a second that client commands need not wait
    from image_grpc.app import Running

S = TypeVar("S", bound=TelemetrySettings)
T = TypeVar("T")

_LISTEN = click.option("--listen", metavar="HOST:PORT", help="Address of the gRPC server; port 0: any free one.")
_DATA = click.option(
    "--data-dir", type=click.Path(file_okay=False, path_type=Path), help="Folder for pictures and records."
)


@click.command()
@_LISTEN
@_DATA
@click.option("--no-standin", is_flag=True, help="Without GETIMG_API_KEY, refuse to generate.")
@click.option("--standin-listen", metavar="HOST:PORT", help="Address of the stand-in; port 0: any free one.")
@click.option("--standin-latency-seconds", type=float, help="Time that the stand-in takes to draw.")
def up(no_standin: bool, **given: Any) -> None:
    """Run everything in one process: server, bridge, storage; without GETIMG_API_KEY, GetImg.AI's stand-in too."""
    from image_grpc import app

    settings = load(EmbeddedSettings, **given)
    run(_until_stopped(settings, app.up_without_standin(settings) if no_standin else app.up(settings)))


@click.command()
@_LISTEN
@_DATA
@click.option("--hub-url", help="RabbitMQ, amqp://…; `memory:` is inside of this process.")
@click.option("--bridge", "with_bridge", is_flag=True, help="Run the hub bridge too.")
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="Processes that share the address; one that is killed is started anew.",
)
def serve(with_bridge: bool, workers: int, **given: Any) -> None:
    """Run the server with a real GetImg.AI key, on the hub that IMAGE_GRPC_HUB_URL names.

    On the hub `memory:`, the Storage Service runs inside of the same process, and there can be one worker only.
    """
    from image_grpc import app

    settings = load(EmbeddedSettings, **given)
    if workers > 1:
        from image_grpc.cli.workers import run_workers

        raise SystemExit(run(run_workers(settings, workers, ["--bridge"] if with_bridge else [])))
    run(_until_stopped(settings, app.serve_with_bridge(settings) if with_bridge else app.serve(settings)))


@click.command()
@click.option(
    "--target",
    envvar="IMAGE_GRPC_TARGET",
    default="127.0.0.1:50051",
    show_default=True,
    help="Address of the server, HOST:PORT.",
)
@click.option("--hub-url", help="RabbitMQ, amqp://…")
def bridge(target: str, **given: Any) -> None:
    """Run the hub bridge alone: requests and events of the hub become calls of the server at --target."""
    from image_grpc import app

    settings = load(BridgeSettings, **given)

    async def serve_hub() -> None:
        with app.stop_signals() as stop:
            async with app.bridge(settings, target):
                click.echo(f"the bridge serves the hub with the server at {target}. Ctrl-C stops it.")
                await stop.wait()

    run(serve_hub())


@click.command()
@click.option("--listen", metavar="HOST:PORT", default="127.0.0.1:8090", show_default=True)
@click.option("--api-key", default="standin-key", show_default=True, help="The key that it takes.")
@click.option("--latency", type=float, default=0.5, show_default=True, help="Seconds added to each picture.")
@click.option(
    "--url-lifetime", type=float, default=3600, show_default=True, help="Seconds that picture URLs are good."
)
@click.option("--requests-per-minute", type=int, help="Answer 429 to more.")
@click.option("--max-in-flight", type=int, help="Answer 429 to more at once.")
@click.option("--balance", default="10000", show_default=True, help="USD to spend; 402 after that.")
@click.option("--variety", type=int, help="Draw only so many different pictures, for load tests.")
@click.option("--fault", "faults", multiple=True, help="For example status=429,retry_after=2,count=3; repeatable.")
def standin(listen: str, api_key: str, balance: str, faults: tuple[str, ...], **given: Any) -> None:
    """Run a stand-in of the GetImg.AI API, for development and tests.

    Use it with IMAGE_GRPC_GETIMG_BASE_URL and GETIMG_API_KEY. Faults: status, hang, cut, invalid (of the call);
    truncated, cut_download, huge, html, redirect, gone, hang_download, wrong_size (of the picture). It takes
    them while it runs, too: PUT /_standin/faults; GET /_standin tells what it has done.
    """
    from decimal import Decimal, InvalidOperation

    from image_grpc.app import stop_signals
    from image_grpc.standin import Behaviour, Standin, parse_fault

    try:
        made = Standin(api_key=api_key, behaviour=Behaviour(balance=Decimal(balance), **given))
        for fault in faults:
            made.add_fault(parse_fault(fault))
    except (ValueError, InvalidOperation) as problem:
        raise click.BadParameter(str(problem)) from problem
    host, _, port = listen.rpartition(":")

    async def serve_standin() -> None:
        with stop_signals() as stop:
            async with made.listen(host, int(port)) as url:
                click.echo(f"stand-in of GetImg.AI at {url}, key {api_key}. Ctrl-C stops it.")
                await stop.wait()

    run(serve_standin())


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def config(as_json: bool) -> None:
    """Show the effective settings, secrets masked."""
    settings = load(EmbeddedSettings)
    rows = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        value = _masked(str(value)) if isinstance(value, SecretStr | Path | str) else value
        rows[settings_of.variable(name)] = list(value) if isinstance(value, tuple) else value
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    width = max(map(len, rows))
    for variable, value in rows.items():
        shown = ",".join(value) if isinstance(value, list) else "(not set)" if value is None else value
        click.echo(f"{variable:<{width}}  {shown}{'  (from the environment)' if variable in os.environ else ''}")


def _masked(value: str) -> str:
    """A URL without the password in it."""
    password = urlsplit(value).password if "://" in value else None
    return value.replace(f":{password}@", ":**********@") if password else value


def load(settings_class: type[S], **options: object) -> S:
    """Return the settings of a program, which the command's options override, and set up logs and telemetry."""
    try:
        settings = settings_of.load(settings_class, **options)
    except InvalidSettings as problem:
        raise click.ClickException(str(problem)) from problem
    telemetry.set_up_logs(settings.log_level)
    telemetry.set_up_providers(settings.telemetry, __version__)
    return settings


def run(server: Coroutine[Any, Any, T]) -> T:
    """Runs a server to its end; tells what keeps it from starting."""
    try:
        return uvloop.run(server)
    except (InvalidSettings, ServiceError, OSError) as problem:
        raise click.ClickException(str(problem)) from problem


async def _until_stopped(settings: EmbeddedSettings, service: AbstractAsyncContextManager[Running]) -> None:
    from image_grpc.app import stop_signals

    with stop_signals() as stop:
        starting = asyncio.create_task(stop.wait())
        async with service as running:
            # What the start has made stays; the collector need not look at it with every request.
            gc.collect()
            gc.freeze()
            click.echo(
                f"image-grpc {__version__} listens on {running.address}, data in {settings.data_dir.resolve()}"
            )
            if running.standin_url:
                click.echo(f"GetImg.AI: the stand-in at {running.standin_url} draws; GETIMG_API_KEY makes it real")
            elif settings.getimg_api_key is None:
                click.echo("GetImg.AI: not configured, so nothing can be generated; set GETIMG_API_KEY")
            click.echo("Ctrl-C stops it.")
            await starting
