"""Run 300 generations while every part of the platform fails in turn, and print a report.

The exit code is 0 only if nothing is lost, wrongly rejected or unexpected. The clock of one Storage Service is wrong
throughout.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from image_grpc_testkit.proxy import Direction
from tests.faults.callers import Callers, History
from tests.faults.checker import Report, check
from tests.faults.injection import cut_repeatedly, kill_and_restart
from tests.faults.platform import Platform, run_platform

GENERATIONS = 300
SKEW = "+7"
"""Seconds that the clock of one Storage Service is ahead."""
MAX_WAIT_SECONDS = 300.0
"""Time limit for all generations to end after the last fault: a lease, and the retry ladder."""

Step = Callable[[], Awaitable[None]]


def fault_steps(running: Platform, history: History) -> dict[str, Step]:
    """Return the faults by name, in the order in which they are injected."""
    rng = random.Random(1)

    async def cut_all() -> None:
        await cut_repeatedly([running.hub_proxy, running.database_proxy], times=10, interval=1.0)

    async def cut_random() -> None:
        await cut_repeatedly([running.hub_proxy, running.database_proxy], times=20, interval=1.0, rng=rng)

    async def cut_within_data() -> None:
        for _ in range(10):
            for direction in Direction:
                running.hub_proxy.cut_after(rng.randrange(200_000), direction)
                await asyncio.sleep(0.5)
        running.hub_proxy.heal()

    async def drop_bytes() -> None:
        for direction in Direction:
            running.hub_proxy.dropped_directions.add(direction)
            await asyncio.sleep(4)
            running.hub_proxy.cut()  # dropped bytes are lost, so the connections are unusable, as in a real network
            running.hub_proxy.heal()
            await asyncio.sleep(4)

    async def delay_bytes() -> None:
        running.hub_proxy.delay = running.database_proxy.delay = 0.02
        await asyncio.sleep(8)
        running.hub_proxy.heal()
        running.database_proxy.heal()

    async def pause_storage() -> None:
        for program in running.storages:
            program.pause()
        await asyncio.sleep(60)
        for program in running.storages:
            program.resume()

    async def memory_alarm() -> None:
        await running.raise_memory_alarm()
        await asyncio.sleep(15)
        await running.clear_memory_alarm()

    faults: dict[str, Step] = {
        "broker restarts": running.restart_broker,
        "all connections cut every second": cut_all,
        "one connection cut every second": cut_random,
        "connections cut in the middle of data": cut_within_data,
        "bytes dropped": drop_bytes,
        "bytes delayed": delay_bytes,
        "memory alarm of the broker": memory_alarm,
    }
    for program in running.programs:
        faults[f"{program.name} killed"] = lambda program=program: kill_and_restart(running, program, history)  # type: ignore[misc]
    faults["PostgreSQL stops for 20 s"] = lambda: running.stop_database(20)
    faults["broker restarts again"] = running.restart_broker
    faults["storage paused for 60 s"] = pause_storage
    faults["all jobs purged"] = running.purge_jobs
    faults["PostgreSQL switches over"] = running.switch_database
    return faults


async def run(folder: Path, count: int, only: str) -> Report:
    """Inject the faults whose name contains `only` while callers request `count` pictures; return the report."""
    history = History()
    async with run_platform(folder, latency=1.0, variety=20, getimg_timeout=60, skew=SKEW) as running:
        callers = Callers(running, history)
        chosen = {name: step for name, step in fault_steps(running, history).items() if only in name}
        async with asyncio.TaskGroup() as requests:
            for index, (name, step) in enumerate(chosen.items()):
                share = count * (index + 1) // len(chosen) - count * index // len(chosen)
                requests.create_task(callers.request_pictures(share, name, over_seconds=5))
                await asyncio.sleep(0.7)
                async with history.fault(name):
                    await step()
                line = f"{time.strftime('%H:%M:%S')} {name}: {len(history.accepted)} accepted so far"
                print(line, flush=True)
                await asyncio.sleep(3)
        report = await check(running, callers, history, timeout=MAX_WAIT_SECONDS)
        print(report.summary(history))
        return report


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--generations", type=int, default=GENERATIONS)
    parser.add_argument("--only", default="", help="inject only faults whose name contains this text")
    parser.add_argument("--folder", type=Path, help="folder that keeps the logs and blobs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="image-grpc-faults-") as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        report = asyncio.run(run(folder, options.generations, options.only))
    sys.exit(0 if report.is_good else 1)


if __name__ == "__main__":
    main()
