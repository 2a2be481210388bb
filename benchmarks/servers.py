"""The processes that are measured: the service, the stand-in, and the bare server that is the floor."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

STANDIN_KEY = "benchmark"


@dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    """A process that listens."""

    address: str
    pid: int

    def peak_megabytes(self) -> float:
        """The most memory that it has had resident."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found[1]) / 1000 if found else 0.0


@asynccontextmanager
async def service(data_dir: Path, standin_url: str, **settings: object) -> AsyncIterator[Process]:
    """An `image-grpc up`."""
    async with _listening("up", data_dir, standin_url, settings) as process:
        yield process


@asynccontextmanager
async def server(data_dir: Path, standin_url: str, **settings: object) -> AsyncIterator[Process]:
    """An `image-grpc serve`."""
    async with _listening("serve", data_dir, standin_url, settings) as process:
        yield process


@asynccontextmanager
async def _listening(
    command: str, data_dir: Path, standin_url: str, settings: dict[str, object]
) -> AsyncIterator[Process]:
    environment = {f"IMAGE_GRPC_{name.upper()}": str(value) for name, value in settings.items()}
    environment |= {"GETIMG_API_KEY": STANDIN_KEY, "IMAGE_GRPC_GETIMG_BASE_URL": standin_url}
    arguments = ("-m", "image_grpc", command, "--listen", "127.0.0.1:0", "--data-dir", str(data_dir))
    async with running(arguments, r"listens on (\S+),", environment) as process:
        yield process


@asynccontextmanager
async def standin(*options: str) -> AsyncIterator[Process]:
    """An `image-grpc standin`; its address is its URL."""
    arguments = ("-m", "image_grpc", "standin", "--listen", "127.0.0.1:0", "--api-key", STANDIN_KEY, *options)
    async with running(arguments, r"at (http\S+),", {}) as process:
        yield process


@asynccontextmanager
async def storage_service(settings: dict[str, str]) -> AsyncIterator[Process]:
    """An `image-grpc storage`."""
    environment = {f"IMAGE_GRPC_{name.upper()}": value for name, value in settings.items()}
    async with running(("-m", "image_grpc", "storage"), r"(answers)", environment) as process:
        yield process


@asynccontextmanager
async def bare(payload: Path) -> AsyncIterator[Process]:
    """A bare grpc.aio server, see `floor`."""
    async with running(("-m", "benchmarks.floor", str(payload)), r"listens on (\S+)", {}) as process:
        yield process


@asynccontextmanager
async def running(arguments: tuple[str, ...], says: str, environment: dict[str, str]) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        env=os.environ | {"PYTHONUNBUFFERED": "1"} | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        while line := (await process.stdout.readline()).decode():
            if found := re.search(says, line):
                yield Process(address=found[1], pid=process.pid)
                return
        raise RuntimeError(f"{arguments} ended before it listened")
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
