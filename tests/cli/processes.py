"""Real processes of the command, and what they say."""

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


@dataclass(kw_only=True, slots=True)
class Up:
    """An `image-grpc up` that listens."""

    process: asyncio.subprocess.Process
    address: str
    channel: grpc.aio.Channel
    lines: list[str]
    """What it has written to its standard error so far."""

    async def ended(self) -> int:
        """Its exit code, once it has ended."""
        return await self.process.wait()


@asynccontextmanager
async def up(data_dir: Path, *options: str, **environment: str) -> AsyncIterator[Up]:
    """A process on a free port. It is killed at the end of the block if it still runs."""
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
            assert line, f"it ended before it listened: {''.join(lines)}"
            if found := re.search(r"listens on (\S+),", line):
                address = found[1]
        async with grpc.aio.insecure_channel(address) as channel:
            yield Up(process=process, address=address, channel=channel, lines=lines)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading
        process._transport.close()  # type: ignore[attr-defined]  # else its pipes outlive the loop, and warn


async def _read(stream: asyncio.StreamReader, lines: list[str]) -> None:
    while line := await stream.readline():
        lines.append(line.decode())


async def run(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """Runs a command to its end: exit code, standard output, standard error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "image_grpc", *arguments),
        env=os.environ | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, error = await process.communicate()
    process._transport.close()  # type: ignore[attr-defined]
    return process.returncode or 0, out.decode(), error.decode()
