"""`image-grpc status`: the health of a service."""

import click
import grpc
from rich.table import Table
from tabletop.image.v1.status_service_pb2 import GetStatusRequest, HealthStatus
from tabletop.image.v1.status_service_pb2_grpc import StatusServiceStub

from image_grpc.cli.client import CALL_SECONDS, client_command, console, enum_label, print_json


@click.command()
@client_command
def status(channel: grpc.Channel, as_json: bool) -> None:
    """Show the health of a service. Exits with code 1 if it is unhealthy."""
    response = StatusServiceStub(channel).GetStatus(GetStatusRequest(), timeout=CALL_SECONDS)
    if as_json:
        print_json(response)
    else:
        click.echo(f"image-grpc {response.version} is {_label(response.status)}")
        table = Table("dependency", "status", "problem", box=None)
        for field, dependency in response.dependencies.ListFields():
            table.add_row(field.name, _label(dependency.status), dependency.message)
        console().print(table)
        metrics = response.metrics
        click.echo(
            f"images generated {metrics.images_generated}, generations waiting {metrics.generation_queue}, "
            f"error rate {metrics.error_rate:.1%}, cache hit rate {metrics.cache_hit_rate:.1%}"
        )
    if response.status == HealthStatus.HEALTH_STATUS_UNHEALTHY:
        raise SystemExit(1)


def _label(health: HealthStatus) -> str:
    return enum_label(HealthStatus.Name(health), "HEALTH_STATUS_")
