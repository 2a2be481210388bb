"""The whole scenario: 300 generations while every part fails in turn. Prints the four classes; the exit code is 0
only if nothing was lost and nothing was unexpected."""

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
from tests.faults.callers import Callers, Diary
from tests.faults.checker import Verdict, check
from tests.faults.platform import Platform, platform
from tests.faults.scenario import cut_often, kill_and_start

GENERATIONS = 300
MAX_WAIT_SECONDS = 300.0
"""After the last fault, time for everything to end: a lease, and the retry ladder."""

Step = Callable[[], Awaitable[None]]


def steps(made: Platform, diary: Diary) -> dict[str, Step]:
    """What is done to the platform, in turn."""
    choice = random.Random(1)

    async def cut_everything() -> None:
        await cut_often([made.hub, made.sql], times=10, every=1.0)

    async def cut_one_by_one() -> None:
        await cut_often([made.hub, made.sql], times=20, every=1.0, choice=choice)

    async def cut_in_the_middle() -> None:
        for _ in range(10):
            for direction in Direction:
                made.hub.cut_after(choice.randrange(200_000), direction)
                await asyncio.sleep(0.5)
        made.hub.heal()

    async def swallow() -> None:
        for direction in Direction:
            made.hub.dropped_directions.add(direction)
            await asyncio.sleep(4)
            made.hub.cut()  # what was swallowed cannot be made up for, as in a real network
            made.hub.heal()
            await asyncio.sleep(4)

    async def delay() -> None:
        made.hub.delay = made.sql.delay = 0.02
        await asyncio.sleep(8)
        made.hub.heal()
        made.sql.heal()

    async def hold_storage() -> None:
        for program in made.storages:
            program.pause()
        await asyncio.sleep(60)
        for program in made.storages:
            program.resume()

    async def alarm() -> None:
        await made.memory_alarm()
        await asyncio.sleep(15)
        await made.clear_alarm()

    faults: dict[str, Step] = {
        "broker restarts": made.restart_broker,
        "all connections cut every second": cut_everything,
        "one connection cut every second": cut_one_by_one,
        "connections cut half-way": cut_in_the_middle,
        "bytes swallowed": swallow,
        "bytes delayed": delay,
        "broker's memory alarm": alarm,
    }
    for program in made.programs:
        faults[f"{program.name} killed"] = lambda program=program: kill_and_start(made, program, diary)  # type: ignore[misc]
    faults["PostgreSQL stops for 20 s"] = lambda: made.stop_database(20)
    faults["broker restarts again"] = made.restart_broker
    faults["storage held for 60 s"] = hold_storage
    return faults


async def run(folder: Path, count: int, only: str) -> Verdict:
    """Breaks everything in turn while callers ask, and says what has become of it."""
    diary = Diary()
    async with platform(folder, latency=1.0, variety=20, getimg_timeout=60) as made:
        callers = Callers(made, diary)
        chosen = {name: step for name, step in steps(made, diary).items() if only in name}
        async with asyncio.TaskGroup() as asking:
            for index, (name, step) in enumerate(chosen.items()):
                share = count * (index + 1) // len(chosen) - count * index // len(chosen)
                asking.create_task(callers.ask_for_pictures(share, name, over_seconds=5))
                await asyncio.sleep(0.7)
                async with diary.fault(name):
                    await step()
                said = f"{time.strftime('%H:%M:%S')} {name}: {len(diary.promised)} promised so far"
                print(said, flush=True)
                await asyncio.sleep(3)
        verdict = await check(made, callers, diary, patience=MAX_WAIT_SECONDS)
        print(verdict.report(diary))
        return verdict


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--generations", type=int, default=GENERATIONS)
    parser.add_argument("--only", default="", help="faults whose name contains this")
    parser.add_argument("--folder", type=Path, help="keeps logs and blobs here")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="image-grpc-faults-") as temporary:
        folder = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        verdict = asyncio.run(run(folder, given.generations, given.only))
    sys.exit(1 if verdict.lost or verdict.unexpected else 0)


if __name__ == "__main__":
    main()
