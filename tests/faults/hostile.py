"""Attack `image-grpc up` while a well-behaved caller measures it, and print a report.

The exit code is 0 only if the well-behaved caller is served in time, memory stays bounded, the process is idle soon
after the attack and ends on SIGTERM while streams are open, and refused calls are told when to retry.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import httpx
import pyvips
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.generation_service_pb2 import GetGenerationRequest
from tabletop.image.v1.generation_service_pb2_grpc import GenerationServiceStub
from tabletop.image.v1.image_service_pb2 import GetImageRequest
from tabletop.image.v1.image_service_pb2_grpc import ImageServiceStub
from tabletop.image.v1.map_pb2 import Grid, MapProperties
from tabletop.image.v1.status_service_pb2 import GetStatusRequest
from tabletop.image.v1.status_service_pb2_grpc import StatusServiceStub
from tabletop.image.v1.theme_service_pb2 import ListThemesRequest
from tabletop.image.v1.theme_service_pb2_grpc import ThemeServiceStub

from image_grpc_testkit.servers.processes import free_port
from tests.faults.attacks import ATTACKS, LATE, MAP_CELL_PIXELS, MAP_PIXELS, Outcomes, Target, start_process, status
from tests.faults.callers import portrait_request
from tests.faults.platform import Program
from tests.service import picture_bytes, upload_parts

SECONDS = 20.0
"""Duration of the attacks. That of `generations` goes on until the accepted generations have ended."""
BASELINE_SECONDS = 3.0
PICTURES = 3
VARIETY = 20
"""Number of pictures that the stand-in draws."""
CALL_SECONDS = 5.0
"""Deadline of the well-behaved caller."""
PAUSE_SECONDS = 0.01
"""Pause of the well-behaved caller between two calls."""
IDLE_AFTER_SECONDS, IDLE_SECONDS = 10.0, 3.0
"""When after the attack, and for how long, the CPU time is measured."""
GRACE_SECONDS = 10.0
OPENING_SECONDS = 3.0
"""Time for streams to open before SIGTERM."""
MAX_MEDIAN_MILLISECONDS = 250.0
MAX_MEGABYTES = 800.0
MAX_IDLE_PERCENT = 10.0
MAX_STOP_SECONDS = GRACE_SECONDS + 3
STRICT_ATTACKS = ("burst", "generations")
"""Attacks whose calls may end only as in ALLOWED_OUTCOMES."""
ALLOWED_OUTCOMES = {
    *("OK", "RESOURCE_EXHAUSTED", "INVALID_ARGUMENT", "FAILED_PRECONDITION", "DEADLINE_EXCEEDED"),
    "generation SUCCEEDED",
}


@dataclass(kw_only=True, slots=True)
class Measurement:
    """The calls of the well-behaved caller."""

    milliseconds: list[float] = field(default_factory=list)
    rejections: Counter[str] = field(default_factory=Counter)
    """Number of failed calls by method and status."""

    @property
    def median(self) -> float:
        return statistics.median(self.milliseconds)

    def summary(self) -> str:
        """Return the measurement as text."""
        times = sorted(self.milliseconds)
        rejections = ", ".join(f"{name} {count}" for name, count in self.rejections.items()) or "none"
        return (
            f"{len(times)} calls, median {self.median:.1f} ms, P95 {times[len(times) * 95 // 100]:.1f} ms, "
            f"max {times[-1]:.1f} ms, rejected: {rejections}"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """The outcome of a run."""

    outcomes: dict[str, Outcomes]
    """By attack."""
    baseline: Measurement
    """Before the attacks."""
    attacked: Measurement
    """During the attacks."""
    megabytes: float
    """Highest resident memory of the process."""
    idle_percent: float
    """CPU of the process some time after the attack, in percent of a core."""
    stop_seconds: float | None
    """Time from SIGTERM to the end of the process; None if it had to be killed."""

    def problems(self) -> list[str]:
        """Return a line for each limit that was exceeded."""
        checks = {
            "a well-behaved call was rejected": not self.attacked.rejections,
            f"the median is {MAX_MEDIAN_MILLISECONDS:g} ms or more": self.attacked.median < MAX_MEDIAN_MILLISECONDS,
            f"the memory is {MAX_MEGABYTES:g} MB or more": self.megabytes < MAX_MEGABYTES,
            "the process is not idle after the attack": self.idle_percent < MAX_IDLE_PERCENT,
            f"SIGTERM did not end the process within {MAX_STOP_SECONDS:g} s": self.stop_seconds is not None,
        }
        unexpected = [
            f"{name}: unexpected outcome {outcome}"
            for name in STRICT_ATTACKS
            for outcome in self.outcomes.get(name, {})
            if outcome not in ALLOWED_OUTCOMES and (len(self.outcomes) == 1 or not outcome.endswith(LATE))
        ]
        return [problem for problem, passed in checks.items() if not passed] + unexpected

    def summary(self) -> str:
        """Return the report as text."""
        stopped = "killed" if self.stop_seconds is None else f"{self.stop_seconds:.1f} s"
        return "\n".join(
            [
                *(f"{name}: {json.dumps(outcomes)}" for name, outcomes in self.outcomes.items()),
                f"before the attack: {self.baseline.summary()}",
                f"during the attack: {self.attacked.summary()}",
                f"peak resident memory {self.megabytes:.0f} MB, CPU after the attack {self.idle_percent:.0f} %, "
                f"end after SIGTERM {stopped}",
                *(f"PROBLEM: {problem}" for problem in self.problems()),
            ]
        )


class GoodCaller:
    """A well-behaved caller with its own connection."""

    def __init__(self, channel: grpc.aio.Channel, image_id: str) -> None:
        status_: Any = StatusServiceStub(channel)
        themes: Any = ThemeServiceStub(channel)
        images: Any = ImageServiceStub(channel)
        self._calls: dict[str, Callable[[], Awaitable[Any]]] = {
            "GetStatus": lambda: status_.GetStatus(GetStatusRequest(), timeout=CALL_SECONDS),
            "ListThemes": lambda: themes.ListThemes(ListThemesRequest(), timeout=CALL_SECONDS),
            "GetImage": lambda: images.GetImage(GetImageRequest(image_id=image_id), timeout=CALL_SECONDS),
        }

    async def measure_until(self, work: Awaitable[Any]) -> Measurement:
        """Make one call after the other until some work is done."""
        measurement, task = Measurement(), asyncio.ensure_future(work)
        while not task.done():
            for name, call in self._calls.items():
                started = time.perf_counter()
                try:
                    await call()
                except grpc.aio.AioRpcError as error:
                    measurement.rejections[f"{name} {status(error)}"] += 1
                measurement.milliseconds.append((time.perf_counter() - started) * 1000)
                await asyncio.sleep(PAUSE_SECONDS)
        await task
        return measurement


async def run(folder: Path, names: Sequence[str], seconds: float) -> Report:
    """Run the attacks with these names at once and return the report."""
    standin = f"127.0.0.1:{free_port()}"
    arguments = ["up", "--listen", "127.0.0.1:0", "--data-dir", str(folder / "data"), "--standin-listen", standin]
    grace = str(int(GRACE_SECONDS))
    program = Program("up", arguments, r"listens on (\S+),", folder, IMAGE_GRPC_SHUTDOWN_GRACE_SECONDS=grace)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(program.kill)
        await program.start()
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(program.address))
        image_id, map_id = await _upload(channel)
        generation_id = await _start_endless_generation(channel, f"http://{standin}")
        target = Target(address=program.address, map_id=map_id, generation_id=generation_id, seconds=seconds)
        caller = GoodCaller(channel, image_id)
        baseline = await caller.measure_until(asyncio.sleep(BASELINE_SECONDS))
        attacks = {name: await start_process(name, target) for name in names}
        outcomes: dict[str, Outcomes] = {}

        async def collect(name: str) -> None:
            output, _ = await attacks[name].communicate()
            outcomes[name] = Counter(json.loads(output))

        attacked = await caller.measure_until(asyncio.gather(*map(collect, names)))
        await asyncio.sleep(IDLE_AFTER_SECONDS)
        idle_percent = await _cpu_percent(program.pid, IDLE_SECONDS)
        return Report(
            outcomes=outcomes,
            baseline=baseline,
            attacked=attacked,
            megabytes=_peak_megabytes(program.pid),
            idle_percent=idle_percent,
            stop_seconds=await _stop_with_open_streams(program, target),
        )


async def _upload(channel: grpc.aio.Channel) -> tuple[str, str]:
    """Upload pictures and the map, and return the ids of a picture and of the map."""
    images: Any = ImageServiceStub(channel)
    uploaded = [await images.UploadImage(upload_parts(picture_bytes(200 + n, 200))) for n in range(PICTURES)]
    plain = pyvips.Image.black(MAP_PIXELS, MAP_PIXELS, bands=3).copy(interpretation="srgb")
    map_ = MapProperties(grid=Grid(enabled=True, size=MAP_CELL_PIXELS))
    stored = await images.UploadImage(upload_parts(plain.write_to_buffer(".jpg"), map=map_))
    return uploaded[0].image.id, stored.image.id


async def _start_endless_generation(channel: grpc.aio.Channel, standin_url: str) -> str:
    """Start a generation whose call to GetImg.AI hangs, and return its id once it is being generated."""
    generations: Any = GenerationServiceStub(channel)
    async with httpx.AsyncClient(base_url=f"{standin_url}/_standin") as control:
        # Drawing takes longer than the rest of a generation, and the stand-in draws in the attacked process.
        (await control.put("behavior", json={"variety": VARIETY})).raise_for_status()
        (await control.put("faults", json=[{"kind": "hang", "count": 1}])).raise_for_status()
    id_: str = (await generations.GeneratePortrait(portrait_request("endless"))).generation.id
    state = GenerationState.GENERATION_STATE_UNSPECIFIED
    while state != GenerationState.GENERATION_STATE_GENERATING:
        await asyncio.sleep(PAUSE_SECONDS)
        state = (await generations.GetGeneration(GetGenerationRequest(generation_id=id_))).generation.state
    return id_


async def _stop_with_open_streams(program: Program, target: Target) -> float | None:
    """Open streams, send SIGTERM, and return the seconds until the process ends; None if it does not in time."""
    holder = await start_process("streams", target)
    try:
        await asyncio.sleep(OPENING_SECONDS)
        started = time.monotonic()
        async with asyncio.timeout(MAX_STOP_SECONDS):
            await program.terminate()
        return time.monotonic() - started
    except TimeoutError:
        return None
    finally:
        with contextlib.suppress(ProcessLookupError):  # it ends when its streams do
            holder.kill()
        await holder.communicate()


async def _cpu_percent(pid: int, seconds: float) -> float:
    """Return the CPU time that a process takes within some seconds, in percent of a core."""
    begin, started = _cpu_seconds(pid), time.monotonic()
    await asyncio.sleep(seconds)
    return 100 * (_cpu_seconds(pid) - begin) / (time.monotonic() - started)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_megabytes(pid: int) -> float:
    """Return the highest resident memory of a process so far."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.hostile", description=__doc__)
    parser.add_argument("--only", choices=ATTACKS, help="run one attack instead of all at once")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="duration of the attacks")
    parser.add_argument("--folder", type=Path, help="folder that keeps the log and the data")
    options = parser.parse_args()
    names = [options.only] if options.only else list(ATTACKS)
    with tempfile.TemporaryDirectory(prefix="image-grpc-hostile-") as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        report = asyncio.run(run(folder, names, options.seconds))
    print(report.summary())
    sys.exit(1 if report.problems() else 0)


if __name__ == "__main__":
    main()
