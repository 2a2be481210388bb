"""`dead-letters`: what the service has given up on, for a person to look at, to replay or to discard."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click
from google.protobuf import json_format
from rich.table import Table

from image_grpc.cli.client import console
from image_grpc.cli.servers import load
from image_grpc.config import InvalidSettings
from image_grpc.errors import HubError

if TYPE_CHECKING:  # the AMQP client takes a while to import
    from image_grpc.hub.amqp import DeadLetterMessage, DeadLetterQueue

T = TypeVar("T")

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_HUB = click.option("--hub-url", help="RabbitMQ, amqp://…")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_IDS = click.argument("ids", metavar="[ID]...", nargs=-1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """Which dead letters a command is about."""

    ids: tuple[str, ...] = ()
    reason: str = ""
    type: str = ""
    older_than: float = 0.0
    """Seconds."""

    @property
    def empty(self) -> bool:
        """Whether it takes all of them."""
        return self == Filter()

    def takes(self, letter: DeadLetterMessage) -> bool:
        """Whether the dead letter is one of them."""
        return (
            (not self.ids or letter.id in self.ids)
            and self.reason.lower() in letter.reason.lower()
            and self.type in (letter.envelope.type, "")
            and letter.time <= time.time() - self.older_than
        )


class _Age(click.ParamType[float]):
    name = "AGE"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d+)([smhd])", value)
        if found is None:
            self.fail("must be for example 90s, 10m, 2h or 1d", param, context)
        return float(found[1]) * _SECONDS[found[2]]


def _filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options of a filter."""
    options = (
        click.option("--reason", default="", help="Only those whose reason contains this."),
        click.option("--type", default="", help="Only those of this type of message."),
        click.option(
            "--older-than", type=_Age(), default=0.0, help="Only those given up on before, e.g. 10m, 1d."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group("dead-letters")
def dead_letters() -> None:
    """Messages that were given up on: see them, replay them to where they came from, discard them."""


@dead_letters.command("list")
@_filtered
@_HUB
@_JSON
def list_(hub_url: str | None, as_json: bool, **given: Any) -> None:
    """List dead letters, the oldest first."""

    async def rows(queue: DeadLetterQueue) -> list[dict[str, Any]]:
        return [_as_dict(letter) async for letter in _matching(queue, Filter(**given))]

    found = _with_queue(hub_url, rows)
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    columns = ("id", "type", "from", "time", "reason")
    table = Table(*columns)
    for row in found:
        table.add_row(*(row[column][:100] for column in columns))
    console().print(table)


@dead_letters.command()
@click.argument("id_", metavar="ID")
@_HUB
def show(id_: str, hub_url: str | None) -> None:
    """Show one dead letter with its payload."""

    async def rows(queue: DeadLetterQueue) -> list[dict[str, Any]]:
        return [_as_dict(letter) async for letter in _matching(queue, Filter(ids=(id_,)))]

    found = _with_queue(hub_url, rows)
    if not found:
        raise click.ClickException(f"there is no dead letter {id_}")
    click.echo(json.dumps(found[0], indent=2, ensure_ascii=False))


@dead_letters.command()
@_IDS
@_filtered
@click.option("--all", "everything", is_flag=True, help="All of them.")
@_HUB
def replay(ids: tuple[str, ...], everything: bool, hub_url: str | None, **given: Any) -> None:
    """Have messages handled again: each goes back to the queue that it came from."""
    _each(hub_url, _chosen(ids, everything, given), "replayed", lambda queue, letter: queue.replay(letter))


@dead_letters.command()
@_IDS
@_filtered
@click.option("--all", "everything", is_flag=True, help="All of them.")
@_HUB
def discard(ids: tuple[str, ...], everything: bool, hub_url: str | None, **given: Any) -> None:
    """Forget messages for good."""
    _each(hub_url, _chosen(ids, everything, given), "discarded", lambda queue, letter: queue.discard(letter))


def _chosen(ids: tuple[str, ...], everything: bool, given: dict[str, Any]) -> Filter:
    chosen = Filter(ids=ids, **given)
    if chosen.empty and not everything:
        raise click.UsageError("say which: IDs, --reason, --type, --older-than, or --all")
    return chosen


def _each(
    hub_url: str | None,
    chosen: Filter,
    done: str,
    act: Callable[[DeadLetterQueue, DeadLetterMessage], Awaitable[None]],
) -> None:
    async def work(queue: DeadLetterQueue) -> int:
        count = 0
        async for letter in _matching(queue, chosen):
            try:
                await act(queue, letter)
            except HubError as problem:
                click.echo(problem.message, err=True)
                continue
            click.echo(f"{done} {letter.id} {letter.envelope.type}: {letter.reason[:100]}")
            count += 1
        return count

    count = _with_queue(hub_url, work)
    click.echo(f"{count} {done}")
    if not count:
        raise SystemExit(1)


async def _matching(queue: DeadLetterQueue, chosen: Filter) -> AsyncIterator[DeadLetterMessage]:
    async for letter in queue:
        if chosen.takes(letter):
            yield letter


def _as_dict(letter: DeadLetterMessage) -> dict[str, Any]:
    return {
        "id": letter.id,
        "type": letter.envelope.type,
        "from": letter.origin,
        "routing_key": letter.routing_key,
        "time": datetime.fromtimestamp(letter.time, UTC).isoformat(timespec="seconds"),
        "reason": letter.reason,
        "source_service": letter.envelope.source_service,
        "correlation_id": letter.envelope.correlation_id,
        "payload": _payload(letter),
    }


def _payload(letter: DeadLetterMessage) -> Any:
    """JSON as it is; bytes as text if they are some, else in hexadecimal digits."""
    if letter.envelope.WhichOneof("content") == "payload":
        return json_format.MessageToDict(letter.envelope.payload)
    data = letter.envelope.payload_bytes
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return data.hex()
    return text if all(each.isprintable() or each.isspace() for each in text) else data.hex()


def _with_queue(hub_url: str | None, work: Callable[[DeadLetterQueue], Awaitable[T]]) -> T:
    from image_grpc.app import must_name_a_broker
    from image_grpc.hub.amqp import open_dead_letters

    settings = load(hub_url=hub_url)

    async def do() -> T:
        async with open_dead_letters(settings.hub_url) as queue:
            return await work(queue)

    try:
        must_name_a_broker(settings)
        return asyncio.run(do())
    except (InvalidSettings, HubError) as problem:
        raise click.ClickException(str(problem)) from problem
