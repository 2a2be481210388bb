"""`python -m benchmarks [NAME …]`: all of them, or those that are named."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from benchmarks import bridge, generations, maps, processes, reads, storage
from benchmarks.report import show

ALL = {
    "reads": reads.measure,
    "generations": generations.measure,
    "storage": storage.measure,
    "processes": processes.measure,
    "maps": maps.measure,
    "bridge": bridge.measure,
}


async def main(names: list[str]) -> None:
    """Measures and prints."""
    for name in names:
        with tempfile.TemporaryDirectory(prefix="image-grpc-bench-") as folder:
            print(f"\n{name}")
            show(await ALL[name](Path(folder)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measures, each figure beside its floor."
    )
    parser.add_argument("name", nargs="*", help=f"{', '.join(ALL)}; without one, all of them")
    names = parser.parse_args().name
    if unknown := [name for name in names if name not in ALL]:
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(ALL)}")
    asyncio.run(main(names or list(ALL)))
