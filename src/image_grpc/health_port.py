"""A port for the standard health service alone, of a process that serves no other RPC."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
from grpc_health.v1 import health_pb2_grpc

from image_grpc.rpc.health import HealthServicer

STOP_SECONDS = 1.0


@asynccontextmanager
async def health_port(listen: str) -> AsyncIterator[None]:
    """Within the block, the process says SERVING at this address. Raises OSError if the port cannot be had."""
    server, health = grpc.aio.server(options=[("grpc.so_reuseport", 0)]), HealthServicer([])
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    try:
        server.add_insecure_port(listen)
    except RuntimeError as problem:
        raise OSError(f"cannot listen on {listen}") from problem
    await server.start()
    try:
        yield
    finally:
        health.stop_serving()
        await server.stop(STOP_SECONDS)
