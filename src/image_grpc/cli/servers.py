"""Commands that run a server or the bridge until they receive SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import gc
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from image_grpc import __version__
from image_grpc.cli.programs import load, run
from image_grpc.settings import BridgeSettings, EmbeddedSettings

if TYPE_CHECKING:  # importing the server takes a second, which client commands should not spend
    from image_grpc.app import Running

_LISTEN = click.option("--listen", metavar="HOST:PORT", help="Address of the gRPC server; port 0 selects a free one.")
_DATA = click.option(
    "--data-dir", type=click.Path(file_okay=False, path_type=Path), help="Folder for pictures and records."
)


@click.command()
@_LISTEN
@_DATA
@click.option("--no-standin", is_flag=True, help="Do not start the stand-in if GETIMG_API_KEY is not set.")
@click.option("--standin-listen", metavar="HOST:PORT", help="Address of the stand-in; port 0 selects a free one.")
@click.option("--standin-latency-seconds", type=float, help="Delay that the stand-in adds to each picture.")
def up(
    no_standin: bool,
    listen: str | None,
    data_dir: Path | None,
    standin_listen: str | None,
    standin_latency_seconds: float | None,
) -> None:
    """Run all programs in one process.

    These are the server, the bridge, the Storage Service, and, if GETIMG_API_KEY is not set, a stand-in for
    GetImg.AI.
    """
    from image_grpc import app

    settings = load(
        EmbeddedSettings,
        listen=listen,
        data_dir=data_dir,
        standin_listen=standin_listen,
        standin_latency_seconds=standin_latency_seconds,
    )
    run(_until_stopped(settings, app.up_without_standin(settings) if no_standin else app.up(settings)))


@click.command()
@_LISTEN
@_DATA
@click.option("--hub-url", help="URL of a RabbitMQ, amqp://…, or `memory:` for a hub within this process.")
@click.option("--bridge", "with_bridge", is_flag=True, help="Run the hub bridge too.")
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="Number of processes that share the address. Killed processes are restarted.",
)
def serve(with_bridge: bool, workers: int, listen: str | None, data_dir: Path | None, hub_url: str | None) -> None:
    """Run the gRPC server, with GetImg.AI and a RabbitMQ.

    With the hub `memory:`, the Storage Service runs in the same process, and there can be only one worker.
    """
    from image_grpc import app

    settings = load(EmbeddedSettings, listen=listen, data_dir=data_dir, hub_url=hub_url)
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
@click.option("--hub-url", help="URL of a RabbitMQ, amqp://…")
def bridge(target: str, hub_url: str | None) -> None:
    """Run the hub bridge alone.

    It turns requests and events on the hub into calls of the server at --target.
    """
    from image_grpc import app

    settings = load(BridgeSettings, hub_url=hub_url)

    async def run_bridge() -> None:
        with app.stop_signals() as stop:
            async with app.bridge(settings, target):
                click.echo(f"The bridge connects the hub to the server at {target}. Press Ctrl-C to stop.")
                await stop.wait()

    run(run_bridge())


async def _until_stopped(settings: EmbeddedSettings, service: AbstractAsyncContextManager[Running]) -> None:
    from image_grpc.app import stop_signals

    with stop_signals() as stop:
        stopping = asyncio.create_task(stop.wait())
        async with service as running:
            # Objects created during startup live on, so garbage collection may skip them from now on.
            gc.collect()
            gc.freeze()
            click.echo(f"image-grpc {__version__} listens on {running.address}, data in {settings.data_dir.resolve()}")
            if running.standin_url:
                click.echo(
                    f"The stand-in for GetImg.AI at {running.standin_url} draws the pictures. "
                    "Set GETIMG_API_KEY to use GetImg.AI."
                )
            elif settings.getimg_api_key is None:
                click.echo("Nothing can be generated without an API key for GetImg.AI. Set GETIMG_API_KEY.")
            click.echo("Press Ctrl-C to stop.")
            await stopping
