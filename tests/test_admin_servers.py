from __future__ import annotations

import asyncio
from pathlib import Path

import grpc
import pytest
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc

from image_grpc import app
from image_grpc.admin_servers import health_server
from image_grpc.probe import is_serving
from image_grpc.settings import StorageServiceSettings, load
from image_grpc_testkit.servers.processes import free_port
from image_grpc_testkit.servers.rabbitmq import Node
from tests.service import service


async def test_a_storage_process_is_healthy_while_it_runs(node: Node, tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    settings = load(StorageServiceSettings, hub_url=node.add_virtual_host(), data_dir=tmp_path, health_listen=address)
    async with app.storage(settings):
        assert await asyncio.to_thread(is_serving, address)
    assert not await asyncio.to_thread(is_serving, address)


async def test_a_port_in_use_is_an_error() -> None:
    address = f"127.0.0.1:{free_port()}"
    async with health_server(address, lambda: True):
        with pytest.raises(OSError, match=address):
            async with health_server(address, lambda: True):
                pass


async def test_channelz_is_served_on_its_own_port_only(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    async with service(tmp_path, admin_listen=address) as running:
        async with grpc.aio.insecure_channel(address) as channel:
            servers = await channelz_pb2_grpc.ChannelzStub(channel).GetServers(channelz_pb2.GetServersRequest())
        listening = {socket.name for server in servers.server for socket in server.listen_socket}
        assert any(name.endswith(f":{address}") for name in listening)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await channelz_pb2_grpc.ChannelzStub(running.channel).GetServers(channelz_pb2.GetServersRequest())
        assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
