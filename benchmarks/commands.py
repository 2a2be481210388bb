"""The commands of a newcomer in a fresh clone: the demo for the first and the second time, and the tests."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from benchmarks.report import Row

REPOSITORY = Path(__file__).parents[1]
SECONDS = {"demo": 300, "demo again": 60, "test": 1200}
"""When a command is stopped."""


async def measure(folder: Path) -> list[Row]:
    """Measure in a clone of the last commit. Nothing is compared with: the targets are times."""
    clone = folder / "clone"
    await _run("git", "clone", "--quiet", str(REPOSITORY), str(clone), seconds=60)
    rows = []
    for name, target in (("demo", "< 60 s"), ("demo again", "< 6 s"), ("test", "< 300 s")):
        started = time.monotonic()
        await _run("make", "-C", str(clone), name.split()[0], seconds=SECONDS[name])
        rows.append(Row(name=f"make {name}", ours=f"{time.monotonic() - started:.1f} s", target=target))
    return rows


async def _run(*command: str, seconds: float) -> None:
    """Run a command. Raises RuntimeError with the end of its output if it fails or takes too long."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), seconds)
    except TimeoutError as expired:
        raise RuntimeError(f"{' '.join(command)} took more than {seconds:g} s") from expired
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{output.decode(errors='replace')[-2000:]}")
