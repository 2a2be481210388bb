"""Runs benchmarks: `python -m benchmarks [NAME …]`, by default all."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from benchmarks import bridge, cache, generations, listings, maps, platform, processes, reads, storage, thumbnails
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
    "bridge": bridge.measure,
}


async def main(names: list[str]) -> None:
    """Run the named benchmarks and print their results."""
    for name in names:
        with tempfile.TemporaryDirectory(prefix="image-grpc-bench-") as folder:
            print(f"\n{name}: {describe_machine()}")
            show(await ALL[name](Path(folder)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Run benchmarks. Each figure is printed beside its floor."
    )
    parser.add_argument("name", nargs="*", help=f"{', '.join(ALL)}; default: all")
    names = parser.parse_args().name
    if unknown := [name for name in names if name not in ALL]:
        parser.error(f"unknown benchmark {', '.join(unknown)}; available: {', '.join(ALL)}")
    asyncio.run(main(names or list(ALL)))
