"""The floor of storage: a bare aio-pika consumer with one statement of psycopg per request, or none.

python -m benchmarks.bare_consumer HUB_URL DATABASE    the database is a URL of libpq

The header `operation` of a request says what to do: `insert` commits the body as a row and replies with it, `select`
replies with the row whose key is the body, and `fill` replies with as many bytes as the header `reply_bytes` says.
"""

from __future__ import annotations

import asyncio
import sys
import uuid

import aio_pika
import psycopg
import uvloop
from aio_pika.abc import AbstractIncomingMessage

SCHEMA = "CREATE TABLE IF NOT EXISTS bare (id uuid PRIMARY KEY, body bytea NOT NULL)"
INSERT = "INSERT INTO bare (id, body) VALUES (%b, %b)"
SELECT = "SELECT body FROM bare WHERE id = %b"


async def consume(hub_url: str, database: str) -> None:
    """Consume until the process is terminated."""
    connection = psycopg.connect(database, autocommit=True)
    connection.execute(SCHEMA)
    cursor = connection.cursor(binary=True)

    def reply_to(message: AbstractIncomingMessage) -> bytes:
        # Statements block the loop: the requests that are measured come one at a time.
        match message.headers["operation"]:
            case "insert":
                cursor.execute(INSERT, (uuid.UUID(message.correlation_id), message.body))
                return message.body
            case "select":
                row = cursor.execute(SELECT, (uuid.UUID(message.body.decode()),)).fetchone()
                return bytes(row[0]) if row else b""
            case _:
                size = message.headers["reply_bytes"]
                assert isinstance(size, int)
                return bytes(size)

    async with await aio_pika.connect(hub_url) as hub:
        channel = await hub.channel()
        await channel.set_qos(prefetch_count=64)
        queue = await channel.declare_queue("bare", auto_delete=True)

        async def handle(message: AbstractIncomingMessage) -> None:
            assert message.reply_to is not None
            reply = aio_pika.Message(reply_to(message), correlation_id=message.correlation_id)
            await channel.default_exchange.publish(reply, message.reply_to)
            await message.ack()

        await queue.consume(handle)
        print("consumes", flush=True)
        await asyncio.Future()


if __name__ == "__main__":
    uvloop.run(consume(*sys.argv[1:]))
