"""A client that uses AMQP and JSON without the code of this project, as other services do."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aio_pika

from image_grpc_testkit.eventually import eventually

REPLY_SECONDS = 120
"""Longest time for an expected reply."""


class PlainClient:
    """Sends requests and publishes events."""

    def __init__(self, channel: Any, requests: Any, events: Any, replies: Any) -> None:
        self.channel, self._requests, self._events, self._replies = channel, requests, events, replies
        self._waiting: dict[str, asyncio.Future[Any]] = {}

    async def request(self, method: str, payload: object, **fields: Any) -> dict[str, Any]:
        """Return the body of the reply to a request. `fields` are set in the envelope."""
        return json.loads((await self.request_message(method, envelope(method, payload, **fields))).body)

    async def request_message(self, method: str, body: object, **properties: Any) -> Any:
        """Return the reply to a request with this body."""
        return await self.request_key(f"image.rpc.{method}", body, **properties)

    async def request_key(self, routing_key: str, body: object, **properties: Any) -> Any:
        """Return the reply to a request with this routing key and body."""
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
        await self._requests.publish(message, routing_key)
        async with asyncio.timeout(REPLY_SECONDS):
            return await reply

    async def send(self, method: str, body: object, **properties: Any) -> None:
        """Send a request without a reply address."""
        await self._publish(self._requests, f"image.rpc.{method}", body, properties)

    async def publish_event(self, routing_key: str, body: object, **properties: Any) -> None:
        """Publish an event."""
        await self._publish(self._events, routing_key, body, properties)

    async def _publish(self, exchange: Any, routing_key: str, body: object, properties: dict[str, Any]) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        message = aio_pika.Message(data, **{"content_type": "application/json", **properties})
        await exchange.publish(message, routing_key)

    async def depth(self, queue: str) -> int:
        """Return the number of messages in a queue. A busy broker may report fewer."""
        declared = await self.channel.declare_queue(queue, passive=True)
        return int(declared.declaration_result.message_count)

    async def wait_for_depth(self, queue: str, count: int) -> None:
        """Wait until a queue contains this number of messages."""

        async def reached() -> bool:
            return await self.depth(queue) == count

        await eventually(reached, f"{count} messages are in {queue}")

    async def wait_for_dead_letter(self, reason: str) -> None:
        """Wait for a dead letter whose reason contains this text. Removes all dead letters up to then."""
        dead = await self.channel.get_queue("image.dead")
        reasons: list[str] = []

        async def arrived() -> bool:
            while (message := await dead.get(no_ack=True, fail=False)) is not None:
                reasons.append(str(message.headers["reason"]))
            return any(reason in each for each in reasons)

        await eventually(arrived, f"a dead letter says {reason!r}")

    async def receive_reply(self, message: Any) -> None:
        reply = self._waiting[message.correlation_id]
        if not reply.done():  # the request may have timed out
            reply.set_result(message)


class EventLog:
    """The events received by `recording`."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    async def receive(self, message: Any) -> None:
        self.messages.append(message)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """All envelopes, in order of arrival."""
        return [json.loads(message.body) for message in self.messages]

    def messages_of(self, correlation_id: str) -> list[Any]:
        """Return the messages with this correlation id."""
        return [message for message in self.messages if json.loads(message.body)["correlation_id"] == correlation_id]

    def events_of(self, correlation_id: str) -> list[dict[str, Any]]:
        """Return the envelopes with this correlation id."""
        return [json.loads(message.body) for message in self.messages_of(correlation_id)]

    async def wait_for(self, correlation_id: str, count: int = 1) -> list[dict[str, Any]]:
        """Return the envelopes with this correlation id once there are at least `count`."""
        await eventually(lambda: len(self.events_of(correlation_id)) >= count, f"{count} events of {correlation_id}")
        return self.events_of(correlation_id)


@asynccontextmanager
async def plain_client(url: str) -> AsyncIterator[PlainClient]:
    """Connect a client."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        requests = await channel.declare_exchange("tabletop.requests", "topic", durable=True)
        events = await channel.declare_exchange("tabletop.events", "topic", durable=True)
        replies = await channel.declare_queue(exclusive=True)
        client = PlainClient(channel, requests, events, replies)
        await replies.consume(client.receive_reply, no_ack=True)
        yield client


@asynccontextmanager
async def recording(client: PlainClient, *routing_keys: str) -> AsyncIterator[EventLog]:
    """Record events with these routing keys within the block."""
    queue = await client.channel.declare_queue(exclusive=True)
    for key in routing_keys:
        await queue.bind("tabletop.events", key)
    log = EventLog()
    tag = await queue.consume(log.receive, no_ack=True)
    yield log
    await queue.cancel(tag)


def envelope(type_: str, payload: object, **fields: Any) -> dict[str, Any]:
    """Return the body of a message as other services write it."""
    return {
        "id": str(uuid.uuid4()),
        "correlation_id": str(uuid.uuid4()),
        "source_service": "campaign-service",
        "type": type_,
        "version": 1,
        "payload": payload,
        **fields,
    }
