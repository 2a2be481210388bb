"""`image-grpc audit`: who changed what."""

from datetime import datetime

import click
from rich.table import Table
from tabletop.image.v1 import audit_service_pb2 as pb
from tabletop.image.v1.audit_pb2 import AuditEntry, ChangeType, ResourceType
from tabletop.image.v1.audit_service_pb2_grpc import AuditServiceStub

from image_grpc.cli.client import Client, client_command, display_label, limited_list, list_options, show_list
from image_grpc.cli.parameters import MOMENT


@click.group()
def audit() -> None:
    """Show who changed what."""


@audit.command("list")
@click.option("--caller", default="", help="Only calls of this caller.")
@click.option("--method", default="", metavar="METHOD", help="Only this method, for example ImageService.DeleteImage.")
@click.option("--image", "image_id", default="", metavar="ID", help="Only calls that concern this image or map.")
@click.option("--outcome", default="", help="Only this outcome: OK, or a reason such as PERMISSION_DENIED.")
@click.option("--since", type=MOMENT, help="Only from this time on: an age such as 2h or 7d, or a time in ISO 8601.")
@click.option("--until", type=MOMENT, help="Only before this time.")
@list_options
@client_command
def list_(
    client: Client,
    *,
    caller: str,
    method: str,
    image_id: str,
    outcome: str,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    page_token: str,
) -> None:
    """List the entries of the audit log, newest first. The key must be one of an administrator."""
    request = pb.ListAuditEntriesRequest(
        caller=caller,
        method=method,
        image_id=image_id,
        outcome=outcome,
        start_time=since,
        end_time=until,
        page_token=page_token,
    )
    page = limited_list(AuditServiceStub(client.channel).ListAuditEntries, request, limit)
    table = Table("time (UTC)", "caller", "method", "outcome", box=None)
    for column in table.columns:
        column.overflow = "fold"
    for entry in page.entries:
        time = entry.create_time.ToDatetime().isoformat(sep=" ", timespec="seconds")
        result = entry.outcome if entry.count == 1 else f"{entry.outcome} (x{entry.count})"
        table.add_row(time, entry.call.caller, entry.call.method.partition(".")[2], result)
        for change in _changes(entry):
            table.add_row("", "", "", change)
    show_list(client, page, table)


def _changes(entry: AuditEntry) -> list[str]:
    """Return the changes of an entry, or what a failed call named."""
    if not entry.changes:
        return [f"image {entry.image_id}"] if entry.image_id else []
    return [
        f"{display_label(ResourceType, each.resource_type)} {each.resource_id} "
        f"{display_label(ChangeType, each.change)}" + (f" v{each.version}" if each.version else "")
        for each in entry.changes
    ]
