"""Commands that run a server, the bridge or the stand-in until they receive SIGTERM or SIGINT."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from image_grpc import __version__
from image_grpc.cli.client import server_options
from image_grpc.cli.programs import load, load_program, run, run_until_stopped
from image_grpc.cli.urls import hub_option, url_option
from image_grpc.settings import BridgeSettings, EmbeddedSettings

if TYPE_CHECKING:  # importing the server takes a second, which client commands should not spend
    from image_grpc.app import Running
    from image_grpc.endpoint import Endpoint

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
def up(no_standin: bool, **options: object) -> None:
    """Run all programs in one process.

    These are the server, the bridge, the Storage Service, and, if GETIMG_API_KEY is not set, a stand-in for
    GetImg.AI.
    """
    from image_grpc import app

    settings = load_program(EmbeddedSettings, **options)
    program = app.up_without_standin(settings) if no_standin else app.up(settings)
    run_until_stopped(program, lambda running: _started(settings, running))


@click.command()
@_LISTEN
@_DATA
@url_option("hub-url", help="URL of a RabbitMQ, amqp://…, or `memory:` for a hub within this process.")
@click.option("--bridge", "with_bridge", is_flag=True, help="Run the hub bridge too.")
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="Number of processes that share the address. Killed processes are restarted.",
)
@click.option("--parent", type=int, hidden=True, help="Set by --workers: a pipe whose end stops the process.")
def serve(with_bridge: bool, workers: int, parent: int | None, **options: object) -> None:
    """Run the gRPC server, with GetImg.AI and a RabbitMQ.

    With the hub `memory:`, the Storage Service runs in the same process, and there can be only one worker.
    """
    from image_grpc import app

    if workers > 1:
        from image_grpc.cli.workers import run_workers

        settings = load(EmbeddedSettings, **options)
        raise SystemExit(run(run_workers(settings, workers, ["--bridge"] if with_bridge else [])))
    settings = load_program(EmbeddedSettings, **options)
    program = app.serve_with_bridge(settings) if with_bridge else app.serve(settings)
    run_until_stopped(program, lambda running: _started(settings, running), parent=parent)


@click.command()
@server_options
@hub_option
def bridge(server: "Endpoint", hub_url: str | None) -> None:
    """Run the hub bridge alone. It turns requests and events on the hub into calls to the server at --target."""
    from image_grpc import app

    text = f"The bridge connects the hub to the server at {server.target}. Press Ctrl-C to stop."
    run_until_stopped(app.bridge(load_program(BridgeSettings, hub_url=hub_url), server), lambda _: text)


@click.command(add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def standin(arguments: tuple[str, ...]) -> None:
    """Run a stand-in for the GetImg.AI API, like the command `getimg-standin`."""
    try:
        from getimg_standin.cli import main
    except ModuleNotFoundError as error:
        text = f"the stand-in is not installed: pip install 'image-grpc[standin]' ({error})"
        raise click.ClickException(text) from error
    main.main(list(arguments), prog_name="image-grpc standin")


def _started(settings: EmbeddedSettings, running: "Running") -> str:
    data = "the Storage Service" if running.hub.durable else settings.data_dir.resolve()
    lines = [f"image-grpc {__version__} listens on {running.address}, data in {data}"]
    if running.standin_url:
        lines.append(
            f"The stand-in for GetImg.AI at {running.standin_url} draws the pictures. "
            "Set GETIMG_API_KEY to use GetImg.AI."
        )
    elif settings.getimg_api_key is None:
        lines.append("Nothing can be generated without an API key for GetImg.AI. Set GETIMG_API_KEY.")
    return "\n".join([*lines, "Press Ctrl-C to stop."])
