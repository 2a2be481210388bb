"""`image-grpc completion` and `image-grpc open`: the shell and the desktop."""

import tempfile
from pathlib import Path

import click
from click.shell_completion import get_completion_class
from tabletop.image.v1.image_service_pb2 import GetImageRequest, ReadImageRequest
from tabletop.image.v1.image_service_pb2_grpc import ImageServiceStub

from image_grpc.cli.client import CALL_SECONDS, Client, client_command
from image_grpc.cli.picture_files import save, suffix_of

PROGRAM = "image-grpc"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that completes commands and options in a shell."""
    completion_class = get_completion_class(shell)
    if completion_class is None:  # it comes with click
        raise click.UsageError(f"no completion for {shell}")
    script = completion_class(context.find_root().command, {}, PROGRAM, "_IMAGE_GRPC_COMPLETE")
    click.echo(script.source())


@click.command("open")
@click.argument("image_id")
@client_command
def open_(client: Client, image_id: str) -> None:
    """Save the picture of an image to a temporary file, and open it with the program for such files."""
    image = ImageServiceStub(client.channel).GetImage(GetImageRequest(image_id=image_id), timeout=CALL_SECONDS).image
    out = Path(tempfile.mkdtemp(prefix="image-grpc-")) / f"{image.id}{suffix_of(image.content)}"
    save(client, ReadImageRequest(image_id=image.id, version=image.version), out)
    if click.launch(str(out)):
        raise click.ClickException(f"no program opens {out}")
