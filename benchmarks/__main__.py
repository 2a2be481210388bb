"""Runs benchmarks: `python -m benchmarks [NAME …]`, by default all."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
import traceback
from pathlib import Path

from benchmarks import (
    bridge,
    cache,
    commands,
    floor_plans,
    generations,
    listings,
    maps,
    platform,
    processes,
    reads,
    storage,
    thumbnails,
)
from benchmarks.machine import describe_machine
from benchmarks.report import show

ALL = {
    "reads": reads.measure,
    "generations": generations.measure,
    "cache": cache.measure,
    "storage": storage.measure,
    "listings": listings.measure,
    "platform": platform.measure,
    "processes": processes.measure,
    "thumbnails": thumbnails.measure,
    "maps": maps.measure,
    "floor-plans": floor_plans.measure,
    "bridge": bridge.measure,
    "commands": commands.measure,
}


MAX_SECONDS = 1800
"""A benchmark that takes longer than this is stopped. On two cores, `platform` takes up to four minutes, and
`commands`, which runs all tests, six."""


async def main(names: list[str]) -> None:
    """Run the named benchmarks and print their results. One that fails or takes too long does not stop the others."""
    failed = []
    for name in names:
        with tempfile.TemporaryDirectory(prefix="image-grpc-bench-") as folder:
            print(f"\n{name}: {describe_machine()}", flush=True)
            started = time.monotonic()
            try:
                async with asyncio.timeout(MAX_SECONDS):
                    rows = await ALL[name](Path(folder))
            except Exception:
                failed.append(name)
                traceback.print_exc()
                continue
            show(rows)
            print(f"({name} took {time.monotonic() - started:.0f} s)", flush=True)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Run benchmarks. Each figure is printed beside its floor."
    )
    parser.add_argument("name", nargs="*", help=f"{', '.join(ALL)}; default: all")
    names = parser.parse_args().name
    if unknown := [name for name in names if name not in ALL]:
        parser.error(f"unknown benchmark {', '.join(unknown)}; available: {', '.join(ALL)}")
    asyncio.run(main(names or list(ALL)))
