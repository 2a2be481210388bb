"""The transactional outbox: messages that become durable with the change they announce and are published later.

A message is published at least once. Each process publishes the messages of its own commits. Messages that a
process left behind are published by another one, or after a restart, once the claim on them has expired. A message
that cannot be published within a day becomes a dead letter.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterable, Sequence
from functools import partial

import structlog
from sqlalchemy import Connection, delete, insert, select, update
from tabletop.hub.v1.envelope_pb2 import OutboundMessage

from image_grpc.background import end_tasks
from image_grpc.hub import Hub, Outcome, topology
from image_grpc.storage_service.database import Database, microseconds
from image_grpc.storage_service.errors import Unavailable
from image_grpc.storage_service.schema import outbox

log = structlog.get_logger(__name__)

CLAIM_SECONDS = 10
PUBLISH_SECONDS = 5
POLL_SECONDS = 2
MAX_AGE_SECONDS = 86_400
"""Age at which a message that is still refused becomes a dead letter: long enough to repair its recipient."""
DELETE_SECONDS = 0.2
"""Interval at which published messages are deleted: one transaction for many of them."""
BATCH = 200
ORIGIN = "outbox"
"""Origin of its dead letters."""

Entry = tuple[int, OutboundMessage]
"""The sequence number of a row, and its message."""

_INSERT = insert(outbox).returning(outbox.c.sequence, sort_by_parameter_order=True)


def add(connection: Connection, messages: Sequence[OutboundMessage]) -> list[Entry]:
    """Add messages within a transaction and claim them. Return the entries to publish after the commit."""
    claim = {"claim_time": microseconds(CLAIM_SECONDS)}
    for message in messages:
        if not message.envelope.HasField("timestamp"):
            message.envelope.timestamp.GetCurrentTime()
    rows = [{**claim, "message": message.SerializeToString()} for message in messages]
    if not rows:
        return []
    return list(zip(connection.execute(_INSERT, rows).scalars(), messages, strict=True))


class Relay:
    """Publishes the messages in the outbox and deletes those that the hub has confirmed."""

    def __init__(self, database: Database, hub: Hub) -> None:
        self._database, self._hub = database, hub
        self._entries: asyncio.Queue[Entry] = asyncio.Queue()
        self._published: list[int] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start publishing."""
        if not self._hub.durable:
            # Such a hub has one process, so nobody else holds the claims.
            await self._database.write(lambda connection: connection.execute(update(outbox).values(claim_time=0)))
        loops = (self._publish_forever(), self._delete_forever(), self._poll_forever())
        self._tasks = [asyncio.create_task(loop, name="outbox") for loop in loops]

    def publish(self, entries: Iterable[Entry]) -> None:
        """Queue the entries of a committed transaction, in this order."""
        for entry in entries:
            self._entries.put_nowait(entry)

    async def stop(self, grace: float) -> None:
        """Publish the queued messages within `grace` seconds, then stop. The others are published later."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self._entries.join()
        await end_tasks(self._tasks)
        await self._delete_published()

    async def _publish_forever(self) -> None:
        while True:
            batch = [await self._entries.get()]
            while len(batch) < BATCH and not self._entries.empty():
                batch.append(self._entries.get_nowait())
            try:
                confirmed = await asyncio.gather(*(self._send(message) for _, message in batch))
                self._published += [entry[0] for entry, sent in zip(batch, confirmed, strict=True) if sent]
            except Exception:  # a bug must not end the relay
                log.exception("publishing failed, will be repeated", count=len(batch))
            finally:
                for _ in batch:
                    self._entries.task_done()

    async def _send(self, message: OutboundMessage) -> bool:
        try:
            outcome = await self._hub.publish(message, timeout=PUBLISH_SECONDS)
        except Exception:  # properties that cannot be encoded; the other messages of the batch are not affected
            log.exception("message not published", routing_key=message.routing_key)
            outcome = Outcome.REFUSED
        if outcome is Outcome.CONFIRMED:
            return True
        log.warning("message not published yet", routing_key=message.routing_key, outcome=outcome.value)
        refused = outcome in (Outcome.RETURNED, Outcome.REFUSED)  # otherwise the broker is down
        created = message.envelope.timestamp.seconds
        return refused and 0 < created < time.time() - MAX_AGE_SECONDS and await self._dead_letter(message, outcome)

    async def _dead_letter(self, message: OutboundMessage, outcome: Outcome) -> bool:
        dead = OutboundMessage(routing_key=topology.DEAD_QUEUE, envelope=message.envelope, mandatory=True)
        dead.envelope.ClearField("time_to_live")
        dead.headers[topology.REASON] = f"not published within a day: {outcome.value}"
        dead.headers[topology.ORIGIN] = ORIGIN
        dead.headers[topology.ROUTING_KEY] = message.routing_key
        return await self._hub.publish(dead, timeout=PUBLISH_SECONDS) is Outcome.CONFIRMED

    async def _delete_forever(self) -> None:
        while True:
            await asyncio.sleep(DELETE_SECONDS)
            await self._delete_published()

    async def _delete_published(self) -> None:
        published, self._published = self._published, []
        for start in range(0, len(published), BATCH):
            batch = published[start : start + BATCH]
            try:
                await self._database.write(partial(_delete, batch))
            except Unavailable:
                log.warning("outbox not updated, messages will be published again", count=len(batch))
            except Exception:  # a bug must not end the relay
                log.exception("outbox not updated, messages will be published again", count=len(batch))

    async def _poll_forever(self) -> None:
        while True:
            try:
                self.publish(await self._database.write(_claim_expired))
            except Unavailable as failure:
                log.warning("outbox not read", problem=str(failure))
            except Exception:  # a bug must not end the relay
                log.exception("outbox not read")
            await asyncio.sleep(POLL_SECONDS)


def _delete(published: list[int], connection: Connection) -> None:
    connection.execute(delete(outbox).where(outbox.c.sequence.in_(published)))


def _claim_expired(connection: Connection) -> list[Entry]:
    """Claim the messages whose claim has expired."""
    expired = select(outbox.c.sequence).where(outbox.c.claim_time < microseconds())
    expired = expired.order_by(outbox.c.claim_time, outbox.c.sequence)  # so that refused ones do not block others
    claim = (
        update(outbox)
        .where(outbox.c.sequence.in_(expired.limit(BATCH).with_for_update(skip_locked=True)))
        .values(claim_time=microseconds(CLAIM_SECONDS))
        .returning(outbox.c.sequence, outbox.c.message)
    )
    rows = sorted(connection.execute(claim).all())
    return [(row.sequence, OutboundMessage.FromString(row.message)) for row in rows]
