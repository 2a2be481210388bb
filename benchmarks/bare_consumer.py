"""The floor of storage: a bare aio-pika consumer that answers each request with as many bytes as it asks for."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import aio_pika
import uvloop


async def consume(url: str) -> None:
    """Consumes until it is terminated."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=64)
        queue = await channel.declare_queue("bare", auto_delete=True)

        async def answer(message: Any) -> None:
            body = bytes(message.headers["reply_bytes"])
            reply = aio_pika.Message(body, correlation_id=message.correlation_id)
            await channel.default_exchange.publish(reply, message.reply_to)
            await message.ack()

        await queue.consume(answer)
        print("consumes", flush=True)
        await asyncio.Future()


if __name__ == "__main__":
    uvloop.run(consume(sys.argv[1]))
