"""The floor of the bridge: a bare aio-pika consumer that makes one RPC for each JSON request, and nothing else.

python -m benchmarks.bare_bridge URL TARGET
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import aio_pika
import grpc
import uvloop
from google.protobuf import json_format
from tabletop.image.v1.theme_service_pb2 import GetThemeRequest
from tabletop.image.v1.theme_service_pb2_grpc import ThemeServiceStub

QUEUE = "bare.bridge"


async def consume(url: str, target: str) -> None:
    """Consumes until it is terminated."""
    async with await aio_pika.connect(url) as connection, grpc.aio.insecure_channel(target) as server:
        call: Any = ThemeServiceStub(server).GetTheme
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=200)
        queue = await channel.declare_queue(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})

        async def answer(message: Any) -> None:
            request = json_format.ParseDict(json.loads(message.body)["payload"], GetThemeRequest())
            response = json_format.MessageToDict(
                await call(request), preserving_proto_field_name=True, always_print_fields_with_no_presence=True
            )
            reply = aio_pika.Message(
                json.dumps({"payload": response}).encode(), correlation_id=message.correlation_id
            )
            await channel.default_exchange.publish(reply, message.reply_to)
            await message.ack()

        await queue.consume(answer)
        print("consumes", flush=True)
        await asyncio.Future()


if __name__ == "__main__":
    uvloop.run(consume(*sys.argv[1:]))
