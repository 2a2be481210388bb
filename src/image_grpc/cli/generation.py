"""`generation`: work on generations that are under way."""

from datetime import timedelta

import click

from image_grpc.cli.parameters import AGE
from image_grpc.cli.programs import hub_option, load, run
from image_grpc.settings import ProgramSettings


@click.group()
def generation() -> None:
    """Work on generations that are under way."""


@generation.command()
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--idle", type=AGE, default="2m", show_default=True, help="Without IDs: those without progress for this.")
@hub_option
def requeue(ids: tuple[str, ...], idle: float, hub_url: str | None) -> None:
    """Queue the jobs of generations again, for instance after a queue was purged.

    Servers do that by themselves after IMAGE_GRPC_STALLED_AFTER_SECONDS. A generation that has ended stays as it is,
    and a job that is queued twice generates one picture.
    """
    from image_grpc import app

    settings = load(ProgramSettings, hub_url=hub_url)
    count = run(app.requeue_generations(settings, ids, idle_for=timedelta(seconds=idle)))
    click.echo(f"{count} requeued")
