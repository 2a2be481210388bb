"""Shared by the client commands: the channel, error messages, names of enum values, and output."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

import click
import grpc
from google.protobuf import json_format
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from rich.console import Console
from rich.table import Table
from rich.text import Text

from image_grpc import settings
from image_grpc.endpoint import Endpoint
from image_grpc.messages import enum_label, enum_prefix
from image_grpc.settings import ClientSettings, InvalidSettings

M = TypeVar("M", bound=Message)

CALL_SECONDS = 60.0
"""Deadline of calls that do not wait for a picture."""

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_HINTS = {
    grpc.StatusCode.UNAVAILABLE: "\nIs the service running? `image-grpc up` starts one; --target selects another.",
    grpc.StatusCode.UNAUTHENTICATED: "\nSend a key: --api-key-file names the file with it.",
    grpc.StatusCode.DEADLINE_EXCEEDED: "\nThe service did not respond in time; see `image-grpc status`.",
}


@dataclass(frozen=True, slots=True)
class Client:
    """What every client command needs: the channel to the service, and the kind of output."""

    channel: grpc.Channel
    as_json: bool

    def show(self, message: Message, *parts: str | Table) -> None:
        """Print `parts`, or with --json the message as proto3 JSON with the field names of the contract."""
        if self.as_json:
            click.echo(json_format.MessageToJson(message, preserving_proto_field_name=True))
            return
        for part in parts:
            click.echo(_printable(part)) if isinstance(part, str) else console().print(part)


class EnumChoice(click.Choice[str]):
    """The values of an enum of the contract by their labels: the option value `map` is passed as `IMAGE_TYPE_MAP`."""

    def __init__(self, enum: EnumTypeWrapper, *labels: str) -> None:
        super().__init__(labels or [display_label(enum, value) for value in enum.values()[1:]])
        self._prefix = enum_prefix(enum.DESCRIPTOR)

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name of the enum value with a label."""
        return self._prefix + super().convert(value, param, ctx).upper()


def display_label(enum: EnumTypeWrapper, value: int) -> str:
    """Return an enum value's short name, `unspecified` for 0, and the number of a value of a newer server."""
    return (enum_label(enum, value) or "unspecified") if value in enum.values() else str(value)


def server_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say how to reach the server, and pass an Endpoint to the command.

    A key is never an option itself: everybody on the host can read the options of a process.
    """

    @click.option("--target", help="Address of the server, HOST:PORT.  [default: 127.0.0.1:50051]")
    @click.option("--tls", is_flag=True, default=None, help="Connect with TLS.")
    @click.option("--ca-file", type=_FILE, help="Connect with TLS; certificate authorities of the server, PEM.")
    @click.option("--api-key-file", type=_FILE, help="File with the API key or token to send.")
    @functools.wraps(command)
    def run(
        *, target: str | None, tls: bool | None, ca_file: Path | None, api_key_file: Path | None, **options: object
    ) -> None:
        try:
            key = api_key_file.read_text().strip() if api_key_file is not None else None
            selected = settings.load(ClientSettings, target=target, tls=tls, ca_file=ca_file, api_key=key)
            server = Endpoint.of(selected)
        except (InvalidSettings, OSError, UnicodeDecodeError) as error:
            raise click.ClickException(str(error)) from error
        command(server, **options)

    return run


def client_command(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of the server and --json, pass a Client to the command, and report RPC errors in plain text."""

    @server_options
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    @functools.wraps(command)
    def run(server: Endpoint, *, as_json: bool, **options: object) -> None:
        with reported_rpc_errors(), server.open() as channel:
            command(Client(channel, as_json), **options)

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
    return _printable("\n".join(lines)) + _HINTS.get(code, "")


def rpc_for(request: Message, stub: object) -> Callable[..., Any]:
    """Return the RPC of a stub that takes requests of this type."""
    rpc: Callable[..., Any] = getattr(stub, type(request).__name__.removesuffix("Request"))
    return rpc


def parse_json(file: IO[str], message: M) -> M:
    """Return the message, filled from a file of proto3 JSON."""
    try:
        return json_format.Parse(file.read(), message)
    except json_format.ParseError as error:
        raise click.ClickException(f"{file.name}: {error}") from error


class _PlainConsole(Console):
    """Prints texts without interpreting them."""

    def render_str(self, text: str, **_options: Any) -> Text:
        return Text(_printable(text))


def _printable(text: str) -> str:
    """Return a text in which nothing that a caller wrote controls the terminal."""
    return "".join(each if each.isprintable() or each == "\n" else "\N{REPLACEMENT CHARACTER}" for each in text)


def console() -> Console:
    """Return a console for tables on standard output; without a terminal, it is wide enough for all columns."""
    terminal = _PlainConsole()
    return terminal if terminal.is_terminal else _PlainConsole(width=160)


def format_bytes(size: int) -> str:
    """Return a size in MB or kB."""
    return f"{size / 1_000_000:.1f} MB" if size >= 1_000_000 else f"{size / 1000:.0f} kB"
