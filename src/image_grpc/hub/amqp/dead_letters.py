"""The dead letter queue for operators: lists its messages, replays them to their queues, and discards them."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage, AbstractQueue
from tabletop.hub.v1.envelope_pb2 import Envelope

from image_grpc.errors import HubError
from image_grpc.hub import Outcome, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.hub.amqp import messages
from image_grpc.hub.amqp.connection import CALL_SECONDS, attempt, bounded, connect, translated_errors
from image_grpc.hub.amqp.publisher import Publisher
from image_grpc.messages import clone

CONFIRM_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetterMessage:
    """A message in the dead letter queue."""

    envelope: Envelope
    """The original envelope; what was not an envelope is wrapped in one of type `undecodable`."""
    reason: str
    origin: str
    """The queue that the message was consumed from, and is replayed to."""
    routing_key: str
    """The routing key of the original publish."""
    time: float
    """When it was dead-lettered, in seconds since the epoch."""
    message: AbstractIncomingMessage


class DeadLetterQueue:
    """The messages in the dead letter queue. They are held, and returned unchanged when the channel closes."""

    def __init__(self, channel: AbstractChannel, publisher: Publisher) -> None:
        self._channel, self._publisher = channel, publisher

    async def __aiter__(self) -> AsyncIterator[DeadLetterMessage]:
        """Iterate over the messages, oldest first, up to the number at the start: a replayed one may come back."""
        queue = await self._queue()
        for _ in range(queue.declaration_result.message_count or 0):
            if (message := await queue.get(fail=False, timeout=CALL_SECONDS)) is None:
                return
            yield _dead_letter(message)

    @bounded(CALL_SECONDS)
    async def _queue(self) -> AbstractQueue:
        return await self._channel.get_queue(topology.DEAD_QUEUE)

    async def replay(self, letter: DeadLetterMessage) -> None:
        """Move a message to its original queue; an expired time-to-live starts again. Raises HubError if refused."""
        drop = (topology.REASON, topology.ORIGIN, messages.CONTENT_TYPE, messages.EXPIRES)
        message = messages.forwarded(letter.message, *_renewed(letter), {}, drop=drop)
        outcome = await self._publisher.publish(message, routing_key=letter.origin, timeout=CONFIRM_SECONDS)
        if outcome is not Outcome.CONFIRMED:
            raise HubError(f"{letter.envelope.id} was not replayed to {letter.origin!r}: {outcome.value}")
        await self.discard(letter)

    @bounded(CALL_SECONDS)
    async def discard(self, letter: DeadLetterMessage) -> None:
        """Remove a message permanently."""
        await letter.message.ack()


@asynccontextmanager
async def open_dead_letters(url: str) -> AsyncIterator[DeadLetterQueue]:
    """Open the dead letter queue of a broker. Two readers at the same time each see a part. Raises HubError."""
    with translated_errors():
        connection = await connect(url, "dead-letters")
    try:
        channel, publisher = await _open_channel(connection), await Publisher.open(connection)
        try:
            yield DeadLetterQueue(channel, publisher)
        finally:
            await attempt(_return_messages(channel))
    finally:
        await attempt(connection.close())


@bounded(CALL_SECONDS)
async def _open_channel(connection: AbstractConnection) -> AbstractChannel:
    return await connection.channel()


@bounded(CALL_SECONDS)
async def _return_messages(channel: AbstractChannel) -> None:
    # Closing the channel alone would requeue them a little later, too late for the next reader.
    await (await channel.get_underlay_channel()).basic_nack(0, multiple=True, requeue=True)
    await channel.close()


def _dead_letter(message: AbstractIncomingMessage) -> DeadLetterMessage:
    properties = messages.envelope_properties(message)
    body, content_type = envelopes.ensure_envelope(message.body, message.content_type or "", properties)
    envelope = envelopes.decode(body, content_type, properties)
    if body is not message.body:  # just wrapped: its random id would differ on the next listing
        envelope.id = properties.id or envelope.id
    return DeadLetterMessage(
        envelope=envelope,
        reason=str(message.headers.get(topology.REASON, "")),
        origin=str(message.headers.get(topology.ORIGIN, "")),
        routing_key=messages.routing_key(message),
        time=message.timestamp.timestamp() if message.timestamp else 0.0,
        message=message,
    )


def _renewed(letter: DeadLetterMessage) -> tuple[bytes, str]:
    """Return the body and content type for the replay."""
    message, envelope = letter.message, letter.envelope
    if envelope.type == topology.UNDECODABLE:
        return envelope.payload_bytes, str(message.headers.get(messages.CONTENT_TYPE) or "")
    expires_at = envelopes.expires_at(envelope)
    if expires_at is None or expires_at > time.time():
        return message.body, message.content_type or ""
    renewed = clone(envelope)
    renewed.timestamp.GetCurrentTime()
    return envelopes.encode(renewed)
