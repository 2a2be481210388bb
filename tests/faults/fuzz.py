"""Make random calls of every RPC of a running server, and report every call that fails in an unexpected way.

The requests are valid messages, messages with extreme values, damaged messages and random bytes. The exit code is 1
if a call ended with INTERNAL, UNKNOWN or UNAVAILABLE or did not end, or if the server logged an error, blocked the
event loop or lost memory. With `--storage both`, the calls are made one after the other, and must be INVALID_ARGUMENT
on both databases or on none.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import structlog

from image_grpc import logs
from image_grpc_testkit.servers.postgresql import postgresql
from tests.faults.fuzz_calls import Call, Samples, create_call, create_samples
from tests.service import Service, service

CALLS = 30_000
CALLS_PER_SCENE = 500
"""Calls after which new resources are created: calls delete some."""
CONCURRENCY = 50
MAX_PRINTED_BYTES = 500
HANG_SECONDS = 5.0
"""Time after its deadline in which a call must end."""
MAX_GROWTH_MEGABYTES = 100.0
MAX_STALL_SECONDS = 5.0
BEAT_SECONDS = 0.05
UNEXPECTED_CODES = ("INTERNAL", "UNKNOWN", "UNAVAILABLE", "HANG")
"""UNAVAILABLE too, as everything that the server depends on is available."""
LOCAL = " (without the server's trailers)"
"""Marks a status that the client, or gRPC itself, may have created."""
SETTINGS: dict[str, Any] = {
    "cache_max_bytes": 10_000_000,
    "cache_max_records": 1_000,
    "renditions_max_bytes": 10_000_000,
}
"""Caches that are full early, so that memory that grows later is lost."""


@dataclass(kw_only=True, slots=True)
class Fault:
    """Calls of one method that failed with the same status."""

    first: Call
    """The first of the calls."""
    count: int = 0


@dataclass(kw_only=True, slots=True)
class Report:
    """The outcome of a run."""

    seed: int
    codes: dict[int, str] = field(default_factory=dict)
    """Status code by number of the call."""
    counts: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Number of calls by method and status code."""
    slowest: dict[str, tuple[float, int]] = field(default_factory=dict)
    """Longest duration in seconds by method, and the number of that call."""
    faults: dict[tuple[str, str, str], Fault] = field(default_factory=dict)
    """Unexpected failures by method, status code and message."""
    stall: tuple[float, int] = (0.0, 0)
    """Longest time that the event loop did not run, in seconds, and the number of the call that started last."""
    logged_errors: Counter[str] = field(default_factory=Counter)
    megabytes: list[float] = field(default_factory=list)
    """Resident memory before the first scene and after each one."""

    @property
    def growth(self) -> float:
        """Megabytes by which memory grew after the first half, in which the caches fill."""
        return self.megabytes[-1] - self.megabytes[(len(self.megabytes) - 1) // 2]

    @property
    def passed(self) -> bool:
        """Whether nothing unexpected happened."""
        within_limits = self.growth <= MAX_GROWTH_MEGABYTES and self.stall[0] <= MAX_STALL_SECONDS
        return within_limits and not self.faults and not self.logged_errors

    def add(self, call: Call, code: str, message: str, seconds: float) -> None:
        """Record the end of a call."""
        name = call.method.name
        self.codes[call.number] = code
        self.counts[name][code] += 1
        self.slowest[name] = max(self.slowest.get(name, (0.0, 0)), (seconds, call.number))
        too_short = call.method.watches and code == grpc.StatusCode.UNAVAILABLE.name  # for the Storage Service
        if code.startswith(UNEXPECTED_CODES) and not too_short:
            self.faults.setdefault((name, code, message), Fault(first=call)).count += 1

    def summary(self) -> str:
        """Return the report as text."""
        totals = sum(self.counts.values(), Counter())
        middle = self.megabytes[len(self.megabytes) // 2]
        lines = [f"seed {self.seed}, {totals.total()} calls: {_listed(totals)}"]
        for name, counts in sorted(self.counts.items()):
            seconds, number = self.slowest[name]
            lines.append(f"  {name}: {_listed(counts)}; slowest {seconds:.2f} s (call {number})")
        for (name, code, message), fault in self.faults.items():
            lines.append(f"{name} {code} {fault.count} times, first in call {fault.first.number}: {message}")
            lines += [f"  request {request[:MAX_PRINTED_BYTES].hex()}" for request in fault.first.requests]
        lines += [f"logged {count} times: {event}" for event, count in self.logged_errors.items()]
        memory = (
            f"{self.megabytes[0]:.0f} MB at the start, {middle:.0f} in the middle, {self.megabytes[-1]:.0f} at the end"
        )
        lines.append(f"resident memory: {memory}, {self.growth:+.0f} after the first half")
        lines.append(f"event loop blocked for up to {self.stall[0]:.1f} s, after the start of call {self.stall[1]}")
        return "\n".join(lines)


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{code} {count}" for code, count in counts.most_common())


class Fuzzer:
    """Makes the calls, on channels of its own."""

    def __init__(self, address: str, report: Report, threads: ThreadPoolExecutor, concurrency: int) -> None:
        self._channel: Any = grpc.aio.insecure_channel(address)  # requests and responses are bytes
        self._blocking: Any = grpc.insecure_channel(address)
        self._report, self._threads = report, threads
        self._slots = asyncio.Semaphore(concurrency)
        self._last_started = 0
        self._measuring = asyncio.create_task(self._measure_stalls())

    async def close(self) -> None:
        self._measuring.cancel()
        await self._channel.close()
        self._blocking.close()

    async def make(self, calls: Sequence[Call]) -> None:
        """Make calls, up to the limit at once. Watches do not count, as they only wait for their deadline."""
        async with asyncio.TaskGroup() as group:
            for call in calls:
                if call.method.watches:
                    group.create_task(self._make(call))
                    continue
                await self._slots.acquire()
                group.create_task(self._make(call)).add_done_callback(lambda _: self._slots.release())

    async def _measure_stalls(self) -> None:
        while True:
            started = time.monotonic()
            await asyncio.sleep(BEAT_SECONDS)
            late = time.monotonic() - started - BEAT_SECONDS
            self._report.stall = max(self._report.stall, (late, self._last_started))

    async def _make(self, call: Call) -> None:
        self._last_started = call.number
        code, message, started = "OK", "", time.monotonic()
        try:
            async with asyncio.timeout(call.method.seconds + HANG_SECONDS):
                await self._send(call)
        except TimeoutError:
            code = "HANG"
        except grpc.RpcError as error:
            code, message = _status(call, error)
        self._report.add(call, code, message, time.monotonic() - started)

    async def _send(self, call: Call) -> None:
        method = call.method
        if method.client_streaming:
            # The asyncio client reports INTERNAL itself if the server ends an upload early.
            await asyncio.get_running_loop().run_in_executor(self._threads, self._send_stream, call)
        elif method.server_streaming:
            stream = self._channel.unary_stream(method.path)(call.requests[0], timeout=method.seconds)
            async for _ in stream:
                pass
        else:
            await self._channel.unary_unary(method.path)(call.requests[0], timeout=method.seconds)

    def _send_stream(self, call: Call) -> None:
        method = call.method
        if method.server_streaming:
            for _ in self._blocking.stream_stream(method.path)(iter(call.requests), timeout=method.seconds):
                pass
        else:
            self._blocking.stream_unary(method.path)(iter(call.requests), timeout=method.seconds)


def _status(call: Call, error: Any) -> tuple[str, str]:
    """Return the status code and the message of a failed call."""
    code: str = error.code().name
    trailers = dict(error.trailing_metadata() or ())
    if code in UNEXPECTED_CODES and call.method.path.startswith("/tabletop.") and "x-request-id" not in trailers:
        code += LOCAL
    return code, error.details() or ""


async def fuzz(running: Service, report: Report, calls: int, concurrency: int) -> None:
    """Make this number of calls to a server."""
    report.megabytes.append(_resident_megabytes())
    with ThreadPoolExecutor(CONCURRENCY) as threads:
        fuzzer = Fuzzer(running.running.address, report, threads, concurrency)
        for scene, start in enumerate(range(0, calls, CALLS_PER_SCENE)):
            samples: Samples = await create_samples(running, report.seed, scene)
            numbers = range(start, min(calls, start + CALLS_PER_SCENE))
            await fuzzer.make([create_call(report.seed, number, samples) for number in numbers])
            gc.collect()
            report.megabytes.append(_resident_megabytes())
        await fuzzer.close()


def _resident_megabytes() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmRSS:"))


def differences(one: Report, other: Report) -> list[str]:
    """Return the calls that only one of two runs refused as invalid, except those that their deadline ended."""
    refused, ended = grpc.StatusCode.INVALID_ARGUMENT.name, grpc.StatusCode.DEADLINE_EXCEEDED.name
    return [
        f"call {number}: {code} and {other.codes[number]}"
        for number, code in sorted(one.codes.items())
        if (code == refused) != (other.codes[number] == refused) and ended not in (code, other.codes[number])
    ]


async def _run(report: Report, calls: int, concurrency: int, **settings: Any) -> Report:
    with tempfile.TemporaryDirectory(prefix="image-grpc-fuzz-") as folder:
        async with service(Path(folder), **(SETTINGS | settings)) as running:
            await fuzz(running, report, calls, concurrency)
    return report


def _count_logged_errors() -> Counter[str]:
    """Return a counter of the errors that are logged from now on."""
    counts: Counter[str] = Counter()

    def count(_logger: object, name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        if name in ("error", "critical", "exception"):
            error = sys.exc_info()[0]
            counts[f"{event['event']}: {error.__name__ if error else ''}"] += 1
        return event

    logs.set_up_logs("ERROR")
    structlog.configure(processors=[count, *structlog.get_config()["processors"]])
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.fuzz", description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--storage", choices=("sqlite", "postgresql", "both"), default="sqlite")
    options = parser.parse_args()
    # One call at a time, so that both runs reach the same state.
    concurrency = 1 if options.storage == "both" else CONCURRENCY
    reports, logged_errors = [], _count_logged_errors()
    with ExitStack() as stack:
        for database in ("sqlite", "postgresql"):
            if options.storage in (database, "both"):
                url = stack.enter_context(postgresql()) if database == "postgresql" else None
                print(f"storage: {database}", flush=True)
                report = Report(seed=options.seed)
                reports.append(asyncio.run(_run(report, options.calls, concurrency, database_url=url)))
                reports[-1].logged_errors.update(logged_errors)
                logged_errors.clear()
                print(reports[-1].summary(), flush=True)
    different = differences(*reports) if len(reports) == 2 else []
    if len(reports) == 2:
        print("\n".join([f"refused on one database only: {len(different)} calls", *different]))
    sys.exit(0 if all(report.passed for report in reports) and not different else 1)


if __name__ == "__main__":
    main()
