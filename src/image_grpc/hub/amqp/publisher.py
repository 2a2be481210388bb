"""Publishes messages, with confirms unless they are replies."""

import asyncio
from typing import Self

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange
from aio_pika.exceptions import ChannelNotFoundEntity, DeliveryError, PublishError
from tabletop.hub.v1.envelope_pb2 import Envelope, OutboundMessage

from image_grpc.hub import Delivery, Outcome
from image_grpc.hub.amqp.connection import CALL_SECONDS, CONNECTION_ERRORS, bounded
from image_grpc.hub.amqp.messages import REQUEST_TOKEN, encoded, stamp

log = structlog.get_logger(__name__)


class Publisher:
    """Publishes on one channel of a connection.

    Without confirms, a message counts as confirmed once it is written: for replies, which nobody sends again.
    """

    def __init__(self, connection: AbstractConnection, channel: AbstractChannel) -> None:
        self._connection, self._channel = connection, channel
        self._exchanges: dict[str, AbstractExchange] = {}
        self._probing = asyncio.Lock()

    @classmethod
    @bounded(CALL_SECONDS)
    async def open(cls, connection: AbstractConnection, *, confirms: bool = True) -> Self:
        return cls(connection, await connection.channel(publisher_confirms=confirms, on_return_raises=confirms))

    async def publish(
        self, message: aio_pika.Message, *, exchange: str = "", routing_key: str, mandatory: bool = True, timeout: float
    ) -> Outcome:
        """Publish a message, and wait for its confirm if there are confirms."""
        stamp(message)
        try:
            async with asyncio.timeout(timeout):
                target = self._known(exchange) or await self._exchange(exchange)
                if target is None:
                    return Outcome.RETURNED
                await target.publish(message, routing_key, mandatory=mandatory)
        except PublishError:
            return Outcome.RETURNED
        except DeliveryError:
            return Outcome.REFUSED
        except (TimeoutError, *CONNECTION_ERRORS) as error:
            if not isinstance(error, TimeoutError):
                self._exchanges.pop(exchange, None)  # it may have been deleted
            log.warning("publish outcome unknown", routing_key=routing_key, error=repr(error))
            return Outcome.UNKNOWN
        return Outcome.CONFIRMED

    async def send(
        self, message: OutboundMessage, *, reply_to: str = "", correlation_id: str = "", token: str = "", timeout: float
    ) -> Outcome:
        """Publish an envelope; `correlation_id` overrides that of the envelope, and `token` identifies a request."""
        return await self.publish(
            encoded(message, reply_to=reply_to, correlation_id=correlation_id, token=token),
            exchange=message.exchange,
            routing_key=message.routing_key,
            mandatory=message.mandatory or bool(token),  # a request without a queue fails at once
            timeout=timeout,
        )

    async def reply(self, delivery: Delivery, envelope: Envelope, *, timeout: float) -> Outcome:
        """Reply to the sender of a request."""
        message = OutboundMessage(routing_key=delivery.reply_to, envelope=envelope)
        if REQUEST_TOKEN in delivery.headers:
            message.headers[REQUEST_TOKEN] = delivery.headers[REQUEST_TOKEN]
        return await self.send(message, correlation_id=delivery.reply_correlation_id, timeout=timeout)

    def _known(self, name: str) -> AbstractExchange | None:
        """Return an exchange that needs no waiting: most messages go to one that was found before."""
        if not self._connection.connected.is_set():
            return None
        return self._exchanges.get(name) if name else self._channel.default_exchange

    @bounded(CALL_SECONDS)
    async def _exchange(self, name: str) -> AbstractExchange | None:
        """Return an exchange, or None if it does not exist."""
        await self._connection.ready()
        if not name:
            return self._channel.default_exchange
        async with self._probing:
            if name not in self._exchanges:
                # Publishing to a missing exchange would close the channel, and with it the publishes of others.
                try:
                    async with aio_pika.Channel(self._connection) as probe:
                        await probe.get_exchange(name)
                except ChannelNotFoundEntity:
                    return None
                self._exchanges[name] = await self._channel.get_exchange(name, ensure=False)
            return self._exchanges[name]
