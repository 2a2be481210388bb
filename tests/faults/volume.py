"""Stores 100 pictures of 10 MB at once through RabbitMQ, and reads them back.

Prints times and memory. The exit code is 0 only if all bytes are equal and no process exceeds the memory limit.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path

from tabletop.image.v1.image_pb2 import Image

from image_grpc.hub.amqp import AmqpHub
from image_grpc.storage import ImageStorageClient
from image_grpc.telemetry import Telemetry
from image_grpc_testkit.collections import store_one
from image_grpc_testkit.servers.postgresql import postgresql
from image_grpc_testkit.servers.rabbitmq import rabbitmq
from tests.faults.platform import Program

PICTURES = 100
MEGABYTE = 1_000_000
PART_BYTES = 1024 * 1024
TIMEOUT_SECONDS = 10.0
"""The default of a server."""
MAX_MEGABYTES = 600.0
"""Limit of the resident memory of the caller and of the Storage Service."""
SAMPLE_SECONDS = 0.1


class Caller:
    """Stores and reads all pictures at once. They overlap in one buffer, so that the measured memory is that of the
    transfers."""

    def __init__(self, client: ImageStorageClient, count: int, size: int) -> None:
        self._client = client
        buffer = memoryview(os.urandom(size + count))
        self._pictures = [buffer[offset : offset + size] for offset in range(count)]
        self._digests: dict[int, str] = {}

    async def put_all(self) -> None:
        await asyncio.gather(*map(self._put, range(len(self._pictures))))

    async def read_all(self) -> None:
        await asyncio.gather(*map(self._read, range(len(self._pictures))))

    async def _put(self, number: int) -> None:
        picture = self._pictures[number]
        sha256 = self._digests[number] = await self._client.blobs.put(picture)
        image = Image(id=str(uuid.uuid4()))
        image.content.sha256, image.content.byte_size = sha256, len(picture)
        images = self._client.images
        await store_one(images, images.put_if_absent(image))

    async def _read(self, number: int) -> None:
        picture, sha256 = self._pictures[number], self._digests[number]
        for offset in range(0, len(picture), PART_BYTES):
            part = await self._client.blobs.read(sha256, offset, PART_BYTES)
            if part != picture[offset : offset + PART_BYTES]:
                raise AssertionError(f"picture {number} has other bytes at offset {offset}")


async def call(url: str, count: int, size: int) -> None:
    """Store and read the pictures, and print how long it took."""
    hub = AmqpHub(url)
    await hub.start()
    try:
        caller = Caller(ImageStorageClient(hub, Telemetry(), timeout=TIMEOUT_SECONDS), count, size)
        for name, step in (("stored", caller.put_all), ("read back", caller.read_all)):
            print(f"{count} x {size / MEGABYTE:g} MB {name} in {await _seconds(step):.1f} s", flush=True)
    finally:
        await hub.close()


async def _seconds(step: Callable[[], Awaitable[None]]) -> float:
    started = time.perf_counter()
    await step()
    return time.perf_counter() - started


async def run(folder: Path, count: int, size: int) -> bool:
    """Run the caller in a process of its own, and return whether it succeeded within the memory limit."""
    with rabbitmq() as broker, postgresql() as database:
        environment = {"IMAGE_GRPC_HUB_URL": broker.url}
        arguments = ["storage", "--database-url", database, "--blob-url", (folder / "blobs").as_uri()]
        storage = Program("storage", arguments, "(is ready)", folder, **environment)
        try:
            await storage.start()
            options = ("--count", str(count), "--bytes", str(size), "--caller", broker.url)
            caller = await asyncio.create_subprocess_exec(sys.executable, "-m", __spec__.name, *options)
            peaks: defaultdict[str, float] = defaultdict(float)
            while caller.returncode is None:
                sizes = {"caller": _megabytes(caller.pid), "storage": _megabytes(storage.pid)}
                for name, megabytes in (sizes | {"rabbitmq": _megabytes_of_session(broker.pid)}).items():
                    peaks[name] = max(peaks[name], megabytes)
                await asyncio.sleep(SAMPLE_SECONDS)
        finally:
            await storage.kill()
    print("peak resident memory: " + ", ".join(f"{name} {megabytes:.0f} MB" for name, megabytes in peaks.items()))
    return caller.returncode == 0 and max(peaks["caller"], peaks["storage"]) < MAX_MEGABYTES


def _megabytes(pid: int) -> float:
    """Return the resident memory of a process; 0 once it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return next((int(line.split()[1]) / 1000 for line in status.splitlines() if line.startswith("VmRSS:")), 0.0)


def _megabytes_of_session(leader: int) -> float:
    """Return the resident memory of all processes of a session."""
    pids = [int(each.name) for each in Path("/proc").iterdir() if each.name.isdecimal()]
    return sum(_megabytes(pid) for pid in pids if _session(pid) == leader)


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.volume", description=__doc__)
    parser.add_argument("--count", type=int, default=PICTURES)
    parser.add_argument("--bytes", type=int, default=10 * MEGABYTE)
    parser.add_argument("--caller", metavar="URL", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.caller:
        asyncio.run(call(options.caller, options.count, options.bytes))
        return
    with tempfile.TemporaryDirectory(prefix="image-grpc-volume-") as folder:
        sys.exit(0 if asyncio.run(run(Path(folder), options.count, options.bytes)) else 1)


if __name__ == "__main__":
    main()
