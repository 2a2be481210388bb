"""A Prometheus server with our alert rules, in a hurry."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from image_grpc_testkit.eventually import eventually
from image_grpc_testkit.servers.processes import find_program, free_port, start_server

RULES = Path(__file__).parents[2] / "deploy" / "prometheus" / "alerts.yaml"
HURRY = {r"\[5m\]": "[15s]", r"\[10m\]": "[30s]", r"\[1d\]": "[5m]", r"(?m)for: \d+m$": "for: 1s"}
"""Windows and durations for a server that reads the metrics each second."""
REACHABLE = {
    "> 500": "> 5",  # jobs
    "> 900": "> 3",  # seconds that a generation is unfinished
    "> 100": "> 0.004",  # USD a day
    "_USD)) > 1": "_USD)) > 0.004",  # USD that were not recorded
}
"""Limits that a test reaches in seconds."""

POLL_SECONDS = 0.3


class Prometheus:
    """A running Prometheus server."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.fired: set[str] = set()
        """The alerts that have fired so far."""
        self._http = http

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the current series of an expression."""
        response = await self._http.get("/api/v1/query", params={"query": expression})
        result: list[dict[str, Any]] = response.json()["data"]["result"]
        return result

    async def firing(self) -> set[str]:
        """Return the alerts that are firing."""
        return {series["metric"]["alertname"] for series in await self.query('ALERTS{alertstate="firing"}')}

    async def wait_for(self, *alerts: str) -> None:
        """Wait until these alerts have fired, not necessarily at the same time."""

        async def all_have() -> bool:
            self.fired |= await self.firing()
            missing = not set(alerts) <= self.fired
            await asyncio.sleep(POLL_SECONDS if missing else 0)
            return not missing

        await eventually(all_have, f"{', '.join(alerts)} have fired")


@asynccontextmanager
async def prometheus(targets: Collection[str], folder: Path) -> AsyncIterator[Prometheus]:
    """Run a Prometheus server within the block that reads the metrics of these addresses."""
    rules = RULES.read_text()
    for pattern, replacement in HURRY.items():
        rules = re.sub(pattern, replacement, rules)
    for limit, reachable in REACHABLE.items():
        assert limit in rules
        rules = rules.replace(limit, reachable)
    (folder / "alerts.yaml").write_text(rules)
    second = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    jobs = [{"job_name": "image-grpc", "static_configs": [{"targets": list(targets)}]}]
    (folder / "prometheus.yaml").write_text(
        yaml.safe_dump({"global": second, "rule_files": ["alerts.yaml"], "scrape_configs": jobs})
    )
    port = free_port()
    command = [
        find_program("prometheus", "prometheus"),
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'series'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    process = await asyncio.to_thread(start_server, command, port=port, log=folder / "prometheus.log")
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
            yield Prometheus(http)
    finally:
        process.kill()
        process.wait()
