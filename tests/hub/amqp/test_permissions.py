"""Each part works with a RabbitMQ user that may do no more than documented."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from image_grpc import app
from image_grpc.errors import HubError
from image_grpc.hub.amqp import AmqpHub, open_dead_letters
from image_grpc.hub.permissions import PERMISSIONS, Permissions
from image_grpc.settings import BridgeSettings, EmbeddedSettings, ProgramSettings, StorageServiceSettings, load
from image_grpc_testkit.servers.rabbitmq import Node
from tests.bridge.plain import plain_client
from tests.service import MODEL, running_standin

OPERATIONS = Path("docs/operations.md")


@pytest.mark.parametrize("part", PERMISSIONS)
def test_the_permissions_are_documented(part: str) -> None:
    each = PERMISSIONS[part]
    cells = " | ".join(f"`{pattern}`".replace("|", r"\|") for pattern in (each.configure, each.write, each.read))
    assert cells in OPERATIONS.read_text("utf-8")


async def test_every_part_works_with_its_least_permissions(node: Node, tmp_path: Path) -> None:
    host = await asyncio.to_thread(node.add_virtual_host)

    async def url(permissions: Permissions) -> str:
        each = permissions
        return await asyncio.to_thread(node.add_user, host, each.configure, each.write, each.read)

    hub = AmqpHub(await url(PERMISSIONS["declare"]))
    await hub.start()
    await hub.close()
    async with AsyncExitStack() as stack:
        provider = await stack.enter_async_context(running_standin())
        storage = load(StorageServiceSettings, hub_url=await url(PERMISSIONS["storage"]), data_dir=tmp_path)
        await stack.enter_async_context(app.storage(storage))
        serve = load(
            EmbeddedSettings,
            hub_url=await url(PERMISSIONS["serve"]),
            listen="127.0.0.1:0",
            getimg_base_url=provider.url,
            getimg_api_key=provider.standin.api_key,
            model_portrait=MODEL,
            drain_seconds=0,
        )
        running = await stack.enter_async_context(app.serve(serve))
        bridge = load(BridgeSettings, hub_url=await url(PERMISSIONS["bridge"]))
        await stack.enter_async_context(app.bridge(bridge, running.for_bridge))
        client = await stack.enter_async_context(plain_client(host))
        portrait = {"theme": "fantasy", "size": {"width": 64, "height": 64}, "wait_for": "60s"}
        reply = await client.request("GenerationService.GeneratePortrait", portrait)
        assert reply["payload"]["generation"]["state"] == "GENERATION_STATE_SUCCEEDED"
        assert running.hub.problem == ""
        operator = load(ProgramSettings, hub_url=await url(PERMISSIONS["declare"]))
        generation_id = reply["payload"]["generation"]["id"]
        assert await app.requeue_generations(operator, [generation_id], idle_for=timedelta()) == 0
        async with open_dead_letters(operator.hub_url) as letters:
            assert [letter async for letter in letters] == []


async def test_what_may_not_be_declared_and_does_not_exist_is_named(node: Node) -> None:
    host = await asyncio.to_thread(node.add_virtual_host)
    each = PERMISSIONS["bridge"]
    hub = AmqpHub(await asyncio.to_thread(node.add_user, host, each.configure, each.write, each.read))
    with pytest.raises(HubError, match=r"may not declare them[^:]*:(?s:.*)image\.bridge\.requests"):
        await hub.start()
