"""A platform of real processes, each of which can be killed, held, and cut off."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aio_pika
import grpc
import httpx
from tabletop.image.v1.generation_service_pb2_grpc import GenerationServiceStub
from tabletop.image.v1.image_service_pb2_grpc import ImageServiceStub

from image_grpc.hub import topology
from tests.faults.proxy import Proxy, proxy
from tests.servers import Cluster, Node, free_port, postgresql_cluster, rabbitmq
from tests.service import MODEL

KEY = "key"
LEDGER = "test.ledger"
"""Queue that keeps every `image_generated` event."""
START_SECONDS = 300.0


class Program:
    """One `image-grpc` process, and those that come after it in its place."""

    def __init__(self, name: str, arguments: list[str], ready: str, folder: Path, **environment: str) -> None:
        self.name, self._arguments, self._ready, self._environment = name, arguments, ready, environment
        self._log = folder / f"{name}.log"
        self._process: asyncio.subprocess.Process | None = None
        self.said = ""
        """What the pattern of readiness has found in its output."""

    @property
    def pid(self) -> int:
        """Of the process that runs."""
        assert self._process is not None, "it runs"
        return self._process.pid

    async def start(self) -> None:
        """Returns once it says that it is ready."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "image_grpc", *self._arguments),
                env=os.environ | {"PYTHONUNBUFFERED": "1"} | self._environment,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        assert self._process.stdout is not None
        async with asyncio.timeout(START_SECONDS):
            while line := (await self._process.stdout.readline()).decode():
                if found := re.search(self._ready, line):
                    self.said = found[1]
                    return
        raise AssertionError(f"{self.name} ended before it was ready: {self._log.read_text()[-2000:]}")

    async def start_for_good(self) -> None:
        """Starts it as a supervisor does: again, when it does not come up."""
        while True:
            try:
                return await self.start()
            except AssertionError:
                await asyncio.sleep(1)

    async def kill(self) -> None:
        """SIGKILL."""
        if self._process is None:
            return
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        self._process._transport.close()  # type: ignore[attr-defined]  # else its pipes outlive the loop, and warn
        self._process = None

    def hold(self) -> None:
        """SIGSTOP: it neither works nor ends."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """An `image-grpc serve`, and what callers have of it. Its address stays when it starts anew."""

    program: Program
    channel: grpc.aio.Channel
    generations: Any
    images: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Platform:
    """Two servers, two replicas of the Storage Service, and what they stand on."""

    broker: Node
    database: Cluster
    standin: Program
    servers: list[Server]
    storages: list[Program]
    hub: Proxy
    """Between all processes and the broker."""
    sql: Proxy
    """Between the Storage Service and its database."""

    @property
    def programs(self) -> list[Program]:
        """All but the stand-in, which is no part of what must not fail."""
        return [*(server.program for server in self.servers), *self.storages]

    async def restart_broker(self) -> None:
        """Stops it, and starts it on the same data."""
        await asyncio.to_thread(self.broker.stop)
        await asyncio.to_thread(self.broker.start)

    async def stop_database(self, seconds: float) -> None:
        """Away for so long, and back with the same data."""
        await asyncio.to_thread(self.database.stop)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(self.database.start)

    async def memory_alarm(self) -> None:
        """The broker takes nothing from publishers any more."""
        await asyncio.to_thread(self.broker.control, "set_vm_memory_high_watermark", "0.00001")

    async def clear_alarm(self) -> None:
        """It takes from them again."""
        await asyncio.to_thread(self.broker.control, "set_vm_memory_high_watermark", "0.4")

    async def standin_report(self) -> dict[str, Any]:
        """The stand-in's counters."""
        async with httpx.AsyncClient() as client:
            report: dict[str, Any] = (await client.get(f"{self.standin.said}/_standin")).json()
            return report

    @asynccontextmanager
    async def channel(self) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
        """A channel to the broker itself, past the proxy."""
        async with await aio_pika.connect(self.broker.url) as connection:
            yield await connection.channel()


@asynccontextmanager
async def platform(folder: Path, *, latency: float, variety: int, getimg_timeout: float) -> AsyncIterator[Platform]:
    """All of it, started. Logs are in the folder."""
    async with AsyncExitStack() as stack:
        drawing = ["standin", "--listen", "127.0.0.1:0", "--latency", str(latency), "--variety", str(variety)]
        standin = Program("standin", [*drawing, "--api-key", KEY], r"at (http\S+),", folder)
        stack.push_async_callback(standin.kill)
        broker, database, _ = await asyncio.gather(
            asyncio.to_thread(stack.enter_context, rabbitmq()),
            asyncio.to_thread(stack.enter_context, postgresql_cluster()),
            standin.start(),
        )
        hub = await stack.enter_async_context(proxy(broker.port))
        sql = await stack.enter_async_context(proxy(database.port))
        environment = {
            "IMAGE_GRPC_HUB_URL": _through(broker.url, broker.port, hub),
            "IMAGE_GRPC_GETIMG_BASE_URL": standin.said,
            "IMAGE_GRPC_GETIMG_TIMEOUT_SECONDS": str(getimg_timeout),
            "IMAGE_GRPC_MODEL_PORTRAIT": MODEL,
            "IMAGE_GRPC_SWEEP_INTERVAL_SECONDS": "3",
            "GETIMG_API_KEY": KEY,
        }
        url = _through(database.url, database.port, sql)
        keeping = ["storage", "--database-url", url, "--blob-url", (folder / "blobs").as_uri()]
        storages = [Program(f"storage-{n}", keeping, "(answers)", folder, **environment) for n in (1, 2)]
        servers = [await _server(stack, f"serve-{n}", folder, environment) for n in (1, 2)]
        made = Platform(
            broker=broker, database=database, standin=standin, servers=servers, storages=storages, hub=hub, sql=sql
        )
        for program in made.programs:
            stack.push_async_callback(program.kill)
        await asyncio.gather(*(program.start() for program in made.programs))
        await _keep_events(made)
        yield made


async def _server(stack: AsyncExitStack, name: str, folder: Path, environment: dict[str, str]) -> Server:
    address = f"127.0.0.1:{free_port()}"
    arguments = ["serve", "--listen", address, "--data-dir", str(folder / name)]
    program = Program(name, arguments, r"listens on (\S+),", folder, **environment)
    options = [("grpc.max_reconnect_backoff_ms", 1000)]
    channel = await stack.enter_async_context(grpc.aio.insecure_channel(address, options=options))
    return Server(
        program=program, channel=channel, generations=GenerationServiceStub(channel), images=ImageServiceStub(channel)
    )


def _through(url: str, port: int, way: Proxy) -> str:
    return url.replace(f":{port}/", f":{way.port}/")


async def _keep_events(made: Platform) -> None:
    """A queue of the test's own: what is published is there at the end, whoever listens meanwhile."""
    async with made.channel() as channel:
        queue = await channel.declare_queue(LEDGER, durable=True)
        await queue.bind(topology.EVENTS, topology.event_routing_key(topology.IMAGE_GENERATED))
