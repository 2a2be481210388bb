"""Requests and replies."""

import asyncio
import time
import uuid

from tabletop.hub.v1.envelope_pb2 import Envelope, OutboundMessage

from image_grpc.hub.amqp.exclusive_queues import ExclusiveQueues
from image_grpc.hub.amqp.messages import REQUEST_TOKEN, publication, reply_publication
from image_grpc.hub.amqp.publisher import Publisher
from image_grpc.hub.port import Delivery, Outcome, RequestTimeout, RequestUnroutable
from image_grpc.messages import clone


class Requester:
    """Sends requests and waits for their replies on the reply queue; replies to the requests of others."""

    def __init__(self, publisher: Publisher, queues: ExclusiveQueues) -> None:
        self._publisher, self._queues = publisher, queues

    async def request(self, message: OutboundMessage, *, timeout: float) -> Envelope:
        deadline = time.monotonic() + timeout
        token = str(uuid.uuid4())
        request = clone(message)
        request.mandatory = True  # so that a request without a queue fails at once
        request.headers[REQUEST_TOKEN] = token
        try:
            with self._queues.replies.expect(token) as reply:
                outcome = await self._publisher.publish(
                    publication(request, reply_to=self._queues.reply_queue), timeout=timeout
                )
                if outcome is Outcome.RETURNED:
                    raise RequestUnroutable(f"{message.routing_key}: no queue is bound for such requests")
                async with asyncio.timeout(deadline - time.monotonic()):
                    return await reply
        except TimeoutError as expired:
            raise RequestTimeout(f"{message.routing_key}: no reply within {timeout:.1f} s") from expired

    async def reply(self, delivery: Delivery, envelope: Envelope, *, timeout: float) -> None:
        reply = reply_publication(
            envelope, reply_to=delivery.reply_to, headers=delivery.headers, correlation_id=delivery.reply_correlation_id
        )
        await self._publisher.publish(reply, timeout=timeout)
