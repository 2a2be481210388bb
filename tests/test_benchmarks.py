"""The benchmarks' command line; what they measure is not tested."""

from __future__ import annotations

import subprocess
import sys


def benchmarks(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_help_names_the_benchmarks() -> None:
    told = benchmarks("--help")
    assert told.returncode == 0, told.stderr
    assert "reads, generations" in told.stdout


def test_an_unknown_benchmark_is_refused_before_anything_is_measured() -> None:
    told = benchmarks("reads", "writes")
    assert (told.returncode, told.stdout) == (2, "")
    assert "there is no benchmark writes; there are reads, generations" in told.stderr
