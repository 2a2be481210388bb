"""The caller of the floor of storage: requests to `bare_consumer`, and their replies."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from benchmarks import servers


class BareRequester:
    """Sends requests to a `bare_consumer`."""

    def __init__(self, channel: AbstractChannel, reply_to: str, consumer_pid: int) -> None:
        self._channel, self._reply_to = channel, reply_to
        self.consumer_pid = consumer_pid
        self._pending: dict[str | None, asyncio.Future[bytes]] = {}

    async def handle_reply(self, message: AbstractIncomingMessage) -> None:
        """Finish the request that the message replies to."""
        self._pending[message.correlation_id].set_result(message.body)

    async def insert(self, body: bytes) -> str:
        """Commit a row with these bytes and return its key, after a reply with the same bytes."""
        id_ = str(uuid.uuid4())
        await self._request(id_, body, {"operation": "insert"})
        return id_

    async def select(self, id_: str) -> bytes:
        """Return the bytes of a row."""
        return await self._request(str(uuid.uuid4()), id_.encode(), {"operation": "select"})

    async def exchange(self, body: bytes, reply_bytes: int) -> bytes:
        """Send bytes and return a reply of this size, without the database."""
        return await self._request(str(uuid.uuid4()), body, {"operation": "fill", "reply_bytes": reply_bytes})

    async def _request(self, id_: str, body: bytes, headers: dict[str, str | int]) -> bytes:
        reply: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._pending[id_] = reply
        message = aio_pika.Message(body, correlation_id=id_, reply_to=self._reply_to, headers={**headers})
        await self._channel.default_exchange.publish(message, "bare")
        try:
            return await reply
        finally:
            del self._pending[id_]


@asynccontextmanager
async def bare_requester(hub_url: str, database: str) -> AsyncIterator[BareRequester]:
    """A requester in this process, and the consumer in another."""
    arguments = ("-m", "benchmarks.bare_consumer", hub_url, database)
    async with servers.running(arguments, r"(consumes)", {}) as consumer, await aio_pika.connect(hub_url) as connection:
        channel = await connection.channel()
        replies = await channel.declare_queue(exclusive=True)
        requester = BareRequester(channel, replies.name, consumer.pid)
        await replies.consume(requester.handle_reply, no_ack=True)
        yield requester
