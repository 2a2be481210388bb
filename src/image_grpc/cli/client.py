"""Shared by the client commands: the channel, error messages, and output."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, TypeVar

import click
import grpc
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from rich.console import Console

M = TypeVar("M", bound=Message)

CALL_SECONDS = 60.0
"""Deadline of calls that do not wait for a picture."""

_HINTS = {
    grpc.StatusCode.UNAVAILABLE: "Is the service running? `image-grpc up` starts one; --target selects another.",
    grpc.StatusCode.DEADLINE_EXCEEDED: "The service did not respond in time; see `image-grpc status`.",
}


def client_command(command: Callable[..., None]) -> Callable[..., None]:
    """Add --target and --json, pass a `channel` to the command, and report RPC errors in plain text."""

    @click.option(
        "--target",
        envvar="IMAGE_GRPC_TARGET",
        default="127.0.0.1:50051",
        show_default=True,
        help="Address of the service.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    @functools.wraps(command)
    def run(*args: object, target: str, **options: object) -> None:
        with reported_rpc_errors(), grpc.insecure_channel(target) as channel:
            command(*args, channel=channel, **options)

    return run


@contextmanager
def reported_rpc_errors() -> Iterator[None]:
    """Translate RPC errors into errors of the command."""
    try:
        yield
    except grpc.RpcError as error:
        raise click.ClickException(_error_text(error)) from error


def _error_text(error: Any) -> str:  # the type of RPC errors lacks code() and details()
    code = error.code()
    lines = [f"{code.name}: {error.details()}"]
    status = rpc_status.from_call(error)
    for detail in status.details if status is not None else ():
        info, violations = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            lines[0] = f"{code.name} ({info.reason}): {error.details()}"
        elif detail.Unpack(violations):
            lines += [f"  {each.field}: {each.description}" for each in violations.field_violations]
    if code in _HINTS:
        lines.append(_HINTS[code])
    return "\n".join(lines)


def print_json(message: Message) -> None:
    """Print a message as proto3 JSON with the field names of the contract."""
    click.echo(json_format.MessageToJson(message, preserving_proto_field_name=True))


def parse_json(file: IO[str], message: M) -> M:
    """Return the message, filled from a file of proto3 JSON."""
    try:
        return json_format.Parse(file.read(), message)
    except json_format.ParseError as error:
        raise click.ClickException(f"{file.name}: {error}") from error


def console() -> Console:
    """Return a console for tables on standard output; without a terminal, it is wide enough for all columns."""
    terminal = Console(highlight=False)
    return terminal if terminal.is_terminal else Console(highlight=False, width=160)


def format_bytes(size: int) -> str:
    """Return a size in MB or kB."""
    return f"{size / 1_000_000:.1f} MB" if size >= 1_000_000 else f"{size / 1000:.0f} kB"


def enum_label(name: str, prefix: str) -> str:
    """Return an enum value's name without its prefix, in lower case: `IMAGE_TYPE_MAP` becomes `map`."""
    return name.removeprefix(prefix).lower()
