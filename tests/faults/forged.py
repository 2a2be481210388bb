"""Publish forged messages to every exchange and queue while well-behaved callers go on.

The exit code is 1 if a call or a request of theirs failed, a process ended, the Storage Service did not answer soon
after the last message, a queue other than that of the dead letters did not become empty, or a command for dead letters
raised an exception.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aio_pika
from aio_pika.exceptions import AMQPError
from tabletop.hub.v1.envelope_pb2 import OutboundMessage
from tabletop.storage.v1.storage_pb2 import RecordKeys, RetrieveRequest

from image_grpc.errors import HubError
from image_grpc.hub import envelope as envelopes
from image_grpc.hub import topology
from image_grpc.hub.amqp import AmqpHub
from tests.bridge.plain import plain_client
from tests.cli.processes import run as command
from tests.faults.forged_callers import CALL_SECONDS, Caller
from tests.faults.forged_messages import ForgedMessage, Forger
from tests.faults.platform import EVENT_QUEUE, Platform, Program, run_platform

MESSAGES = 10_500
HUB_REQUESTS = 50
PUBLISHERS = 8
RETRIEVE_SECONDS = 2.0
DRAIN_SECONDS = 60.0
KEEPERS = (topology.DEAD_QUEUE, EVENT_QUEUE)
"""Queues that keep their messages."""


@dataclass(kw_only=True, slots=True)
class Report:
    """The outcome of a run."""

    published: int = 0
    refused: int = 0
    """Messages that the broker refused, closing the channel of their publisher."""
    publish_seconds: float = 0.0
    completed: Counter[str] = field(default_factory=Counter)
    """Calls and requests of the well-behaved caller that succeeded, by method."""
    failed: list[str] = field(default_factory=list)
    """Those that did not."""
    slowest: float = 0.0
    """Longest duration of one of them, in seconds."""
    retrieve_seconds: float = 0.0
    drain_seconds: float = 0.0
    undrained: dict[str, int] = field(default_factory=dict)
    """Number of messages by queue that are left."""
    dead_letters: int = 0
    broken_commands: list[str] = field(default_factory=list)
    """Commands for dead letters that raised an exception, with its last line."""
    ended: list[str] = field(default_factory=list)
    """Processes that ended."""
    logged_errors: Counter[str] = field(default_factory=Counter)

    @property
    def passed(self) -> bool:
        """Whether nothing unexpected happened."""
        late = self.retrieve_seconds > RETRIEVE_SECONDS
        return not (self.failed or self.ended or self.undrained or self.broken_commands or late)

    def summary(self) -> str:
        """Return the report as text."""
        completed = ", ".join(f"{name} {count}" for name, count in self.completed.items())
        lines = [
            f"{self.published} forged messages in {self.publish_seconds:.0f} s; the broker refused {self.refused}",
            f"completed: {completed}; slowest {self.slowest:.1f} s",
            f"failed {len(self.failed)}",
            *(f"  {each}" for each in self.failed[:20]),
            f"the Storage Service answered after {self.retrieve_seconds:.2f} s",
            f"queues were empty after {self.drain_seconds:.0f} s, with {self.dead_letters} dead letters",
            *(f"  left in {queue}: {count}" for queue, count in self.undrained.items()),
            *(f"broken command: {each}" for each in self.broken_commands),
            f"ended processes: {', '.join(self.ended) or 'none'}",
            *(f"logged {count} times: {event}" for event, count in self.logged_errors.most_common()),
        ]
        return "\n".join(lines)


async def publish(url: str, forged: Sequence[ForgedMessage], report: Report) -> None:
    """Publish messages to a broker, each once."""
    remaining, started = iter(forged), time.monotonic()
    async with await aio_pika.connect(url) as connection:

        async def publish_next() -> None:
            channel = await connection.channel()
            for each in remaining:
                try:
                    exchange = channel.default_exchange
                    if each.exchange:
                        exchange = await channel.get_exchange(each.exchange, ensure=False)
                    await exchange.publish(each.message, each.routing_key, mandatory=False)
                except (AMQPError, RuntimeError, ValueError, TypeError):
                    report.refused += 1
                    channel = await connection.channel()
                report.published += 1

        await asyncio.gather(*(publish_next() for _ in range(PUBLISHERS)))
    report.publish_seconds += time.monotonic() - started


async def retrieve(hub: AmqpHub) -> float:
    """Return how long the Storage Service takes to answer a request, in seconds."""
    id_ = str(uuid.uuid4())
    request = RetrieveRequest(storage_correlation_id=id_, records=RecordKeys())
    envelope = envelopes.protobuf_envelope(topology.RETRIEVE, request, correlation_id=id_)
    message = OutboundMessage(exchange=topology.REQUESTS, routing_key=topology.RETRIEVE, envelope=envelope)
    started = time.monotonic()
    with contextlib.suppress(HubError):  # it has taken too long then
        reply = await hub.request(message, timeout=CALL_SECONDS)
        assert reply.type == f"{topology.RETRIEVE}.reply", reply
    return time.monotonic() - started


async def drain(running: Platform, report: Report) -> None:
    """Wait until all queues are empty except those that keep their messages."""
    started = time.monotonic()
    while True:
        lengths = await asyncio.to_thread(running.broker.queue_lengths)
        report.undrained = {name: count for name, count in lengths.items() if count and name not in KEEPERS}
        report.drain_seconds = time.monotonic() - started
        report.dead_letters = lengths[topology.DEAD_QUEUE]
        if not report.undrained or report.drain_seconds > DRAIN_SECONDS:
            return
        await asyncio.sleep(1)


async def handle_dead_letters(running: Platform, report: Report) -> None:
    """Use the commands with which an operator handles the dead letters."""
    for arguments in (["list"], ["replay", "--all"], ["discard", "--all"]):
        _, _, error = await command("dead-letters", *arguments, IMAGE_GRPC_HUB_URL=running.broker.url)
        if "Traceback" in error:
            report.broken_commands.append(f"{' '.join(arguments)}: {error.strip().splitlines()[-1]}")


async def run(folder: Path, count: int, seed: int) -> Report:
    """Publish `count` forged messages and return what happened."""
    report = Report()
    async with run_platform(folder, latency=0.1, variety=1, getimg_timeout=60, bridges=1) as running:
        hub = AmqpHub(running.broker.url)
        await hub.start()
        async with plain_client(running.broker.url) as client:
            caller = Caller(running, client)
            await caller.prepare()
            lengths = await asyncio.to_thread(running.broker.queue_lengths)
            queues = [name for name in sorted(lengths) if name.startswith("image.") and ".retry." not in name]
            forger = Forger(random.Random(seed), queues)
            forged = [forger.create() for _ in range(count)]
            calling = asyncio.create_task(caller.call_until_cancelled())
            async with asyncio.TaskGroup() as requests:
                for number in range(HUB_REQUESTS):
                    requests.create_task(caller.request(number))
                    share = slice(count * number // HUB_REQUESTS, count * (number + 1) // HUB_REQUESTS)
                    await publish(running.broker.url, forged[share], report)
                report.retrieve_seconds = await retrieve(hub)
            calling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await calling
            await caller.wait_for_portraits()
            await drain(running, report)
            await handle_dead_letters(running, report)
            report.completed, report.failed, report.slowest = caller.completed, caller.failed, caller.slowest
        await hub.close()
        report.ended = [program.name for program in running.programs if not program.is_running]
        for program in running.programs:
            report.logged_errors += logged_errors(program)
    return report


def logged_errors(program: Program) -> Counter[str]:
    """Count the errors in the log of a process by event and by the last line of the traceback."""
    counts: Counter[str] = Counter()
    for line in filter(None, program.log.split("\n")):  # texts in it may contain other line separators
        if not line.startswith("{"):
            counts[f"{program.name}: {line[:100]}"] += 1
        elif (entry := json.loads(line))["level"] in ("error", "critical"):
            counts[f"{program.name}: {entry['event']}: {entry.get('exception', '').splitlines()[-1:]}"] += 1
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.forged", description=__doc__)
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="folder that keeps the logs and blobs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="image-grpc-forged-") as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        report = asyncio.run(run(folder, options.messages, options.seed))
    print(report.summary())
    sys.exit(0 if report.passed else 1)


if __name__ == "__main__":
    main()
