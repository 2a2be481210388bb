"""The programs that use the hub alone do what their README says."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from image_grpc_testkit.servers.processes import free_port, start_server
from image_grpc_testkit.servers.rabbitmq import Node
from tests.clients.programs import CLIENTS, run

pytestmark = [pytest.mark.clients, pytest.mark.timeout(1200)]

FOLDER = CLIENTS / "hub"


@pytest.fixture(scope="module")
def hub_url(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a broker with a running image service."""
    folder, port, url = tmp_path_factory.mktemp("hub"), free_port(), node.add_virtual_host()
    command = [sys.executable, "-m", "image_grpc", "up", "--listen", f"127.0.0.1:{port}"]
    settings = {"GETIMG_API_KEY": "", "IMAGE_GRPC_HUB_URL": url, "IMAGE_GRPC_DATA_DIR": str(folder / "data")}
    process = start_server(command, port=port, log=folder / "server.log", env=os.environ | settings)
    yield url
    process.terminate()
    process.wait()


@pytest.fixture(scope="module")
def expected() -> str:
    """The output in the README."""
    [output] = re.findall(r"Both print:\n\n```\n(.*?)```", (FOLDER / "README.md").read_text(), re.DOTALL)
    return str(output)


def test_the_example_in_python(hub_url: str, expected: str, tmp_path: Path) -> None:
    program = FOLDER / "python" / "example.py"
    assert run(sys.executable, str(program), folder=tmp_path, environment={"HUB_URL": hub_url}) == expected


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_the_example_in_typescript(hub_url: str, expected: str) -> None:
    folder = FOLDER / "typescript"
    run("npm", "ci", folder=folder)
    run("npm", "run", "build", folder=folder)
    assert run("node", "dist/example.js", folder=folder, environment={"HUB_URL": hub_url}) == expected
