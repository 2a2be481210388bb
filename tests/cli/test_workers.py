"""`image-grpc serve --workers`: several processes behind one address."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from image_grpc.access.callers import create_key
from image_grpc_testkit.eventually import eventually
from image_grpc_testkit.servers.processes import free_port
from image_grpc_testkit.servers.rabbitmq import Node
from tests.bridge.plain import plain_client
from tests.cli.processes import run


@pytest.fixture(scope="module")
def hub_url(node: Node) -> str:
    return node.add_virtual_host()


@asynccontextmanager
async def two_workers(
    hub_url: str, listen: str, *options: str, **environment: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, list[str]]]:
    """Run two workers. Yields their parent process and the addresses on which servers have started to listen."""
    parent = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "image_grpc", "serve", "--workers", "2", "--listen", listen, *options),
        *(("--hub-url", hub_url) if hub_url else ()),
        env=os.environ
        | {"PYTHONUNBUFFERED": "1", "IMAGE_GRPC_DRAIN_SECONDS": "0"}
        | environment
        | {name: f"127.0.0.1:{free_port()}" for name in ("IMAGE_GRPC_HEALTH_LISTEN", "IMAGE_GRPC_ADMIN_LISTEN")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert parent.stdout is not None
    addresses: list[str] = []

    async def read(lines: asyncio.StreamReader) -> None:
        while line := (await lines.readline()).decode():
            if match := re.search(r"listens on (\S+),", line):
                addresses.append(match[1])

    reading = asyncio.create_task(read(parent.stdout))
    try:
        yield parent, addresses
    finally:
        for worker in children(parent.pid) if parent.returncode is None else []:
            os.kill(worker, signal.SIGKILL)
        if parent.returncode is None:
            parent.kill()
        await parent.wait()
        await reading
        parent._transport.close()  # type: ignore[attr-defined]


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    try:
        return "(zombie)" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


async def is_serving(address: str) -> bool:
    """Check the health on a new connection, which any worker may accept."""
    async with grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        try:
            response = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        except grpc.aio.AioRpcError:
            return False
        return bool(response.status == health_pb2.HealthCheckResponse.SERVING)


async def test_workers_share_a_port_and_killed_workers_are_restarted(hub_url: str) -> None:
    async with two_workers(hub_url, "127.0.0.1:0") as (parent, addresses):
        await eventually(lambda: len(addresses) == 2, "two servers listen")
        assert len(set(addresses)) == 1
        os.kill(children(parent.pid)[0], signal.SIGKILL)
        await eventually(lambda: len(addresses) == 3, "another server listens")
        assert len(set(addresses)) == 1
        assert await is_serving(addresses[0])
        parent.terminate()
        assert await parent.wait() == 0
        assert not await is_serving(addresses[0])


async def test_workers_end_with_their_parent_even_if_it_is_killed(hub_url: str) -> None:
    async with two_workers(hub_url, "127.0.0.1:0") as (parent, addresses):
        await eventually(lambda: len(addresses) == 2, "two servers listen")
        os.kill(children(parent.pid)[0], signal.SIGKILL)
        await eventually(lambda: len(addresses) == 3, "another server listens")
        await kill_and_wait_for_workers(parent)
        assert not await is_serving(addresses[0])


async def kill_and_wait_for_workers(parent: asyncio.subprocess.Process) -> None:
    """Kill the parent process alone, and wait until both of its workers have ended."""
    workers = children(parent.pid)
    assert len(workers) == 2
    try:
        parent.kill()  # not awaited: its output ends with that of the workers
        await eventually(lambda: not any(map(is_running, workers)), "the workers end")
    finally:
        for worker in filter(is_running, workers):
            os.kill(worker, signal.SIGKILL)


async def test_workers_that_are_starting_end_with_their_parent(hub_url: str) -> None:
    async with two_workers(hub_url, "127.0.0.1:0") as (parent, _):
        await eventually(lambda: len(children(parent.pid)) == 2, "two workers start")
        await kill_and_wait_for_workers(parent)


async def test_the_bridge_of_each_worker_reaches_its_server_with_keys_and_a_secret_file(
    hub_url: str, tmp_path: Path
) -> None:
    callers, secret = tmp_path / "callers.jsonl", tmp_path / "hub-url"
    create_key(callers, name="somebody", role="reader")
    secret.write_text(hub_url)
    files = {"IMAGE_GRPC_API_KEYS_FILE": str(callers), "IMAGE_GRPC_HUB_URL_FILE": str(secret)}
    async with two_workers("", "127.0.0.1:0", "--bridge", **files) as (_, addresses):
        await eventually(lambda: len(addresses) == 2, "two servers listen")
        async with plain_client(hub_url) as client:
            for _ in range(20):  # either bridge takes them
                reply = await client.request("StatusService.GetStatus", {})
                assert "error" not in reply["payload"], reply


async def test_a_port_in_use_is_rejected(hub_url: str) -> None:
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", free_port()) as other:
        taken = "{}:{}".format(*other.sockets[0].getsockname())
        code, _, error = await run("serve", "--workers", "2", "--hub-url", hub_url, "--listen", taken)
    assert code == 1
    assert f"cannot listen on {taken}" in error


async def test_a_worker_that_cannot_start_stops_all_and_reports_why(hub_url: str) -> None:
    code, _, error = await run("serve", "--workers", "2", "--hub-url", "amqp://127.0.0.1:1/", "--listen", "127.0.0.1:0")
    assert code == 1
    assert "no connection to the Message Hub" in error


async def test_the_in_memory_hub_is_rejected() -> None:
    code, _, error = await run("serve", "--workers", "2", "--hub-url", "memory:")
    assert code == 1
    assert "IMAGE_GRPC_HUB_URL" in error
