"""Ports beside that of the API, each for one service that tells of the process itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import grpc
from grpc_channelz.v1 import channelz
from grpc_health.v1 import health_pb2_grpc

from image_grpc.rpc.health import HealthServicer

STOP_SECONDS = 1.0


@asynccontextmanager
async def health_port(listen: str) -> AsyncIterator[None]:
    """Within the block, the process says SERVING at this address. Raises OSError if the port cannot be had."""
    health = HealthServicer([])
    async with _listening(listen, lambda server: health_pb2_grpc.add_HealthServicer_to_server(health, server)):
        try:
            yield
        finally:
            health.stop_serving()


@asynccontextmanager
async def channelz_port(listen: str) -> AsyncIterator[None]:
    """Within the block, channelz answers at this address. Raises OSError if the port cannot be had."""
    async with _listening(listen, channelz.add_channelz_servicer):
        yield


@asynccontextmanager
async def _listening(listen: str, add: Callable[[grpc.aio.Server], None]) -> AsyncIterator[None]:
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    add(server)
    try:
        server.add_insecure_port(listen)
    except RuntimeError as problem:
        raise OSError(f"cannot listen on {listen}") from problem
    await server.start()
    try:
        yield
    finally:
        await server.stop(STOP_SECONDS)
