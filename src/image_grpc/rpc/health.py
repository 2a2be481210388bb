"""The standard health service, per service name: Check, List, and a Watch that ends when the server stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

Status = health_pb2.HealthCheckResponse.ServingStatus
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


class HealthServicer(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # the package has no types
    """All services serve from the start to the stop: a peer that is away takes no process out of rotation."""

    def __init__(self, services: Iterable[str]) -> None:
        self._services = ["", *services]
        self._stopping = asyncio.Event()

    def stop_serving(self) -> None:
        """Everything is NOT_SERVING from now on, and every Watch ends after it has said so."""
        self._stopping.set()

    def _status(self, service: str) -> Any:
        if service not in self._services:
            return None
        return NOT_SERVING if self._stopping.is_set() else SERVING

    async def Check(self, request: Any, context: Any) -> Any:
        """The status of a service; NOT_FOUND if there is none of that name."""
        status = self._status(request.service)
        if status is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"there is no service {request.service!r}")
        return health_pb2.HealthCheckResponse(status=status)

    async def List(self, request: Any, context: Any) -> Any:
        """The status of every service."""
        return health_pb2.HealthListResponse(
            statuses={name: health_pb2.HealthCheckResponse(status=self._status(name)) for name in self._services}
        )

    async def Watch(self, request: Any, context: Any) -> AsyncIterator[Any]:
        """The status of a service now, and when the server stops."""
        status = self._status(request.service)
        yield health_pb2.HealthCheckResponse(status=SERVICE_UNKNOWN if status is None else status)
        await self._stopping.wait()
        if status == SERVING:
            yield health_pb2.HealthCheckResponse(status=NOT_SERVING)
