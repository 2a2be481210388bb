"""`image-grpc status`: the health of a service."""

import click
from rich.table import Table
from tabletop.image.v1.status_service_pb2 import GetStatusRequest, HealthStatus
from tabletop.image.v1.status_service_pb2_grpc import StatusServiceStub

from image_grpc.cli.client import CALL_SECONDS, Client, client_command, display_label


@click.command()
@client_command
@click.option("--wait", type=click.FloatRange(0, 3600), help="Wait up to so many seconds for the server to start.")
def status(client: Client, wait: float | None) -> None:
    """Show the health of a service. Exits with code 1 if it is unhealthy."""
    seconds, wait_for_server = wait if wait is not None else CALL_SECONDS, wait is not None
    response = StatusServiceStub(client.channel).GetStatus(
        GetStatusRequest(), timeout=seconds, wait_for_ready=wait_for_server
    )
    table = Table("dependency", "status", "problem", box=None)
    for field, dependency in response.dependencies.ListFields():
        table.add_row(field.name, display_label(HealthStatus, dependency.status), dependency.message)
    metrics = response.metrics
    client.show(
        response,
        f"image-grpc {response.version} is {display_label(HealthStatus, response.status)}",
        table,
        f"images generated {metrics.images_generated}, generations waiting {metrics.generation_queue}, "
        f"error rate {metrics.error_rate:.1%}, cache hit rate {metrics.cache_hit_rate:.1%}",
        *(f"warning: {warning}" for warning in response.warnings),
    )
    if response.status == HealthStatus.HEALTH_STATUS_UNHEALTHY:
        raise SystemExit(1)
