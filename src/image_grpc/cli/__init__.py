"""The `image-grpc` command: programs that run the service, and a client for it."""

import click

from image_grpc import __version__
from image_grpc.cli.api_key import api_key
from image_grpc.cli.audit import audit
from image_grpc.cli.config import config
from image_grpc.cli.costs import costs
from image_grpc.cli.dead_letters import dead_letters
from image_grpc.cli.demo import demo
from image_grpc.cli.doctor import doctor
from image_grpc.cli.errors import EXIT_CODE_HELP
from image_grpc.cli.examples import add_examples
from image_grpc.cli.floor_plan import floor_plan
from image_grpc.cli.generate import generate
from image_grpc.cli.generation import generation
from image_grpc.cli.image import image
from image_grpc.cli.map import map_
from image_grpc.cli.model import model
from image_grpc.cli.overlay import overlay
from image_grpc.cli.servers import bridge, serve, standin, up
from image_grpc.cli.shell import completion, open_
from image_grpc.cli.status import status
from image_grpc.cli.storage import storage
from image_grpc.cli.theme import theme


@click.group(
    commands=[
        demo,
        up,
        serve,
        bridge,
        storage,
        standin,
        generate,
        generation,
        image,
        open_,
        map_,
        floor_plan,
        overlay,
        model,
        theme,
        status,
        dead_letters,
        api_key,
        audit,
        costs,
        config,
        doctor,
        completion,
    ],
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EXIT_CODE_HELP,
)
@click.version_option(__version__, prog_name="image-grpc")
def main() -> None:
    """Pictures for tabletop role-playing games: a gRPC service, and a client for it.

    Settings are environment variables; `image-grpc config` shows them. To start, run `image-grpc demo`, or
    `image-grpc up` in one terminal and `image-grpc generate portrait --theme fantasy --out hero.png` in
    another.
    """


add_examples(main)
