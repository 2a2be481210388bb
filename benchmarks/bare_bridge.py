"""The floor of the bridge: a bare aio-pika consumer that makes one RPC for each JSON request.

python -m benchmarks.bare_bridge HUB_URL TARGET
"""

from __future__ import annotations

import asyncio
import json
import sys

import aio_pika
import grpc
import uvloop
from aio_pika.abc import AbstractIncomingMessage
from google.protobuf import json_format
from tabletop.image.v1.theme_service_pb2 import GetThemeRequest
from tabletop.image.v1.theme_service_pb2_grpc import ThemeServiceStub

QUEUE = "bare.bridge"


async def consume(hub_url: str, target: str) -> None:
    """Consume until the process is terminated."""
    async with await aio_pika.connect(hub_url) as connection, grpc.aio.insecure_channel(target) as server:
        themes = ThemeServiceStub(server)
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=200)
        queue = await channel.declare_queue(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})

        async def reply(message: AbstractIncomingMessage) -> None:
            request = json_format.ParseDict(json.loads(message.body)["payload"], GetThemeRequest())
            response = json_format.MessageToDict(
                await themes.GetTheme(request),
                preserving_proto_field_name=True,
                always_print_fields_with_no_presence=True,
            )
            body = json.dumps({"payload": response}).encode()
            assert message.reply_to is not None
            await channel.default_exchange.publish(
                aio_pika.Message(body, correlation_id=message.correlation_id), message.reply_to
            )
            await message.ack()

        await queue.consume(reply)
        print("consumes", flush=True)
        await asyncio.Future()


if __name__ == "__main__":
    uvloop.run(consume(*sys.argv[1:]))
