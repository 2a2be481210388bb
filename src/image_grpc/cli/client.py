"""Shared by the client commands: the channel, the form of the output, errors, and names of enum values."""

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

import click
import grpc
from google.protobuf import json_format
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message import Message
from rich.table import Table
from tabletop.image.v1.audit_service_pb2 import ListAuditEntriesResponse
from tabletop.image.v1.generation_service_pb2 import ListGenerationsResponse, ListModelsResponse
from tabletop.image.v1.image_service_pb2 import ListImagesResponse, ListImageVersionsResponse
from tabletop.image.v1.theme_service_pb2 import ListThemesResponse
from tabletop.image.v1.types_pb2 import ImageSubtype, ImageType

from image_grpc import settings
from image_grpc.cli.errors import RpcFailure
from image_grpc.cli.output import Output, show
from image_grpc.cli.profiles import profile_settings
from image_grpc.endpoint import Endpoint
from image_grpc.messages import enum_label, enum_prefix
from image_grpc.paging import MAX_PAGE_SIZE, PageRequest
from image_grpc.settings import ClientSettings, InvalidSettings

M = TypeVar("M", bound=Message)
Page = (
    ListAuditEntriesResponse
    | ListGenerationsResponse
    | ListImagesResponse
    | ListImageVersionsResponse
    | ListModelsResponse
    | ListThemesResponse
)
P = TypeVar("P", bound=Page)

CALL_SECONDS = 60.0
"""Deadline of calls that do not wait for a picture."""
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True)
class Client:
    """What every client command needs: the channel to the service, and the form of the output."""

    channel: grpc.Channel
    output: Output

    @property
    def prints_text(self) -> bool:
        """Whether people read the output."""
        return self.output is Output.TABLE

    def show(self, message: Message, *parts: str | Table) -> None:
        """Print `parts`, or the message in the form that programs read."""
        show(self.output, message, *parts)


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

    @click.option("--profile", envvar="IMAGE_GRPC_PROFILE", help="Server and credentials of the file of profiles.")
    @click.option("--target", help="Address of the server, HOST:PORT.  [default: 127.0.0.1:50051]")
    @click.option("--tls", is_flag=True, default=None, help="Connect with TLS.")
    @click.option("--ca-file", type=_FILE, help="Connect with TLS; certificate authorities of the server, PEM.")
    @click.option("--api-key-file", type=_FILE, help="File with the API key or token to send.")
    @functools.wraps(command)
    def run(
        *,
        profile: str | None,
        target: str | None,
        tls: bool | None,
        ca_file: Path | None,
        api_key_file: Path | None,
        **options: object,
    ) -> None:
        try:
            given = {"target": target, "tls": tls, "ca_file": ca_file, "api_key_file": api_key_file}
            server = Endpoint.of(_client_settings(profile, given))
        except (InvalidSettings, OSError, UnicodeDecodeError) as error:
            raise click.UsageError(str(error)) from error
        command(server, **options)

    return run


def _client_settings(profile: str | None, options: Mapping[str, object]) -> ClientSettings:
    """Return the settings: options come first, then the profile, then the environment."""
    values = profile_settings(profile) if profile else {}
    values |= {name: value for name, value in options.items() if value is not None}
    key_file = values.pop("api_key_file", None)
    key = _read_key(Path(str(key_file))) if key_file is not None else None
    loaded = settings.load(ClientSettings, api_key=key, **values)
    # The key in the environment is not meant for the server of a profile.
    return loaded if key or not profile else loaded.model_copy(update={"api_key": None})


def _read_key(file: Path) -> str:
    if not (key := file.read_text().strip()):
        raise InvalidSettings(f"{file} is empty")
    return key


def client_command(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of the server and of the output, pass a Client to the command, and report errors of RPCs."""

    @server_options
    @click.option("-o", "--output", type=click.Choice([each.value for each in Output]), help="Form of the output.")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON: --output json.")
    @functools.wraps(command)
    def run(server: Endpoint, *, output: str | None, as_json: bool, **options: object) -> None:
        if output and as_json:
            raise click.UsageError("--json is --output json; give one of them")
        selected = Output(output) if output else Output.JSON if as_json else Output.TABLE
        try:
            with reported_rpc_errors(selected), server.open() as channel:
                command(Client(channel, selected), **options)
        except UnicodeEncodeError as error:  # the shell passes any bytes, a message contains text
            raise click.UsageError("an option is not valid UTF-8") from error

    return run


@contextmanager
def reported_rpc_errors(output: Output = Output.TABLE) -> Iterator[None]:
    """Translate RPC errors into errors of the command."""
    try:
        yield
    except grpc.RpcError as error:
        raise RpcFailure(error, as_json=output in (Output.JSON, Output.JSONL)) from error


def rpc_for(request: Message, stub: object) -> Callable[..., Any]:
    """Return the RPC of a stub that takes requests of this type."""
    rpc: Callable[..., Any] = getattr(stub, type(request).__name__.removesuffix("Request"))
    return rpc


def limited_list(rpc: Callable[..., P], request: PageRequest, limit: int) -> P:
    """Return the response to a List request with up to `limit` items, of as many pages as needed.

    Its `next_page_token` continues the list.
    """
    request.page_size = min(limit, MAX_PAGE_SIZE)
    response = rpc(request, timeout=CALL_SECONDS)
    [items] = [field.name for field in response.DESCRIPTOR.fields if field.is_repeated]
    while response.next_page_token and (left := limit - len(getattr(response, items))) > 0:
        request.page_size, request.page_token = min(left, MAX_PAGE_SIZE), response.next_page_token
        page = rpc(request, timeout=CALL_SECONDS)
        getattr(response, items).extend(getattr(page, items))
        response.next_page_token = page.next_page_token
    return response


def list_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of commands that list something."""

    numbers = click.IntRange(1, 100_000)
    limit = click.option("--limit", type=numbers, default=50, show_default=True, help="Number of items.")
    page_token = click.option("--page-token", default="", help="Continue the list where another command ended.")
    return limit(page_token(command))


def picture_filters(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that filter lists of images and of generations, named as the fields of the requests."""
    options = (
        click.option("--type", type=EnumChoice(ImageType)),
        click.option("--subtype", type=EnumChoice(ImageSubtype)),
        click.option("--theme", default=""),
        click.option("--source-id", default="", help="Character, campaign or item (UUID)."),
        click.option("--service", default="", help="Service that requested the picture."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def show_list(client: Client, page: Page, table: Table) -> None:
    """Print a list, and on standard error how to continue it, unless the output itself says so."""
    client.show(page, table if table.row_count else "none")
    if page.next_page_token and client.output is not Output.JSON:
        click.echo(f"more: --page-token {page.next_page_token}", err=True)


def parse_json(file: IO[str], message: M) -> M:
    """Return the message, filled from a file of proto3 JSON."""
    try:
        return json_format.Parse(file.read(), message)
    except (json_format.ParseError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{file.name}: {error}") from error
