"""The dead letters, for whoever looks after them: seen without being used up, put back to where they came from, or
thrown away."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aio_pika.exceptions import AMQPError, DeliveryError, PublishError
from tabletop.hub.v1.envelope_pb2 import Envelope

from image_grpc.errors import HubError
from image_grpc.hub import envelope as envelopes
from image_grpc.hub import topology
from image_grpc.hub.amqp.hub import HANDSHAKE_SECONDS
from image_grpc.hub.amqp.messages import CONTENT_TYPE, ORIGIN, REASON, headers_to_pass_on, properties_of, routing_key_of

CONFIRM_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter:
    """A message that was given up on."""

    envelope: Envelope
    """As it was; what came as something else is in one of type `undecodable`."""
    reason: str
    origin: str
    """The queue that it was taken from, and goes back to."""
    routing_key: str
    """What it was published with at first."""
    time: float
    """When it was given up on, in seconds since the epoch."""
    message: AbstractIncomingMessage
    """As the broker has it."""

    @property
    def id(self) -> str:
        """What it is called here: the id of its envelope."""
        return self.envelope.id


class DeadLetters:
    """The queue of dead letters, for one look at it."""

    def __init__(self, channel: AbstractChannel) -> None:
        self._channel = channel

    async def __aiter__(self) -> AsyncIterator[DeadLetter]:
        """All of them, the oldest first. Each is held until the end of the look, when those that were neither put
        back nor thrown away are in their queue again, as they were."""
        queue = await self._channel.get_queue(topology.DEAD_QUEUE)
        # Not more than there are now: what is put back may come here again at once.
        for _ in range(queue.declaration_result.message_count or 0):
            if (message := await queue.get(fail=False)) is None:
                return
            yield _dead_letter(message)

    async def put_back(self, letter: DeadLetter) -> None:
        """Has it handled again: it goes back to its queue, and only then from here. A time-to-live that is over
        begins anew. Raises HubError if that queue does not take it."""
        body, content_type = _renewed(letter)
        headers = {
            name: value
            for name, value in headers_to_pass_on(letter.message).items()
            if name not in (REASON, ORIGIN, CONTENT_TYPE)
        }
        message = aio_pika.Message(
            body,
            headers=headers,
            content_type=content_type,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            correlation_id=letter.message.correlation_id,
            reply_to=letter.message.reply_to,
            message_id=letter.message.message_id,
            timestamp=int(time.time()),
            type=letter.message.type,
            app_id=letter.message.app_id,
        )
        try:
            await self._channel.default_exchange.publish(
                message, letter.origin, mandatory=True, timeout=CONFIRM_SECONDS
            )
        except (PublishError, DeliveryError, AMQPError, TimeoutError) as problem:
            raise HubError(f"{letter.id} was not put back to {letter.origin!r}: {problem!r}") from problem
        await letter.message.ack()

    async def throw_away(self, letter: DeadLetter) -> None:
        """Forgets it for good."""
        await letter.message.ack()


@asynccontextmanager
async def dead_letters(url: str) -> AsyncIterator[DeadLetters]:
    """A look at the dead letters of a broker. Two looks at once each see a part of them. Raises HubError."""
    try:
        connection = await aio_pika.connect(
            url, timeout=HANDSHAKE_SECONDS, client_properties={"connection_name": "image-grpc dead-letters"}
        )
    except (AMQPError, OSError) as problem:
        raise HubError(f"no connection to the Message Hub: {str(problem) or repr(problem)}") from problem
    async with connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        try:
            yield DeadLetters(channel)
        finally:
            # What is held goes back, and is there for the next look: with the channel it would go a little later.
            await (await channel.get_underlay_channel()).basic_nack(0, multiple=True, requeue=True)
            await channel.close()


def _dead_letter(message: AbstractIncomingMessage) -> DeadLetter:
    headers: Any = message.headers
    return DeadLetter(
        envelope=_envelope(message),
        reason=str(headers.get(REASON, "")),
        origin=str(headers.get(ORIGIN, "")),
        routing_key=routing_key_of(message),
        time=message.timestamp.timestamp() if message.timestamp else 0.0,
        message=message,
    )


def _envelope(message: AbstractIncomingMessage) -> Envelope:
    # Whatever else was put into the queue is shown too.
    properties = properties_of(message)
    body, content_type = envelopes.readable(message.body, message.content_type or "", properties)
    envelope = envelopes.decode(body, content_type, properties)
    if body is not message.body:  # it was wrapped just now, and shall be called the same at the next look
        envelope.id = properties.id or envelope.id
    return envelope


def _renewed(letter: DeadLetter) -> tuple[bytes, str]:
    """The body and its content type, as they are to be handled again."""
    message, envelope = letter.message, letter.envelope
    if envelope.type == topology.UNDECODABLE:
        return envelope.payload_bytes, str(message.headers.get(CONTENT_TYPE) or "")
    expires = envelopes.expires_at(envelope)
    if expires is None or expires > time.time():
        return message.body, message.content_type or ""
    renewed = Envelope()
    renewed.CopyFrom(envelope)
    renewed.timestamp.GetCurrentTime()
    return envelopes.encode(renewed)
