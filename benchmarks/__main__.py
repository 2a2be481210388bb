"""`python -m benchmarks [NAME …]`: all of them, or those that are named."""

from __future__ import annotations

import asyncio
import sys
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
    for name in names or list(ALL):
        with tempfile.TemporaryDirectory(prefix="image-grpc-bench-") as folder:
            print(f"\n{name}")
            show(await ALL[name](Path(folder)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
