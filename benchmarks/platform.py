"""Pictures per second of all processes on real servers, beside Dramatiq doing the bare work on the same servers.

Their CPU time per picture is beside that of downloading, decoding, resizing and encoding it.
"""

from __future__ import annotations

import asyncio
import os
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from benchmarks import running_platform, servers
from benchmarks.bare_picture import fit, generate
from benchmarks.machine import cpu_seconds
from benchmarks.peers import dramatiq_pictures
from benchmarks.report import Row, compared
from image_grpc_testkit.servers.postgresql import Cluster, postgresql_cluster
from image_grpc_testkit.servers.rabbitmq import Node, rabbitmq

LATENCY_SECONDS = 1.0
"""Simulated latency of GetImg.AI."""
ROUNDS = 3
BURST, LARGE_BURST = 200, 2000
TARGETS = {1024: ">= 1.0", 64: ">= 0.6"}
"""By side of the pictures: the ratio to Dramatiq."""
LARGE_BURST_SIDE = 64
"""Larger pictures would take minutes, and their number makes no difference to decoding."""
BARE = 20
"""Pictures that are processed with the bare libraries in each round."""
COUNTED = 10
"""Pictures whose storage operations are counted."""


async def measure(folder: Path) -> list[Row]:
    """Measure with a new broker and database."""
    rows: list[Row] = []
    with rabbitmq() as node, postgresql_cluster() as cluster:
        async with servers.standin("--latency", str(LATENCY_SECONDS), "--variety", "1") as standin:
            for side in TARGETS:
                rows += await _compare(folder, node, cluster, standin.address, side)
    return rows


async def _compare(folder: Path, node: Node, cluster: Cluster, standin: str, side: int) -> list[Row]:
    ours, peer, parts, bare = list[float](), list[float](), list[dict[str, float]](), list[float]()
    rows = list[Row]()
    for round_ in range(ROUNDS):
        async with running_platform.running(folder / f"{side}-{round_}", node, cluster, standin) as platform:
            await platform.rate(8, side)  # warms up
            before = platform.cpu_seconds()
            ours.append(await platform.rate(BURST, side))
            after = platform.cpu_seconds()
            parts.append({part: (after[part] - before[part]) * 1000 / BURST for part in after})
            bare.append(await _bare_cpu_milliseconds(standin, side))
            if round_ == ROUNDS - 1 and side == LARGE_BURST_SIDE:
                rows = [*await _large_burst(platform, ours[-1], side, parts[-1]), await _operations(platform, side)]
        async with dramatiq_pictures.running(node.url, cluster, standin, folder) as worker:
            await worker.rate(8, side)
            peer.append(await worker.rate(BURST, side))
    name = f"{side} x {side}, {BURST} at once, pictures a second, beside Dramatiq"
    return [compared(name, ours, peer, unit="/s", target=TARGETS[side]), *_cpu(side, parts, bare), *rows]


async def _large_burst(
    platform: running_platform.Platform, before: float, side: int, small: Mapping[str, float]
) -> list[Row]:
    """Return the rows for a large burst, beside the small ones before and after it: the machine's speed varies.

    `small` is the CPU time of a picture of a small burst in milliseconds, by process.
    """
    refused, spent = platform.refused_calls, platform.cpu_seconds()
    large = await platform.rate(LARGE_BURST, side)
    refused = platform.refused_calls - refused
    parts = {part: (seconds - spent[part]) * 1000 / LARGE_BURST for part, seconds in platform.cpu_seconds().items()}
    after = await platform.rate(BURST, side)
    name = f"  {LARGE_BURST} at once, beside {BURST} at once before and after"
    more = ", ".join(f"{part} {parts[part] - small[part]:+.1f} ms" for part in parts)
    return [
        compared(name, [large, large], [before, after], unit="/s", target=">= 1"),
        Row(name="  refused calls, and the CPU of a picture beside that of a small burst", ours=f"{refused}, {more}"),
    ]


async def _operations(platform: running_platform.Platform, side: int) -> Row:
    operations = await platform.operations_per_picture(COUNTED, side)
    counts = ", ".join(f"{count / COUNTED:g} {name}" for name, count in sorted(operations.items()))
    return Row(name="  storage operations of a picture, and of the probes meanwhile", ours=counts, target="<= 5")


def _cpu(side: int, parts: Sequence[dict[str, float]], bare: Sequence[float]) -> list[Row]:
    """Return the rows for the CPU time of a picture."""
    mean = {part: statistics.mean(each[part] for each in parts) for part in parts[0]}
    ours = [each["serve"] + each["storage"] for each in parts]
    name = "  CPU of our processes per picture, beside download, decode, resize, encode"
    return [
        compared(name, ours, bare, unit="ms", target="<= 2" if side == max(TARGETS) else ""),
        Row(name="  CPU of a picture by process", ours=", ".join(f"{part} {ms:.1f} ms" for part, ms in mean.items())),
    ]


async def _bare_cpu_milliseconds(standin: str, side: int) -> float:
    """Return the CPU time of this process to download, decode, resize and encode a picture."""
    async with httpx.AsyncClient() as http:
        url = await generate(http, standin)
        before = cpu_seconds(os.getpid(), descendants=False)
        for _ in range(BARE):
            data = (await http.get(url)).content
            await asyncio.to_thread(fit, data, side)
        return (cpu_seconds(os.getpid(), descendants=False) - before) * 1000 / BARE
