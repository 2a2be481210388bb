"""What the client commands share: the channel, how errors are told, how messages are printed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click
import grpc
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from rich.console import Console

F = TypeVar("F", bound=Callable[..., Any])

CALL_SECONDS = 60.0
"""Deadline of calls that do not wait for a picture."""

_HINTS = {
    grpc.StatusCode.UNAVAILABLE: "Is it running there? `image-grpc up` starts one; --target names another.",
    grpc.StatusCode.DEADLINE_EXCEEDED: "The service did not answer in time; see `image-grpc status`.",
}


def client_command(command: F) -> F:
    """Adds --target and --json; gives the command a `channel`; tells RPC errors as a person would want to read."""

    @click.option(
        "--target",
        envvar="IMAGE_GRPC_TARGET",
        default="127.0.0.1:50051",
        show_default=True,
        help="Address of the service.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
    @functools.wraps(command)
    def run(*args: Any, target: str, **kwargs: Any) -> Any:
        with told_errors(), grpc.insecure_channel(target) as channel:
            return command(*args, channel=channel, **kwargs)

    return run  # type: ignore[return-value]


@contextmanager
def told_errors() -> Iterator[None]:
    """Turns an RPC's error into one of the command."""
    try:
        yield
    except grpc.RpcError as error:
        raise click.ClickException(_told(error)) from error


def _told(error: Any) -> str:
    code = error.code()
    lines = [f"{code.name}: {error.details()}"]
    status = rpc_status.from_call(error)
    for detail in status.details if status is not None else ():
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            lines[0] = f"{code.name} ({info.reason}): {error.details()}"
        elif detail.Unpack(bad):
            lines += [f"  {each.field}: {each.description}" for each in bad.field_violations]
    if code in _HINTS:
        lines.append(_HINTS[code])
    return "\n".join(lines)


def print_json(message: Message) -> None:
    """Prints a message as proto3 JSON with the names of the contract."""
    click.echo(json_format.MessageToJson(message, preserving_proto_field_name=True))


def console() -> Console:
    """Standard output for tables; as wide as they need where no person looks."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=160)


def readable(size: int) -> str:
    """A number of bytes for people."""
    return f"{size / 1_000_000:.1f} MB" if size >= 1_000_000 else f"{size / 1000:.0f} kB"


def lower(name: str, prefix: str) -> str:
    """An enum value's name for people: `IMAGE_TYPE_MAP` is `map`."""
    return name.removeprefix(prefix).lower()
