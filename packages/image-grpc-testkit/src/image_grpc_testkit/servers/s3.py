"""A throwaway S3 server."""

import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from image_grpc_testkit.servers.processes import free_port, start_server


@dataclass(frozen=True, kw_only=True, slots=True)
class Bucket:
    """An empty bucket of a running S3 server."""

    url: str
    environment: dict[str, str]
    """The AWS_* variables for access to the bucket."""


@contextmanager
def s3() -> Iterator[Bucket]:
    """Run an in-memory S3 server with one bucket."""
    port = free_port()
    program = Path(sys.executable).with_name("moto_server")
    with tempfile.TemporaryDirectory(prefix="image-grpc-s3-") as folder, ExitStack() as stack:
        command = [str(program), "-H", "127.0.0.1", "-p", str(port)]
        process = start_server(command, port=port, log=Path(folder, "log"))
        stack.callback(process.wait)
        stack.callback(process.kill)
        endpoint = f"http://127.0.0.1:{port}"
        urllib.request.urlopen(urllib.request.Request(f"{endpoint}/images", method="PUT")).close()
        environment = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        yield Bucket(url="s3://images", environment=environment)
