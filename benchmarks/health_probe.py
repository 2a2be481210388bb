"""Checks the health of a server ten times a second, in a process of its own, as the callers keep theirs busy.

python -m benchmarks.health_probe ADDRESS    until standard input ends; then it prints the milliseconds of each check
"""

from __future__ import annotations

import asyncio
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import uvloop
from grpc_health.v1 import health_pb2, health_pb2_grpc

PERIOD_SECONDS = 0.1


class HealthProbe:
    """A running probe."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._result: asyncio.Task[tuple[bytes, bytes]] | None = None

    def stop(self) -> None:
        """Make no more checks. May be called again."""
        if self._result is None:
            self._result = asyncio.create_task(self._process.communicate(b""))

    async def milliseconds(self) -> list[float]:
        """Stop, and return the durations of all checks."""
        self.stop()
        assert self._result is not None
        output, _ = await self._result
        return [float(line) for line in output.split()]


@asynccontextmanager
async def running(address: str) -> AsyncIterator[HealthProbe]:
    """Within the block, a process checks the health of a server until it is stopped."""
    command = (sys.executable, "-m", "benchmarks.health_probe", address)
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    try:
        assert process.stdout is not None
        await process.stdout.readline()
        yield HealthProbe(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def probe(address: str) -> None:
    """Check until standard input ends."""
    stopped = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    latencies = []
    async with grpc.aio.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        await stub.Check(health_pb2.HealthCheckRequest())
        print("checks", flush=True)
        while not stopped.done():
            started = time.perf_counter()
            await stub.Check(health_pb2.HealthCheckRequest())
            latencies.append((time.perf_counter() - started) * 1000)
            await asyncio.sleep(PERIOD_SECONDS)
    print(*latencies, sep="\n")


if __name__ == "__main__":
    uvloop.run(probe(sys.argv[1]))
