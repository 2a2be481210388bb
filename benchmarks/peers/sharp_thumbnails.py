"""Runs sharp, the picture library of Node.js, which makes thumbnails of one picture on demand."""

from __future__ import annotations

import asyncio
import shutil
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

_SOURCES = Path(__file__).parent / "sharp"
INSTALL_SECONDS, THUMBNAIL_SECONDS = 100, 60


class NotAvailable(Exception):
    """Sharp cannot be measured on this machine; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sharp:
    """A running Node.js process."""

    description: str
    """Versions of sharp and of libvips."""
    _process: Process

    async def seconds(self) -> float:
        """Make a thumbnail and return how long it took, measured within the process."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        return float((await _line(self._process)).split()[0]) / 1000


@asynccontextmanager
async def running(folder: Path, picture: Path, side: int, quality: int) -> AsyncIterator[Sharp]:
    """Install sharp into a folder and run it. Raises NotAvailable."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise NotAvailable(f"{program} is missing")
    shutil.copytree(_SOURCES, folder, dirs_exist_ok=True)
    await _install(folder)
    arguments = ("thumbnails.mjs", str(picture), str(side), str(quality))
    process = await asyncio.create_subprocess_exec("node", *arguments, cwd=folder, stdin=PIPE, stdout=PIPE)
    try:
        ready = await _line(process)
        yield Sharp(description=ready.removeprefix("ready "), _process=process)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _install(folder: Path) -> None:
    options = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
    process = await asyncio.create_subprocess_exec("npm", "ci", *options, cwd=folder, stdout=PIPE, stderr=PIPE)
    try:
        async with asyncio.timeout(INSTALL_SECONDS):
            await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
    if process.returncode:
        raise NotAvailable("npm cannot install sharp")


async def _line(process: Process) -> str:
    """Return the next line that a process prints. Raises NotAvailable if it ends instead."""
    assert process.stdout is not None
    async with asyncio.timeout(THUMBNAIL_SECONDS):
        line = (await process.stdout.readline()).decode().strip()
    if not line:
        raise NotAvailable("sharp does not run on this machine")
    return line
