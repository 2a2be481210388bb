"""Runs the Dramatiq worker and measures how fast it makes pictures."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import dramatiq
import psycopg
from dramatiq.brokers.rabbitmq import RabbitmqBroker

from benchmarks import servers
from benchmarks.peers import ACTOR, COUNT, QUEUE, SCHEMA
from image_grpc_testkit.servers.postgresql import Cluster

PROCESSES, THREADS = 2, 32
"""One process per core. Threads wait for GetImg.AI; each has a connection to PostgreSQL, which accepts 100."""
POLL_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class Worker:
    """A running worker."""

    broker: RabbitmqBroker
    database: psycopg.Connection

    async def rate(self, count: int, side: int) -> float:
        """Request pictures at once and return how many were made per second, until the last row."""
        end = self._made() + count
        started = time.perf_counter()
        for _ in range(count):
            message: dramatiq.Message[None] = dramatiq.Message(
                queue_name=QUEUE, actor_name=ACTOR, args=(side,), kwargs={}, options={}
            )
            self.broker.enqueue(message)
        while self._made() < end:  # noqa: ASYNC110 (another process changes it)
            await asyncio.sleep(POLL_SECONDS)
        return count / (time.perf_counter() - started)

    def _made(self) -> int:
        row = self.database.execute(COUNT).fetchone()
        return int(row[0]) if row else 0


@asynccontextmanager
async def running(hub_url: str, cluster: Cluster, standin: str, folder: Path) -> AsyncIterator[Worker]:
    """Run the worker, and yield it when it makes pictures."""
    cluster.execute(SCHEMA)
    environment = {
        "PEER_HUB_URL": hub_url,
        "PEER_DATABASE": cluster.libpq_url,
        "PEER_GETIMG_URL": standin,
        "PEER_KEY": servers.STANDIN_KEY,
        "PEER_FOLDER": str(folder),
    }
    options = ("--processes", str(PROCESSES), "--threads", str(THREADS))
    command = (sys.executable, "-m", "dramatiq", "benchmarks.peers.dramatiq_worker", *options)
    with tempfile.TemporaryFile() as log:
        process = await asyncio.create_subprocess_exec(*command, env=os.environ | environment, stdout=log, stderr=log)
        broker = RabbitmqBroker(url=hub_url, middleware=[])
        broker.declare_queue(QUEUE)
        database = psycopg.connect(cluster.libpq_url, autocommit=True)
        worker = Worker(broker=broker, database=database)
        try:
            await asyncio.wait_for(worker.rate(1, 64), 60)
            yield worker
        finally:
            database.close()
            broker.close()
            process.terminate()
            await process.wait()
