"""What the client commands print: tables for people, JSON or ids for programs."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import click
from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console
from rich.table import Table
from rich.text import Text
from tabletop.image.v1.map_pb2 import Fidelity


class Output(Enum):
    """The forms of output."""

    TABLE = "table"
    JSON = "json"
    """The list or the resource, as proto3 JSON with the field names of the contract."""
    JSONL = "jsonl"
    """A line of JSON for each item of a list, or for the resource."""
    IDS = "ids"
    """A line with the id of each item. Nothing for what has no id."""


def show(output: Output, message: Message, *parts: str | Table) -> None:
    """Print `parts`, or the message in the form that programs read."""
    if output is Output.JSON:
        click.echo(json_format.MessageToJson(message, preserving_proto_field_name=True))
    elif output is Output.JSONL:
        for item in _items(message):
            click.echo(json.dumps(json_format.MessageToDict(item, preserving_proto_field_name=True)))
    elif output is Output.IDS:
        for id_ in filter(None, map(_id_of, _items(_resource_in(message)))):
            click.echo(id_)
    else:
        for part in parts:
            click.echo(printable(part)) if isinstance(part, str) else console().print(part)


def _items(message: Message) -> Sequence[Any]:
    """Return the items of the response to a List request, or any other message as the only one."""
    if not _is_list(message):
        return [message]
    [items] = [field.name for field in message.DESCRIPTOR.fields if field.is_repeated]
    return list(getattr(message, items))


def _resource_in(message: Message) -> Any:
    """Return the resource in the response to a call about one, or any other message itself."""
    fields = [
        field.name for field in message.DESCRIPTOR.fields if field.message_type is not None and not field.is_repeated
    ]
    is_response = message.DESCRIPTOR.name.endswith("Response") and not _is_list(message)
    return getattr(message, fields[0]) if is_response and fields else message


def _is_list(message: Message) -> bool:
    return "next_page_token" in message.DESCRIPTOR.fields_by_name


def _id_of(item: Message) -> str:
    """Return the id of a resource, which some call their name."""
    for name in ("id", "name"):
        if name in item.DESCRIPTOR.fields_by_name:
            return str(getattr(item, name))
    return ""  # of a command without a result


class _PlainConsole(Console):
    """Prints texts without interpreting them."""

    def render_str(self, text: str, **_options: Any) -> Text:
        return Text(printable(text))


def printable(text: str) -> str:
    """Return a text in which nothing that a caller wrote controls the terminal."""
    return "".join(each if each.isprintable() or each == "\n" else "\N{REPLACEMENT CHARACTER}" for each in text)


def console() -> Console:
    """Return a console for tables on standard output; without a terminal, it is wide enough for all columns."""
    terminal = _PlainConsole()
    return terminal if terminal.is_terminal else _PlainConsole(width=160)


def describe_fidelity(fidelity: Fidelity) -> str:
    """Return how well a picture follows its plan."""
    parts = [f"follows its plan with a score of {fidelity.score:.2f}"]
    if fidelity.tries > 1:
        parts.append(f"the best of {fidelity.tries} pictures")
    if fidelity.score:
        # Adding 0 makes a rounded -0 positive.
        right, down = (round(each, 2) + 0.0 for each in (fidelity.offset_x, fidelity.offset_y))
        parts.append(f"shifted by {right:+.2f} and {down:+.2f} cells")
    if fidelity.scale and round(fidelity.scale, 2) != 1:
        parts.append(f"{fidelity.scale:.2f} times as large")
    if edges := len(fidelity.weak_edges):
        parts.append(f"{edges} {'part' if edges == 1 else 'parts'} of walls can hardly be seen")
    return ", ".join(parts)


def age_of(time: Timestamp) -> str:
    """Return how long ago something happened, for example `3m` or `2d`."""
    seconds = max(0, int((datetime.now(UTC) - time.ToDatetime(UTC)).total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def format_bytes(size: int) -> str:
    """Return a size in MB or kB."""
    return f"{size / 1_000_000:.1f} MB" if size >= 1_000_000 else f"{size / 1000:.0f} kB"
