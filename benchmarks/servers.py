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
    """Run Python with these arguments. It is ready when it prints `pattern`, whose group is the address."""
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
            if match := re.search(pattern, line):
                yield Process(address=match[1], pid=process.pid)
                return
        raise RuntimeError(f"{arguments} exited before it was ready")
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
