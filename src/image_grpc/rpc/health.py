"""The standard health service per service name, with a Watch that ends when the server stops."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from image_grpc.rpc import Context

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
READINESS = "readiness"
"""Name whose status depends on the dependencies, unlike that of the services."""
WATCH_SECONDS = 1.0
"""Interval at which a Watch looks for a change."""

Check = Callable[[], bool]


def always() -> bool:
    """Serve from start to stop."""
    return True


class HealthServicer(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # the package has no types
    """Reports each name as SERVING while its check holds, until the server stops."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self._stopping = asyncio.Event()

    def stop_serving(self) -> None:
        """Report NOT_SERVING from now on, and end every Watch after it has reported that."""
        self._stopping.set()

    def _status(self, service: str) -> int | None:
        if service not in self._checks:
            return None
        return int(SERVING if self._checks[service]() and not self._stopping.is_set() else NOT_SERVING)

    async def Check(self, request: health_pb2.HealthCheckRequest, context: Context) -> health_pb2.HealthCheckResponse:
        """Return the status of a name. NOT_FOUND if there is none."""
        status = self._status(request.service)
        if status is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"service {request.service!r} does not exist")
        return health_pb2.HealthCheckResponse(status=status)

    async def List(self, request: health_pb2.HealthListRequest, context: Context) -> health_pb2.HealthListResponse:
        """Return the status of every name."""
        return health_pb2.HealthListResponse(
            statuses={name: health_pb2.HealthCheckResponse(status=self._status(name)) for name in self._checks}
        )

    async def Watch(
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """Report the status of a name now and whenever it changes, until the server stops."""
        reported = None
        while True:
            is_stopping = self._stopping.is_set()  # it may begin to stop while a status is being sent
            status = self._status(request.service)
            status = int(SERVICE_UNKNOWN) if status is None else status
            if status != reported:
                reported = status
                yield health_pb2.HealthCheckResponse(status=status)
            if is_stopping:
                return
            try:
                async with asyncio.timeout(WATCH_SECONDS):
                    await self._stopping.wait()
            except TimeoutError:
                continue
