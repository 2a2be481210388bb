"""A service of the platform that knows AMQP and JSON, and nothing of this project's code."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aio_pika

from tests.contracts.patience import eventually

ANSWER_SECONDS = 120
"""Longest wait for an answer that is expected to come."""


class PlainClient:
    """Publishes, asks, and hears events."""

    def __init__(self, channel: Any, requests: Any, events: Any, replies: Any) -> None:
        self.channel, self._requests, self._events, self._replies = channel, requests, events, replies
        self._waiting: dict[str, asyncio.Future[Any]] = {}

    async def ask(self, method: str, payload: object, **fields: Any) -> dict[str, Any]:
        """The body of the reply to a request. `fields` are of the envelope."""
        return json.loads((await self.ask_for_message(method, envelope(method, payload, **fields))).body)

    async def ask_for_message(self, method: str, body: object, **properties: Any) -> Any:
        """The reply to a request with this body."""
        token = f"call-{uuid.uuid4()}"
        reply = self._waiting[token] = asyncio.get_running_loop().create_future()
        message = aio_pika.Message(
            body if isinstance(body, bytes) else json.dumps(body).encode(),
            **{
                "content_type": "application/json",
                "correlation_id": token,
                "reply_to": self._replies.name,
                **properties,
            },
        )
        await self._requests.publish(message, f"image.rpc.{method}")
        async with asyncio.timeout(ANSWER_SECONDS):
            return await reply

    async def send(self, method: str, body: object, **properties: Any) -> None:
        """Sends a request without awaiting a reply."""
        await self._publish(self._requests, f"image.rpc.{method}", body, properties)

    async def tell(self, routing_key: str, body: object, **properties: Any) -> None:
        """Publishes an event."""
        await self._publish(self._events, routing_key, body, properties)

    async def _publish(self, exchange: Any, routing_key: str, body: object, properties: dict[str, Any]) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        message = aio_pika.Message(data, **{"content_type": "application/json", **properties})
        await exchange.publish(message, routing_key)

    async def depth(self, queue: str) -> int:
        """How many messages wait in a queue, as the broker tells it: a busy one may tell fewer."""
        declared = await self.channel.declare_queue(queue, passive=True)
        return int(declared.declaration_result.message_count)

    async def holds(self, queue: str, count: int) -> None:
        """Returns once so many messages wait in a queue."""

        async def there() -> bool:
            return await self.depth(queue) == count

        await eventually(there, f"{count} messages wait in {queue}")

    async def take_reply(self, message: Any) -> None:
        reply = self._waiting[message.correlation_id]
        if not reply.done():  # whoever asked may have given up
            reply.set_result(message)


class Ear:
    """What was heard of some events."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    async def take(self, message: Any) -> None:
        self.messages.append(message)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The envelopes, in the order they came."""
        return [json.loads(message.body) for message in self.messages]

    def messages_about(self, correlation_id: str) -> list[Any]:
        """Those of one cause, as they came."""
        return [message for message in self.messages if json.loads(message.body)["correlation_id"] == correlation_id]

    def about(self, correlation_id: str) -> list[dict[str, Any]]:
        """The envelopes of those of one cause."""
        return [json.loads(message.body) for message in self.messages_about(correlation_id)]

    async def hears(self, correlation_id: str, count: int = 1) -> list[dict[str, Any]]:
        """Those of one cause, once there are so many."""
        await eventually(lambda: len(self.about(correlation_id)) >= count, f"{count} events of {correlation_id}")
        return self.about(correlation_id)


@asynccontextmanager
async def plain_client(url: str) -> AsyncIterator[PlainClient]:
    """A client that is connected."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        requests = await channel.declare_exchange("tabletop.requests", "topic", durable=True)
        events = await channel.declare_exchange("tabletop.events", "topic", durable=True)
        replies = await channel.declare_queue(exclusive=True)
        client = PlainClient(channel, requests, events, replies)
        await replies.consume(client.take_reply, no_ack=True)
        yield client


@asynccontextmanager
async def hearing(client: PlainClient, *routing_keys: str) -> AsyncIterator[Ear]:
    """Hears events with these routing keys from now on."""
    queue = await client.channel.declare_queue(exclusive=True)
    for key in routing_keys:
        await queue.bind("tabletop.events", key)
    ear = Ear()
    tag = await queue.consume(ear.take, no_ack=True)
    yield ear
    await queue.cancel(tag)


def envelope(type_: str, payload: object, **fields: Any) -> dict[str, Any]:
    """The body of a message as other services write it."""
    return {
        "id": str(uuid.uuid4()),
        "correlation_id": str(uuid.uuid4()),
        "source_service": "campaign-service",
        "type": type_,
        "version": 1,
        "payload": payload,
        **fields,
    }
