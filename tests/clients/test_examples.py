"""The example program of each client prints the same and reads the same picture from one real server.

These tests build the clients, so `make clients` runs them, and `make test` does not.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from image_grpc.access.callers import create_key
from image_grpc_testkit.servers.processes import free_port, start_server
from tests.clients.programs import CLIENTS, run

pytestmark = [pytest.mark.clients, pytest.mark.timeout(1200)]

EXPECTED = re.compile(
    r"""checked before sending: size\.height, size\.width, theme
refused: INVALID_ARGUMENT, INVALID_ARGUMENT: size\.height, size\.width, theme
generated: 512 x 512, IMAGE_FORMAT_WEBP
requested again: the same generation
read: \d+ bytes, SHA-256 [0-9a-f]{64}
retried: 20 of 20 calls succeeded
refused: NOT_FOUND, IMAGE_NOT_FOUND
cancelled: CANCEL_OUTCOME_STOPPED
watched: GENERATION_STATE_SUCCEEDED
uploaded: the same bytes
deleted
"""
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """An example program: how it is built and started in the folder of its client."""

    language: str
    build: tuple[tuple[str, ...], ...] = ()
    run: tuple[str, ...]
    validates: bool = True
    """Whether it checks a request before sending it."""

    @property
    def tools(self) -> set[str]:
        """The programs that must be installed."""
        return {command[0] for command in (*self.build, self.run) if "/" not in command[0]}


PYTHON = Example(language="python", run=(sys.executable, "example/example.py"))
OTHERS = (
    Example(
        language="csharp",
        build=(("dotnet", "build", "Example"),),
        run=("dotnet", "run", "--no-build", "--project", "Example", "--"),
        validates=False,
    ),
    Example(language="typescript", build=(("npm", "ci"), ("npm", "run", "build")), run=("node", "build/example.js")),
    Example(
        language="java",
        build=(("mvn", "-q", "-B", "package"),),
        run=("java", "-cp", "target/classes:target/lib/*", "example/Example.java"),
    ),
    Example(language="go", build=(("go", "build", "-C", "example", "-o", "example", "."),), run=("example/example",)),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What a run of an example printed, and the picture that it read."""

    output: str
    picture: bytes


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, and the environment in which an example finds it."""

    folder: Path
    environment: dict[str, str]

    def run(self, example: Example) -> Result:
        """Run an example with a key of its own. Raises AssertionError if it fails."""
        key, picture = self.folder / f"{example.language}.key", self.folder / f"{example.language}.webp"
        key.write_text(create_key(self.folder / "callers", name=example.language, role="writer"))
        environment = self.environment | {"IMAGE_GRPC_API_KEY_FILE": str(key)}
        output = run(*example.run, str(picture), folder=CLIENTS / example.language, environment=environment)
        return Result(output=output, picture=picture.read_bytes())

    def refusals(self, caller: str) -> int:
        """Return how many calls of a caller were refused because of its limits."""
        lines = (self.folder / "server.log").read_text().splitlines()
        calls = [json.loads(line) for line in lines if line.startswith('{"method":')]
        return sum(call["code"] == "RESOURCE_EXHAUSTED" and call.get("caller") == caller for call in calls)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate = authority.issue_cert("localhost")
    certificate.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    (folder / "callers").touch()
    (folder / "limits").write_text('{"caller": "*", "calls_per_second": 8}\n')
    settings = {
        "GETIMG_API_KEY": "",
        "IMAGE_GRPC_API_KEYS_FILE": str(folder / "callers"),
        "IMAGE_GRPC_DATA_DIR": str(folder / "data"),
        "IMAGE_GRPC_GENERATION_CONCURRENCY": "1",  # the second of two generations waits until it is cancelled
        "IMAGE_GRPC_LIMITS_FILE": str(folder / "limits"),
        "IMAGE_GRPC_LOG_FORMAT": "json",
        "IMAGE_GRPC_STANDIN_LATENCY_SECONDS": "6",
        "IMAGE_GRPC_TLS_CERTIFICATE_FILE": str(folder / "server.pem"),
        "IMAGE_GRPC_TLS_KEY_FILE": str(folder / "server.pem"),
    }
    command = [sys.executable, "-m", "image_grpc", "up", "--listen", f"localhost:{port}"]
    process = start_server(command, port=port, log=folder / "server.log", env=os.environ | settings)
    yield Server(folder, {"IMAGE_GRPC_TARGET": f"localhost:{port}", "IMAGE_GRPC_CA_FILE": str(folder / "ca.pem")})
    process.terminate()
    process.wait()


@pytest.fixture(scope="module")
def reference(server: Server) -> Result:
    return server.run(PYTHON)


def test_the_example_in_python(server: Server, reference: Result) -> None:
    assert EXPECTED.fullmatch(reference.output)
    assert server.refusals("python")


@pytest.mark.parametrize("example", OTHERS, ids=lambda example: example.language)
def test_the_example_in_another_language(server: Server, reference: Result, example: Example) -> None:
    if missing := {tool for tool in example.tools if shutil.which(tool) is None}:
        pytest.skip(f"{', '.join(sorted(missing))} is not installed")
    for command in example.build:
        run(*command, folder=CLIENTS / example.language)
    result = server.run(example)
    assert result.picture == reference.picture
    skipped = 0 if example.validates else 1
    assert result.output.splitlines() == reference.output.splitlines()[skipped:]
    assert server.refusals(example.language)
