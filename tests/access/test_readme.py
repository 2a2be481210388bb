"""The lines in the README that run a service with TLS and an API key."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from image_grpc_testkit.servers.processes import free_port

README = Path(__file__).parents[2] / "README.md"
SECONDS = 120


def test_the_lines_work(tmp_path: Path) -> None:
    [block] = re.findall(r"```sh\n((?:(?!```).)*IMAGE_GRPC_TLS_KEY_FILE.*?)```", README.read_text(), re.DOTALL)
    assert len(block.splitlines()) == 5
    lines = block.replace("50051", str(free_port()))
    shell = subprocess.Popen(
        ["bash", "-euc", lines],
        cwd=tmp_path,
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        code = shell.wait(SECONDS)
    finally:
        os.killpg(shell.pid, signal.SIGTERM)  # the server in the background
    output, _ = shell.communicate(timeout=SECONDS)
    assert code == 0, output
    assert "healthy" in output
    assert (tmp_path / "secure.png").stat().st_size > 1000
    assert "igk_" not in output
    assert (tmp_path / "my-key").read_text().strip() not in (tmp_path / "callers.jsonl").read_text()
