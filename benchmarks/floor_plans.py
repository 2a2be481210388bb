"""Generated floor plans: time, soundness, and whether two processes generate the same ones."""

from __future__ import annotations

import asyncio
import hashlib
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tabletop.image.v1.floor_plan_parameters_pb2 import FloorPlanKind, FloorPlanParameters
from tabletop.image.v1.map_pb2 import FloorPlanSize

from benchmarks.report import Row, percentile
from image_grpc.plans.check import check
from image_grpc.plans.generators import generate, with_defaults

SEEDS = 1000
COLUMNS, ROWS = 60, 40
_KINDS = (
    FloorPlanKind.FLOOR_PLAN_KIND_DUNGEON,
    FloorPlanKind.FLOOR_PLAN_KIND_CAVE,
    FloorPlanKind.FLOOR_PLAN_KIND_BUILDING,
    FloorPlanKind.FLOOR_PLAN_KIND_OUTDOORS,
)
LIMIT = 100
"""Milliseconds that a plan may take."""


@dataclass(frozen=True, slots=True)
class _Run:
    milliseconds: list[float]
    digest: str
    findings: int


async def measure(_folder: Path) -> list[Row]:
    """Generate SEEDS plans of each kind in two processes at once."""
    return [await asyncio.to_thread(_row, kind) for kind in _KINDS]


def _row(kind: FloorPlanKind) -> Row:
    with ProcessPoolExecutor(2) as processes:
        runs = list(processes.map(_generate, (kind, kind)))
    times = [each for run in runs for each in run.milliseconds]
    same = "equal in both processes" if runs[0].digest == runs[1].digest else "DIFFERENT in two processes"
    name = FloorPlanKind.Name(kind).removeprefix("FLOOR_PLAN_KIND_").lower()
    slow = sum(each > LIMIT for each in times)
    text = f"median {statistics.median(times):.1f} ms, 99 % {percentile(times, 0.99):.1f}, longest {max(times):.1f}"
    return Row(
        name=f"{name}, {COLUMNS} x {ROWS} cells, {SEEDS:,} seeds: {same}, {runs[0].findings} findings, {slow} slow",
        ours=text,
        target=f"< {LIMIT} ms",
    )


def _generate(kind: FloorPlanKind) -> _Run:
    milliseconds, digest, findings = [], hashlib.sha256(), 0
    size = FloorPlanSize(columns=COLUMNS, rows=ROWS)
    for seed in range(SEEDS):
        parameters = with_defaults(FloorPlanParameters(kind=kind, seed=seed, size=size))
        started = time.perf_counter()
        plan = generate(parameters)
        milliseconds.append((time.perf_counter() - started) * 1000)
        digest.update(plan.SerializeToString(deterministic=True))
        findings += len(check(plan))
    return _Run(milliseconds, digest.hexdigest(), findings)
