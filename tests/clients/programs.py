"""Runs programs of the clients."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

CLIENTS = Path(__file__).parents[2] / "clients"


def run(*command: str, folder: Path, environment: dict[str, str] | None = None) -> str:
    """Return the standard output of a command that must succeed."""
    result = subprocess.run(  # noqa: PLW1510
        command, cwd=folder, env=os.environ | (environment or {}), capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout
