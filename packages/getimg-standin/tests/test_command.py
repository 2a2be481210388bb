"""The command `getimg-standin`, in its own process."""

from __future__ import annotations

import asyncio
import re
import signal
import sys

import httpx
import pytest
from click.testing import CliRunner

from getimg_standin.cli import main


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_serves_until_a_signal(number: signal.Signals) -> None:
    options = ("--listen", "127.0.0.1:0", "--api-key", "k", "--balance", "3.5", "--fault", "hang,count=2")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "getimg_standin", *options, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    match = re.search(r"at (http\S+), API key k\.", line)
    assert match, line
    async with httpx.AsyncClient(base_url=match[1]) as client:
        report = (await client.get("/_standin")).json()
    assert (report["balance"], report["faults"][0]["count"]) == ("3.5", 2)
    process.send_signal(number)
    assert await process.wait() == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--listen", "localhost"], "'localhost' is not of the form HOST:PORT"),
        (["--balance", "much"], "'much' is not an amount in USD"),
        (["--latency", "-1"], "latency must not be negative"),
        (["--fault", "explode"], "unknown fault kind 'explode'"),
    ],
)
def test_invalid_options_are_rejected(options: list[str], message: str) -> None:
    result = CliRunner().invoke(main, options)
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
