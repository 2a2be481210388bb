"""Runs the command in processes of its own."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc

from tests.cli.forks import forks


@dataclass(kw_only=True, slots=True)
class UpProcess:
    """A running `image-grpc up`."""

    process: asyncio.subprocess.Process
    address: str
    channel: grpc.aio.Channel
    lines: list[str]
    """Lines written to standard error so far."""

    async def exit_code(self) -> int:
        """Wait for the process to end, and return its exit code."""
        return await self.process.wait()


@asynccontextmanager
async def up(data_dir: Path, *options: str, **environment: str) -> AsyncIterator[UpProcess]:
    """Run `image-grpc up` on a free port, and kill it at the end of the block if it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "image_grpc", "up", "--listen", "127.0.0.1:0", "--data-dir", str(data_dir), *options),
        env=os.environ | {"PYTHONUNBUFFERED": "1"} | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    lines: list[str] = []
    reading = asyncio.create_task(_read(process.stderr, lines))
    try:
        address = ""
        while not address:
            line = (await process.stdout.readline()).decode()
            assert line, f"the process ended before it listened: {''.join(lines)}"
            if match := re.search(r"listens on (\S+),", line):
                address = match[1]
        async with grpc.aio.insecure_channel(address) as channel:
            yield UpProcess(process=process, address=address, channel=channel, lines=lines)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading
        process._transport.close()  # type: ignore[attr-defined]  # otherwise its pipes outlive the event loop, and warn


async def _read(stream: asyncio.StreamReader, lines: list[str]) -> None:
    while line := await stream.readline():
        lines.append(line.decode())


async def run(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """Run a command, and return its exit code, standard output and standard error."""
    environment = os.environ | environment
    if "LD_PRELOAD" not in environment:
        return await asyncio.to_thread(forks().run, arguments, environment)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "image_grpc", *arguments),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, error = await process.communicate()
    process._transport.close()  # type: ignore[attr-defined]
    return process.returncode or 0, out.decode(), error.decode()
