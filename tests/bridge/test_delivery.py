"""What becomes of messages while servers, and the bridge itself, come and go."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from image_grpc import app
from image_grpc.settings import BridgeSettings, load
from tests.bridge.plain import envelope, hearing, plain_client
from tests.contracts.patience import eventually
from tests.servers import free_port
from tests.service import held, listening, service

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_request_waits_for_its_server_unless_someone_waits_for_the_reply(host: str, tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    async with app.bridge(load(BridgeSettings, hub_url=host), address), plain_client(host) as client:
        async with hearing(client, "image.rpc.*") as ear:
            patient = envelope("any", {"theme": "horror"})
            await client.send("ThemeService.GetTheme", patient)
            error = (await client.ask("ThemeService.GetTheme", {"theme": "horror"}))["payload"]["error"]
            assert (error["code"], error["details"]["retryable"]) == ("UNAVAILABLE", True)
            async with service(tmp_path, hub_url=host, listen=address):
                [completed] = await ear.hears(patient["correlation_id"])
    assert completed["payload"]["response"]["theme"]["name"] == "horror"


async def test_a_bridge_that_stops_answers_what_it_has_in_hand(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = {"theme": "fantasy", "size": {"width": 64, "height": 64}, "wait_for": "100s"}
    may_go_on = held(monkeypatch)
    async with listening() as provider, service(tmp_path, provider) as running, plain_client(host) as client:
        settings = load(BridgeSettings, hub_url=host, shutdown_grace_seconds=100)
        async with app.bridge(settings, running.running.address):
            asking = asyncio.create_task(client.ask("GenerationService.GeneratePortrait", request))
            await eventually(lambda: provider.standin.in_flight == 1, "it is being drawn")
            may_go_on.set()  # the bridge stops before anything else happens
        reply = await asking
    assert reply["payload"]["generation"]["state"] == "GENERATION_STATE_SUCCEEDED"
