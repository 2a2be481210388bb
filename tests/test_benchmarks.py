"""The command line of the benchmarks. The measurements themselves are not tested."""

from __future__ import annotations

import subprocess
import sys


def benchmarks(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_help_lists_the_benchmarks() -> None:
    result = benchmarks("--help")
    assert result.returncode == 0, result.stderr
    assert "reads, generations" in result.stdout


def test_an_unknown_benchmark_is_refused_before_anything_is_measured() -> None:
    result = benchmarks("reads", "writes")
    assert (result.returncode, result.stdout) == (2, "")
    assert "unknown benchmark writes; available: reads, generations" in result.stderr
