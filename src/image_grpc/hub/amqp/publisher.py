"""Publishes messages with confirms."""

from __future__ import annotations

import asyncio

import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange
from aio_pika.exceptions import AMQPError, DeliveryError, PublishError

from image_grpc.hub.amqp.messages import Publication
from image_grpc.hub.port import Outcome

log = structlog.get_logger(__name__)


class Publisher:
    """Publishes on one channel of a connection."""

    def __init__(self, connection: AbstractConnection, channel: AbstractChannel) -> None:
        self._connection, self._channel = connection, channel
        self._exchanges: dict[str, AbstractExchange] = {}

    @classmethod
    async def open(cls, connection: AbstractConnection) -> Publisher:
        return cls(connection, await connection.channel(publisher_confirms=True, on_return_raises=True))

    async def publish(self, publication: Publication, *, timeout: float) -> Outcome:
        """Publish a message, and wait for its confirm."""
        try:
            async with asyncio.timeout(timeout):
                exchange = await self._exchange(publication.exchange)
                await exchange.publish(publication.message(), publication.routing_key, mandatory=publication.mandatory)
        except PublishError:
            return Outcome.RETURNED
        except DeliveryError:
            return Outcome.REFUSED
        except (TimeoutError, AMQPError, OSError, RuntimeError) as error:
            log.warning("publish outcome unknown", routing_key=publication.routing_key, error=repr(error))
            return Outcome.UNKNOWN
        return Outcome.CONFIRMED

    async def _exchange(self, name: str) -> AbstractExchange:
        await self._connection.ready()
        if not name:
            return self._channel.default_exchange
        if name not in self._exchanges:
            self._exchanges[name] = await self._channel.get_exchange(name, ensure=False)
        return self._exchanges[name]
