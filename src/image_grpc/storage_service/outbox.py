"""The transactional outbox: messages that become durable with the change they tell of, and are published after.

A message is published at least once. A process publishes what it has committed; what a process left behind is
taken over by another, or by its next start, when the claim on it is over.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from functools import partial

import structlog
from sqlalchemy import Connection, bindparam, delete, insert, select, update
from tabletop.hub.v1.envelope_pb2 import OutboundMessage

from image_grpc.hub import Hub, Outcome
from image_grpc.storage_service.database import Database, Unavailable, microseconds
from image_grpc.storage_service.schema import outbox

log = structlog.get_logger(__name__)

CLAIM_SECONDS = 10
PUBLISH_SECONDS = 5
POLL_SECONDS = 2
FORGET_SECONDS = 0.2
"""Published messages are forgotten together, this often, rather than in a transaction each."""
BATCH = 200

Entry = tuple[int, OutboundMessage]

_INSERT = insert(outbox).returning(outbox.c.sequence, sort_by_parameter_order=True)
_FORGET = delete(outbox).where(outbox.c.sequence.in_(bindparam("published", expanding=True)))


def add(connection: Connection, messages: Sequence[OutboundMessage]) -> list[Entry]:
    """Within a transaction: keeps messages, claimed by whoever commits it. Answers what to `publish` then."""
    claim = {"claim_time": microseconds(CLAIM_SECONDS)}
    rows = [{**claim, "message": message.SerializeToString()} for message in messages]
    return list(zip(connection.execute(_INSERT, rows).scalars(), messages, strict=True))


class Relay:
    """Publishes the messages of the outbox and forgets those that the hub has confirmed."""

    def __init__(self, database: Database, hub: Hub) -> None:
        self._database, self._hub = database, hub
        self._entries: asyncio.Queue[Entry] = asyncio.Queue()
        self._published: list[int] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begins. With a hub that forgets, this is the only process: what is there was left behind by the last."""
        if not self._hub.durable:
            await self._database.write(lambda connection: connection.execute(update(outbox).values(claim_time=0)))
        self._tasks = [asyncio.create_task(each) for each in (self._publish(), self._forget(), self._poll())]

    def publish(self, entries: Iterable[Entry]) -> None:
        """Publishes what a transaction has kept, soon, in this order."""
        for entry in entries:
            self._entries.put_nowait(entry)

    async def stop(self, grace: float) -> None:
        """Publishes what is at hand within `grace` seconds; the rest is for the next to take over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self._entries.join()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._forget_published()

    async def _publish(self) -> None:
        while True:
            batch = [await self._entries.get()]
            while len(batch) < BATCH and not self._entries.empty():
                batch.append(self._entries.get_nowait())
            try:
                outcomes = await asyncio.gather(*(self._send(message) for _, message in batch))
                self._published += [entry[0] for entry, sent in zip(batch, outcomes, strict=True) if sent]
            except Exception:  # without the relay nothing would ever be told again
                log.exception("outbox not relayed; messages will be published again", count=len(batch))
            finally:
                for _ in batch:
                    self._entries.task_done()

    async def _send(self, message: OutboundMessage) -> bool:
        outcome = await self._hub.publish(message, timeout=PUBLISH_SECONDS)
        if outcome is not Outcome.CONFIRMED:
            log.warning("message not published yet", routing_key=message.routing_key, outcome=outcome.value)
        return outcome is Outcome.CONFIRMED

    async def _forget(self) -> None:
        while True:
            await asyncio.sleep(FORGET_SECONDS)
            await self._forget_published()

    async def _forget_published(self) -> None:
        published, self._published = self._published, []
        for at in range(0, len(published), BATCH):
            batch = published[at : at + BATCH]
            try:
                await self._database.write(partial(_forget, batch))
            except Unavailable:
                log.warning("outbox not updated; messages will be published again", count=len(batch))
            except Exception:
                log.exception("outbox not updated; messages will be published again", count=len(batch))

    async def _poll(self) -> None:
        while True:
            try:
                self.publish(await self._database.write(_take_over))
            except Unavailable as problem:
                log.warning("outbox not read", problem=str(problem))
            except Exception:
                log.exception("outbox not read")
            await asyncio.sleep(POLL_SECONDS)


def _forget(published: list[int], connection: Connection) -> None:
    connection.execute(_FORGET, {"published": published})


def _take_over(connection: Connection) -> list[Entry]:
    """Claims messages whose claim is over."""
    due = select(outbox.c.sequence).where(outbox.c.claim_time < microseconds()).order_by(outbox.c.sequence)
    claimed = (
        update(outbox)
        .where(outbox.c.sequence.in_(due.limit(BATCH).with_for_update(skip_locked=True)))
        .values(claim_time=microseconds(CLAIM_SECONDS))
        .returning(outbox.c.sequence, outbox.c.message)
    )
    rows = sorted(connection.execute(claimed).all())
    return [(row.sequence, OutboundMessage.FromString(row.message)) for row in rows]
