"""A platform of real processes that can be killed, paused and disconnected."""

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
from image_grpc.retry import LADDER
from image_grpc_testkit.eventually import eventually
from image_grpc_testkit.proxy import Proxy, proxy
from image_grpc_testkit.servers.postgresql import Cluster, postgresql_cluster, standby_of
from image_grpc_testkit.servers.processes import free_port
from image_grpc_testkit.servers.rabbitmq import Node, rabbitmq
from tests.service import MODEL

KEY = "key"
EVENT_QUEUE = "test.events"
"""A queue that keeps every `image_generated` event."""
START_SECONDS = 300.0


class Program:
    """An `image-grpc` command that can be started again after its process has ended."""

    def __init__(self, name: str, arguments: list[str], ready_pattern: str, folder: Path, **environment: str) -> None:
        self.name, self._arguments, self._ready_pattern, self._environment = name, arguments, ready_pattern, environment
        self._log = folder / f"{name}.log"
        self._process: asyncio.subprocess.Process | None = None
        self.address = ""
        """The group that `ready_pattern` has matched in the output."""

    @property
    def pid(self) -> int:
        """The id of the running process."""
        assert self._process is not None, "the program is running"
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._process is not None and self._process.returncode is None

    @property
    def log(self) -> str:
        """What the process has written to standard error."""
        return self._log.read_text(errors="replace")

    async def start(self) -> None:
        """Start the process, and return once it prints that it is ready. Raises AssertionError if it ends before."""
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
                if match := re.search(self._ready_pattern, line):
                    self.address = match[1]
                    return
        raise AssertionError(f"{self.name} ended before it was ready: {self._log.read_text()[-2000:]}")

    async def start_until_ready(self) -> None:
        """Start the process as a supervisor does: again if it ends before it is ready."""
        while True:
            try:
                return await self.start()
            except AssertionError:
                await asyncio.sleep(1)

    async def kill(self) -> None:
        """Kill the process, if it is running."""
        if self._process is None:
            return
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        self._process._transport.close()  # type: ignore[attr-defined]  # its pipes would outlive the event loop
        self._process = None

    async def terminate(self) -> int:
        """Send SIGTERM, and return the exit code once the process has ended."""
        self._signal(signal.SIGTERM)
        assert self._process is not None
        return await self._process.wait()

    def pause(self) -> None:
        """Stop the process with SIGSTOP, without ending it."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Continue a paused process."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """An `image-grpc serve` and its stubs. It keeps its address when it is restarted."""

    program: Program
    address: str
    channel: grpc.aio.Channel
    generations: Any
    images: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Platform:
    """Two servers, two replicas of the Storage Service, any number of bridges, and their dependencies."""

    broker: Node
    database: Cluster
    standby: Cluster
    standin: Program
    servers: list[Server]
    storages: list[Program]
    bridges: list[Program]
    hub_proxy: Proxy
    """Between all processes and the broker."""
    database_proxy: Proxy
    """Between the Storage Service and its database."""

    @property
    def programs(self) -> list[Program]:
        """All programs except the stand-in, which must not fail."""
        return [*(server.program for server in self.servers), *self.storages, *self.bridges]

    async def restart_broker(self) -> None:
        """Restart the broker with its data."""
        await asyncio.to_thread(self.broker.stop)
        await asyncio.to_thread(self.broker.start)

    async def stop_database(self, seconds: float) -> None:
        """Stop the database for some seconds, and start it with its data."""
        await asyncio.to_thread(self.database.stop)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(self.database.start)

    async def purge_jobs(self) -> None:
        """Delete the messages of all queues of the pipeline, as an operator does by mistake."""
        await purge_jobs(self.broker.url)

    async def switch_database(self) -> None:
        """Promote the standby. The old primary stays up, and is read only."""
        await asyncio.to_thread(self.database.execute, "ALTER SYSTEM SET default_transaction_read_only = on")
        await asyncio.to_thread(self.database.execute, "SELECT pg_reload_conf()")
        written = await asyncio.to_thread(self.database.query, "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")

        async def is_replayed() -> bool:
            replayed = "SELECT pg_last_wal_replay_lsn() - '0/0'::pg_lsn"
            return bool(await asyncio.to_thread(self.standby.query, replayed) >= written)

        await eventually(is_replayed, "the standby has everything that was committed")
        await asyncio.to_thread(self.standby.execute, "SELECT pg_promote()")
        self.database_proxy.server_port = self.standby.port

    async def raise_memory_alarm(self) -> None:
        """Let the broker block all publishers."""
        await asyncio.to_thread(self.broker.set_memory_limit, 0.00001)

    async def clear_memory_alarm(self) -> None:
        """Let the broker accept messages again."""
        await asyncio.to_thread(self.broker.set_memory_limit, 0.4)

    async def standin_report(self) -> dict[str, Any]:
        """Return the counters of the stand-in, as its control API reports them."""
        async with httpx.AsyncClient() as client:
            report: dict[str, Any] = (await client.get(f"{self.standin.address}/_standin")).json()
            return report

    @asynccontextmanager
    async def channel(self) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
        """Open a channel to the broker that bypasses the proxy."""
        async with await aio_pika.connect(self.broker.url) as connection:
            yield await connection.channel()


@asynccontextmanager
async def run_platform(
    folder: Path, *, latency: float, variety: int, getimg_timeout: float, bridges: int = 0, skew: str = ""
) -> AsyncIterator[Platform]:
    """Run a platform within the block, with its logs and blobs in the folder.

    `latency` and `variety` are those of the stand-in; `latency` and `getimg_timeout` are in seconds; `bridges` is the
    number of bridges, all for the first server; `skew` shifts the clock of one Storage Service by seconds.
    """
    async with AsyncExitStack() as stack:
        arguments = ["standin", "--listen", "127.0.0.1:0", "--latency", str(latency), "--variety", str(variety)]
        standin = Program("standin", [*arguments, "--api-key", KEY], r"at (http\S+),", folder)
        stack.push_async_callback(standin.kill)
        broker, database, _ = await asyncio.gather(
            asyncio.to_thread(stack.enter_context, rabbitmq()),
            asyncio.to_thread(stack.enter_context, postgresql_cluster()),
            standin.start(),
        )
        hub = await stack.enter_async_context(proxy(broker.port))
        database_proxy = await stack.enter_async_context(proxy(database.port))
        environment = {
            "IMAGE_GRPC_HUB_URL": _through(broker.url, broker.port, hub),
            "IMAGE_GRPC_GETIMG_BASE_URL": standin.address,
            "IMAGE_GRPC_GETIMG_TIMEOUT_SECONDS": str(getimg_timeout),
            "IMAGE_GRPC_MODEL_PORTRAIT": MODEL,
            "IMAGE_GRPC_SWEEP_INTERVAL_SECONDS": "3",
            "IMAGE_GRPC_SHUTDOWN_GRACE_SECONDS": "5",
            "IMAGE_GRPC_STALLED_AFTER_SECONDS": "20",
            "GETIMG_API_KEY": KEY,
        }
        url = _through(database.url, database.port, database_proxy)
        arguments = ["storage", "--database-url", url, "--blob-url", (folder / "blobs").as_uri()]
        storages = [
            Program("storage-1", arguments, "(is ready)", folder, **environment),
            Program("storage-2", arguments, "(is ready)", folder, **environment, **shifted_clock(skew)),
        ]
        servers = [await _server(stack, f"serve-{n}", folder, environment) for n in (1, 2)]
        target = ["bridge", "--target", servers[0].address]
        connectors = [Program(f"bridge-{n + 1}", target, "(connects)", folder, **environment) for n in range(bridges)]
        running = Platform(
            broker=broker,
            database=database,
            standby=await asyncio.to_thread(stack.enter_context, standby_of(database)),
            standin=standin,
            servers=servers,
            storages=storages,
            bridges=connectors,
            hub_proxy=hub,
            database_proxy=database_proxy,
        )
        for program in running.programs:
            stack.push_async_callback(program.kill)
        await asyncio.gather(*(program.start() for program in running.programs))
        await _declare_event_queue(running)
        yield running


async def _server(stack: AsyncExitStack, name: str, folder: Path, environment: dict[str, str]) -> Server:
    address = f"127.0.0.1:{free_port()}"
    arguments = ["serve", "--listen", address, "--data-dir", str(folder / name)]
    program = Program(name, arguments, r"listens on (\S+),", folder, **environment)
    options = [("grpc.max_reconnect_backoff_ms", 1000)]
    channel = await stack.enter_async_context(grpc.aio.insecure_channel(address, options=options))
    return Server(
        program=program,
        address=address,
        channel=channel,
        generations=GenerationServiceStub(channel),
        images=ImageServiceStub(channel),
    )


async def purge_jobs(url: str) -> None:
    """Delete the messages of all queues of the pipeline on a broker, and those on the retry ladder."""
    names = [*topology.GENERATE_QUEUES.values(), topology.STORE_QUEUE]
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        for name in (*names, *(f"image.retry.{step:g}" for step in LADDER.steps)):
            await (await channel.get_queue(name)).purge()


def shifted_clock(seconds: str) -> dict[str, str]:
    """Return an environment in which the clock is off by seconds such as `+7`; empty if it is right."""
    if not seconds:
        return {}
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    if library is None:
        raise FileNotFoundError("faketime is not installed; install Debian's package")
    return {"LD_PRELOAD": str(library), "FAKETIME": seconds, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def _through(url: str, port: int, proxy_: Proxy) -> str:
    return url.replace(f":{port}/", f":{proxy_.port}/")


async def _declare_event_queue(running: Platform) -> None:
    """Bind a queue that keeps the events until the test reads them."""
    async with running.channel() as channel:
        queue = await channel.declare_queue(EVENT_QUEUE, durable=True)
        await queue.bind(topology.EVENTS, topology.event_routing_key(topology.IMAGE_GENERATED))
