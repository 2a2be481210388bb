"""What a process tells of itself on ports beside that of the API."""

from __future__ import annotations

import asyncio
from pathlib import Path

import grpc
import pytest
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc

from image_grpc import app
from image_grpc.probe import serves
from image_grpc.settings import StorageServiceSettings, load
from image_grpc.side_ports import health_port
from tests.servers import free_port, rabbitmq
from tests.service import service


async def test_a_storage_process_serves_while_it_takes_requests(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    with rabbitmq() as node:
        async with app.storage(
            load(StorageServiceSettings, hub_url=node.url, data_dir=tmp_path, health_listen=address)
        ):
            assert await asyncio.to_thread(serves, address)
    assert not await asyncio.to_thread(serves, address)


async def test_a_port_that_is_taken_is_told() -> None:
    address = f"127.0.0.1:{free_port()}"
    async with health_port(address):
        with pytest.raises(OSError, match=address):
            async with health_port(address):
                pass


async def test_channelz_is_on_its_own_port_and_not_on_that_of_the_api(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    async with service(tmp_path, admin_listen=address) as running:
        async with grpc.aio.insecure_channel(address) as channel:
            servers = await channelz_pb2_grpc.ChannelzStub(channel).GetServers(channelz_pb2.GetServersRequest())
        listening = {socket.name for server in servers.server for socket in server.listen_socket}
        assert any(name.endswith(f":{address}") for name in listening)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await channelz_pb2_grpc.ChannelzStub(running.channel).GetServers(channelz_pb2.GetServersRequest())
        assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
