"""The floor of storage: a bare aio-pika consumer that replies with as many bytes as the request asks for.

python -m benchmarks.bare_consumer HUB_URL
"""

from __future__ import annotations

import asyncio
import sys

import aio_pika
import uvloop
from aio_pika.abc import AbstractIncomingMessage


async def consume(hub_url: str) -> None:
    """Consume until the process is terminated."""
    async with await aio_pika.connect(hub_url) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=64)
        queue = await channel.declare_queue("bare", auto_delete=True)

        async def reply(message: AbstractIncomingMessage) -> None:
            size = message.headers["reply_bytes"]
            assert isinstance(size, int)
            assert message.reply_to is not None
            await channel.default_exchange.publish(
                aio_pika.Message(bytes(size), correlation_id=message.correlation_id), message.reply_to
            )
            await message.ack()

        await queue.consume(reply)
        print("consumes", flush=True)
        await asyncio.Future()


if __name__ == "__main__":
    uvloop.run(consume(sys.argv[1]))
