"""`image-grpc model`: the image models of GetImg.AI."""

from collections.abc import Iterable

import click
from rich.table import Table
from tabletop.image.v1.generation_service_pb2 import ListModelsRequest
from tabletop.image.v1.generation_service_pb2_grpc import GenerationServiceStub
from tabletop.image.v1.model_pb2 import Model

from image_grpc.cli.client import Client, client_command, limited_list, list_options, show_list


@click.group()
def model() -> None:
    """Show the image models."""


@model.command("list")
@list_options
@client_command
def list_(client: Client, limit: int, page_token: str) -> None:
    """List the image models with their prices per picture."""
    rpc = GenerationServiceStub(client.channel).ListModels
    page = limited_list(rpc, ListModelsRequest(page_token=page_token), limit)
    show_list(client, page, _table(page.models))


def _table(models: Iterable[Model]) -> Table:
    table = Table("model", "price by resolution", "references", "ratios", box=None)
    for each in models:
        prices = (f"{price.resolution or 'any'} {price.amount} {price.currency}" for price in each.prices)
        table.add_row(each.id, "\n".join(prices), str(each.max_reference_images), str(len(each.aspect_ratios)))
    return table
