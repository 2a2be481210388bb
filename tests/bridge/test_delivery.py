"""Requests survive restarts of the server and of the bridge."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from image_grpc import app
from image_grpc.endpoint import Endpoint
from image_grpc.settings import BridgeSettings, load
from image_grpc_testkit.eventually import eventually
from image_grpc_testkit.servers.processes import free_port
from tests.bridge.plain import envelope, plain_client, recording
from tests.service import block_generations, running_standin, service

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_request_waits_for_its_server_unless_it_has_a_reply_address(host: str, tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    async with app.bridge(load(BridgeSettings, hub_url=host), Endpoint(target=address)), plain_client(host) as client:
        async with recording(client, "image.rpc.*") as log:
            pending = envelope("any", {"theme": "horror"})
            await client.send("ThemeService.GetTheme", pending)
            error = (await client.request("ThemeService.GetTheme", {"theme": "horror"}))["payload"]["error"]
            assert (error["code"], error["details"]["retryable"]) == ("UNAVAILABLE", True)
            async with service(tmp_path, hub_url=host, listen=address):
                [completed] = await log.wait_for(pending["correlation_id"])
    assert completed["payload"]["response"]["theme"]["name"] == "horror"


async def test_a_stopping_bridge_finishes_its_requests(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = {"theme": "fantasy", "size": {"width": 64, "height": 64}, "wait_for": "100s"}
    may_continue = block_generations(monkeypatch)
    async with running_standin() as provider, service(tmp_path, provider) as running, plain_client(host) as client:
        settings = load(BridgeSettings, hub_url=host, shutdown_grace_seconds=100)
        async with app.bridge(settings, running.running.for_bridge):
            reply_task = asyncio.create_task(client.request("GenerationService.GeneratePortrait", request))
            await eventually(lambda: provider.standin.in_flight == 1, "the picture is being generated")
            may_continue.set()  # the bridge stops before anything else happens
        reply = await reply_task
    assert reply["payload"]["generation"]["state"] == "GENERATION_STATE_SUCCEEDED"
