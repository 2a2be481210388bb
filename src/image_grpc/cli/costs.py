"""`image-grpc costs`: what pictures cost, by GetImg.AI and by our records."""

import json

import click
from rich.table import Table

from image_grpc.cli.output import console
from image_grpc.cli.programs import load, run
from image_grpc.cli.urls import hub_option
from image_grpc.settings import ServerSettings


@click.command()
@click.option("--days", type=click.IntRange(1, 180), default=7, show_default=True, help="Number of days up to today.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@hub_option
def costs(days: int, *, as_json: bool, hub_url: str | None) -> None:
    """Compare the costs that GetImg.AI reports with those of the generations, by day in UTC.

    More than was recorded is what GetImg.AI billed for calls whose result was lost, for instance because a process was
    killed, or what others spend with the same account. Pictures around midnight may count for different days. All
    generations of these days are read.
    """
    from image_grpc import app

    compared = run(app.compare_costs(load(ServerSettings, hub_url=hub_url), days))
    names = ("reported", "recorded", "difference")
    if as_json:
        rows = [{"day": str(each.day), **{name: f"{getattr(each, name):f}" for name in names}} for each in compared]
        click.echo(json.dumps({"costs": rows}, indent=2))
        return
    table = Table("day (UTC)", box=None)
    for name in names:
        table.add_column(f"{name} (USD)", justify="right")
    for each in compared:
        table.add_row(str(each.day), *(f"{getattr(each, name):.4f}" for name in names))
    console().print(table)
