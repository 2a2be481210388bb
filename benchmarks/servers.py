"""Starts the measured processes: the service, the stand-in of GetImg.AI, and the bare servers of the floors."""

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
START_SECONDS, STOP_SECONDS = 60, 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    """A process that is ready."""

    address: str
    pid: int

    def peak_megabytes(self) -> float:
        """Return the peak resident memory."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        match = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(match[1]) / 1000 if match else 0.0


@asynccontextmanager
async def service(data_dir: Path, standin_url: str, **settings: object) -> AsyncIterator[Process]:
    """Run `image-grpc up`."""
    async with _image_service("up", data_dir, standin_url, settings) as process:
        yield process


@asynccontextmanager
async def server(data_dir: Path, standin_url: str, **settings: object) -> AsyncIterator[Process]:
    """Run `image-grpc serve`."""
    async with _image_service("serve", data_dir, standin_url, settings) as process:
        yield process


@asynccontextmanager
async def _image_service(
    command: str, data_dir: Path, standin_url: str, settings: dict[str, object]
) -> AsyncIterator[Process]:
    environment = {f"IMAGE_GRPC_{name.upper()}": str(value) for name, value in settings.items()}
    environment |= {"GETIMG_API_KEY": STANDIN_KEY, "IMAGE_GRPC_GETIMG_BASE_URL": standin_url}
    environment |= {"IMAGE_GRPC_DRAIN_SECONDS": "0"}  # no load balancer has to notice that it stops
    arguments = ("-m", "image_grpc", command, "--listen", "127.0.0.1:0", "--data-dir", str(data_dir))
    async with running(arguments, r"listens on (\S+),", environment) as process:
        yield process


@asynccontextmanager
async def standin(*options: str) -> AsyncIterator[Process]:
    """Run `image-grpc standin`; its address is a URL."""
    arguments = ("-m", "image_grpc", "standin", "--listen", "127.0.0.1:0", "--api-key", STANDIN_KEY, *options)
    async with running(arguments, r"at (http\S+),", {}) as process:
        yield process


@asynccontextmanager
async def storage_service(settings: dict[str, str]) -> AsyncIterator[Process]:
    """Run `image-grpc storage`; it has no address."""
    environment = {f"IMAGE_GRPC_{name.upper()}": value for name, value in settings.items()}
    async with running(("-m", "image_grpc", "storage"), "(is ready)", environment) as process:
        yield process


@asynccontextmanager
async def bare_server(folder: Path) -> AsyncIterator[Process]:
    """Run `bare_server`."""
    async with running(("-m", "benchmarks.bare_server", str(folder)), r"listens on (\S+)", {}) as process:
        yield process


@asynccontextmanager
async def running(arguments: tuple[str, ...], pattern: str, environment: dict[str, str]) -> AsyncIterator[Process]:
    """Run Python with these arguments. It is ready when it prints `pattern`, whose group is the address.

    Raises RuntimeError if it is not ready in time. A process that does not stop in time is killed.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        env=os.environ | {"PYTHONUNBUFFERED": "1"} | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield Process(address=await _address(process, pattern, arguments), pid=process.pid)
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _address(process: asyncio.subprocess.Process, pattern: str, arguments: tuple[str, ...]) -> str:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_SECONDS):
            while line := (await process.stdout.readline()).decode():
                if match := re.search(pattern, line):
                    return match[1]
    except TimeoutError:
        raise RuntimeError(f"{arguments} is not ready after {START_SECONDS} s") from None
    raise RuntimeError(f"{arguments} exited before it was ready")
