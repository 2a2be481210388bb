"""`dead-letters`: messages that could not be processed, to inspect, replay or discard."""

import functools
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click
from google.protobuf import json_format
from rich.table import Table

from image_grpc.cli.output import console
from image_grpc.cli.parameters import AGE
from image_grpc.cli.programs import load, run
from image_grpc.cli.urls import hub_option
from image_grpc.errors import HubError
from image_grpc.settings import ProgramSettings

if TYPE_CHECKING:  # importing the AMQP client takes a while
    from image_grpc.hub.amqp import DeadLetterMessage, DeadLetterQueue

T = TypeVar("T")

_REASON_LENGTH = 100


def _filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options whose values are the parameters of `_matching`."""
    age = click.option(
        "--older-than", type=AGE, default="0s", help="Select messages by age as dead letters, e.g. 10m, 1d."
    )
    type_ = click.option("--type", "type_", default="", help="Select messages of this type.")
    reason = click.option("--reason", default="", help="Select messages whose reason contains this text.")
    return reason(type_(age(command)))


def _selecting(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that select messages to process, at least one of which is required."""

    @click.argument("ids", metavar="[ID]...", nargs=-1)
    @_filtered
    @click.option("--all", "everything", is_flag=True, help="Select all messages.")
    @hub_option
    @functools.wraps(command)
    def selected(everything: bool, hub_url: str | None, **filters: Any) -> None:
        if not everything and not any(filters.values()):
            raise click.UsageError("say which messages: IDs, --reason, --type, --older-than, or --all")
        command(hub_url, **filters)

    return selected


@click.group("dead-letters")
def dead_letters() -> None:
    """List, show, replay and discard messages that could not be processed, which RabbitMQ keeps."""


@dead_letters.command("list")
@_filtered
@hub_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(hub_url: str | None, as_json: bool, **filters: Any) -> None:
    """List dead letters, oldest first."""
    rows = _with_queue(hub_url, lambda queue: _rows(queue, **filters))
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    columns = ("id", "type", "from", "time", "reason")
    table = Table(*columns)
    for row in rows:
        table.add_row(*(row[column][:_REASON_LENGTH] for column in columns))
    console().print(table)


@dead_letters.command()
@click.argument("id_", metavar="ID")
@hub_option
def show(id_: str, hub_url: str | None) -> None:
    """Show one dead letter with its payload."""
    rows = _with_queue(hub_url, lambda queue: _rows(queue, ids=[id_]))
    if not rows:
        raise click.ClickException(f"dead letter {id_} not found")
    click.echo(json.dumps(rows[0], indent=2, ensure_ascii=False))


@dead_letters.command()
@_selecting
def replay(hub_url: str | None, **filters: Any) -> None:
    """Return messages to the queues they came from, to be processed again."""
    _process_each(hub_url, "replayed", lambda queue, letter: queue.replay(letter), **filters)


@dead_letters.command()
@_selecting
def discard(hub_url: str | None, **filters: Any) -> None:
    """Delete messages for good."""
    _process_each(hub_url, "discarded", lambda queue, letter: queue.discard(letter), **filters)


def _process_each(
    hub_url: str | None,
    outcome: str,
    process: Callable[["DeadLetterQueue", "DeadLetterMessage"], Awaitable[None]],
    **filters: Any,
) -> None:
    async def process_all(queue: "DeadLetterQueue") -> int:
        count = 0
        async for letter in _matching(queue, **filters):
            try:
                await process(queue, letter)
            except HubError as error:
                click.echo(error.message, err=True)
                continue
            click.echo(f"{outcome} {letter.envelope.id} {letter.envelope.type}: {letter.reason[:_REASON_LENGTH]}")
            count += 1
        return count

    count = _with_queue(hub_url, process_all)
    click.echo(f"{count} {outcome}")
    if not count:
        raise SystemExit(1)


async def _matching(
    queue: "DeadLetterQueue", *, ids: Collection[str] = (), reason: str = "", type_: str = "", older_than: float = 0.0
) -> AsyncIterator["DeadLetterMessage"]:
    """Yield the messages that all filters select; `reason` is part of the reason in any case, `older_than` seconds."""
    async for letter in queue:
        if (
            (not ids or letter.envelope.id in ids)
            and reason.lower() in letter.reason.lower()
            and type_ in (letter.envelope.type, "")
            and letter.time <= time.time() - older_than
        ):
            yield letter


async def _rows(queue: "DeadLetterQueue", **filters: Any) -> list[dict[str, Any]]:
    return [
        {
            "id": letter.envelope.id,
            "type": letter.envelope.type,
            "from": letter.origin,
            "routing_key": letter.routing_key,
            "time": datetime.fromtimestamp(letter.time, UTC).isoformat(timespec="seconds"),
            "reason": letter.reason,
            "source_service": letter.envelope.source_service,
            "correlation_id": letter.envelope.correlation_id,
            "payload": _payload(letter),
        }
        async for letter in _matching(queue, **filters)
    ]


def _payload(letter: "DeadLetterMessage") -> dict[str, Any] | str:
    """Return JSON as a dictionary, and bytes as text if they are printable, else in hexadecimal."""
    if letter.envelope.WhichOneof("content") == "payload":
        return json_format.MessageToDict(letter.envelope.payload)
    data = letter.envelope.payload_bytes
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return data.hex()
    return text if all(each.isprintable() or each.isspace() for each in text) else data.hex()


def _with_queue(hub_url: str | None, work: Callable[["DeadLetterQueue"], Awaitable[T]]) -> T:
    from image_grpc.app import require_broker
    from image_grpc.hub.amqp import open_dead_letters

    settings = load(ProgramSettings, hub_url=hub_url)

    async def run_work() -> T:
        require_broker(settings)
        async with open_dead_letters(settings.hub_url) as queue:
            return await work(queue)

    return run(run_work())
