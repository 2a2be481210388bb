"""The TCP connections of the requests: resetting them and detecting disconnects."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

if TYPE_CHECKING:
    import uvicorn

T = TypeVar("T")


class ClientDisconnected(Exception):
    """The client disconnected, or the server stops, before the response was ready."""


class Connections:
    """The open connections of the running server."""

    def __init__(self) -> None:
        self._server: uvicorn.Server | None = None

    def attach(self, server: uvicorn.Server) -> None:
        """Set the server whose connections these are."""
        self._server = server

    def reset(self, request: Request) -> None:
        """Reset the request's connection; unsent data is lost."""
        for transport in self._transports(request.scope):
            transport.abort()

    def close(self, request: Request) -> None:
        """Close the request's connection after the written data has been sent."""
        for transport in self._transports(request.scope):
            transport.close()

    def reset_all(self) -> None:
        """Reset every connection, which ends `until_disconnected` and `unless_disconnected`."""
        for transport in self._transports(None):
            transport.abort()

    def _transports(self, scope: Scope | None) -> list[asyncio.Transport]:
        # The peer's address identifies the connection: uvicorn passes no transport to the application.
        if self._server is None:
            return []
        peer = None if scope is None else tuple(scope["client"])
        transports = [protocol.transport for protocol in self._server.server_state.connections]
        return [transport for transport in transports if peer in (None, _peer(transport))]


def _peer(transport: asyncio.Transport) -> tuple[str, int] | None:
    address = transport.get_extra_info("peername")
    return (address[0], address[1]) if address else None


async def until_disconnected(receive: Receive) -> None:
    """Return when the client has closed the connection. The request's body must have been read."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def unless_disconnected(receive: Receive, work: Awaitable[T]) -> T:
    """Return the result of `work`. Raises ClientDisconnected as soon as the client disconnects."""
    task = asyncio.ensure_future(work)
    disconnected = asyncio.ensure_future(until_disconnected(receive))
    try:
        await asyncio.wait({task, disconnected}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnected
        return task.result()
    finally:
        task.cancel()
        disconnected.cancel()


async def handle_disconnected(_request: Request, _exc: Exception) -> Response:
    """Return a response that is discarded, as the connection is closed; a Starlette exception handler."""
    return Response(status_code=499)


class HalfResponse(Response):
    """A response that announces the whole body, sends half of it and closes the connection."""

    def __init__(self, data: bytes, media_type: str, connections: Connections, request: Request) -> None:
        super().__init__(data, media_type=media_type)
        self._connections = connections
        self._request = request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": half, "more_body": True})
        self._connections.close(self._request)
        # Returning earlier would make uvicorn log an incomplete response.
        await until_disconnected(receive)
