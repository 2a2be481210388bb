"""`image-grpc status`."""

from __future__ import annotations

import click
import grpc
from rich.table import Table
from tabletop.image.v1.status_service_pb2 import GetStatusRequest, HealthStatus
from tabletop.image.v1.status_service_pb2_grpc import StatusServiceStub

from image_grpc.cli.client import CALL_SECONDS, client_command, console, lower, print_json

_PREFIX = "HEALTH_STATUS_"


@click.command()
@client_command
def status(channel: grpc.Channel, as_json: bool) -> None:
    """Show how a service is. Ends with 1 when it is unhealthy."""
    answer = StatusServiceStub(channel).GetStatus(GetStatusRequest(), timeout=CALL_SECONDS)
    if as_json:
        print_json(answer)
    else:
        click.echo(f"image-grpc {answer.version} is {lower(HealthStatus.Name(answer.status), _PREFIX)}")
        table = Table("dependency", "status", "problem", box=None)
        for field, each in answer.dependencies.ListFields():
            table.add_row(field.name, lower(HealthStatus.Name(each.status), _PREFIX), each.message)
        console().print(table)
        metrics = answer.metrics
        click.echo(
            f"images generated {metrics.images_generated}, generations waiting {metrics.generation_queue}, "
            f"error rate {metrics.error_rate:.1%}, cache hit rate {metrics.cache_hit_rate:.1%}"
        )
    if answer.status == HealthStatus.HEALTH_STATUS_UNHEALTHY:
        raise SystemExit(1)
