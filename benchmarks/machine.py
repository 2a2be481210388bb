"""The machine that measures, and the CPU time of its processes."""

from __future__ import annotations

import platform
import time
from pathlib import Path

import psutil

BUSY_SECONDS = 1.0
MAX_BUSY_PERCENT = 15.0


def describe_machine() -> str:
    """Return the machine and its present load; a machine that is busy before a benchmark gets a warning."""
    busy = psutil.cpu_percent(BUSY_SECONDS)
    model = next((line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")), "unknown CPU")
    gibibytes = psutil.virtual_memory().total / 2**30
    text = (
        f"{time.strftime('%Y-%m-%d %H:%M')}, {psutil.cpu_count()} x {model}, {gibibytes:.0f} GiB, "
        f"Python {platform.python_version()}, {busy:.0f} % busy"
    )
    if busy > MAX_BUSY_PERCENT:
        text += "\nWARNING: other programs use this machine; the figures are too low"
    return text


def cpu_seconds(pid: int, *, descendants: bool = True) -> float:
    """Return the CPU time of a process so far, with that of its descendants."""
    process = psutil.Process(pid)
    total = 0.0
    for each in [process, *(process.children(recursive=True) if descendants else [])]:
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            continue  # its parent's time for ended children includes it
        total += times.user + times.system
        if descendants:
            total += times.children_user + times.children_system
    return total


def _cpuinfo() -> list[str]:
    return Path("/proc/cpuinfo").read_text().splitlines()
