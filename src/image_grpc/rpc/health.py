"""The standard health service per service name, with a Watch that ends when the server stops."""

import asyncio
from collections.abc import AsyncIterator, Iterable

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from image_grpc.rpc import Context

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


class HealthServicer(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # the package has no types
    """All services serve from start to stop: an unavailable peer takes no process out of rotation."""

    def __init__(self, services: Iterable[str]) -> None:
        self._services = ["", *services]
        self._stopping = asyncio.Event()

    def stop_serving(self) -> None:
        """Report NOT_SERVING from now on, and end every Watch after it has reported that."""
        self._stopping.set()

    def _status(self, service: str) -> int | None:
        if service not in self._services:
            return None
        return int(NOT_SERVING if self._stopping.is_set() else SERVING)

    async def Check(self, request: health_pb2.HealthCheckRequest, context: Context) -> health_pb2.HealthCheckResponse:
        """Return the status of a service. NOT_FOUND if there is no service of that name."""
        status = self._status(request.service)
        if status is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"service {request.service!r} does not exist")
        return health_pb2.HealthCheckResponse(status=status)

    async def List(self, request: health_pb2.HealthListRequest, context: Context) -> health_pb2.HealthListResponse:
        """Return the status of every service."""
        return health_pb2.HealthListResponse(
            statuses={name: health_pb2.HealthCheckResponse(status=self._status(name)) for name in self._services}
        )

    async def Watch(
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """Report the status of a service now and when the server stops."""
        status = self._status(request.service)
        yield health_pb2.HealthCheckResponse(status=SERVICE_UNKNOWN if status is None else status)
        await self._stopping.wait()
        if status == SERVING:
            yield health_pb2.HealthCheckResponse(status=NOT_SERVING)
