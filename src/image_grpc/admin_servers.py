"""Small gRPC servers on ports of their own, for operators and orchestrators."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import grpc
from grpc_channelz.v1 import channelz
from grpc_health.v1 import health_pb2_grpc

from image_grpc.rpc.health import Check, HealthServicer


@asynccontextmanager
async def health_server(listen: str, check: Check, *, shared: bool = False) -> AsyncIterator[None]:
    """Serve the health service, SERVING within the block while a check holds. Raises OSError if the port is taken.

    With `shared`, several processes may listen at one port.
    """
    health = HealthServicer({"": check})
    async with _serving(listen, lambda server: health_pb2_grpc.add_HealthServicer_to_server(health, server), shared):
        try:
            yield
        finally:
            health.stop_serving()


def channelz_server(listen: str, *, shared: bool = False) -> AbstractAsyncContextManager[None]:
    """Serve channelz within the block. Raises OSError if the port is unavailable."""
    return _serving(listen, channelz.add_channelz_servicer, shared)


@asynccontextmanager
async def _serving(listen: str, add_servicer: Callable[[grpc.aio.Server], None], shared: bool) -> AsyncIterator[None]:
    server = grpc.aio.server(options=[("grpc.so_reuseport", int(shared))])
    add_servicer(server)
    try:
        server.add_insecure_port(listen)
    except RuntimeError as error:
        raise OSError(f"cannot listen on {listen}") from error
    await server.start()
    try:
        yield
    finally:
        await server.stop(grace=1.0)
