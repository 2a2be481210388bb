"""`image-grpc demo`: a tour of the service, from the requests of a caller to pictures on disk."""

import tempfile
from pathlib import Path

import click

from image_grpc.cli.client import reported_rpc_errors
from image_grpc.settings import AccessSettings, EmbeddedSettings


@click.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Folder for the pictures.",
)
def demo(out: Path) -> None:
    """Try out the service in one process.

    The demo starts a service, generates a picture of each kind, adds overlays to the maps, applies other themes,
    saves the pictures, and shows what happened.
    """
    from image_grpc.cli.demo.tour import run_tour
    from image_grpc.cli.programs import load, run

    with tempfile.TemporaryDirectory(prefix="image-grpc-demo-") as folder, reported_rpc_errors():
        settings = load(
            EmbeddedSettings,
            listen="127.0.0.1:0",
            data_dir=Path(folder),
            log_level="WARNING",
            drain_seconds=0,
            standin_latency_seconds=0,
        )
        # The demo serves itself alone, whatever the environment says about who may call.
        access = {name: field.default for name, field in AccessSettings.model_fields.items() if name != "listen"}
        settings = settings.model_copy(update=access)
        out.mkdir(parents=True, exist_ok=True)
        run(run_tour(settings, out))
