"""The TCP connections under the requests: cutting them, and noticing when the client has gone."""

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


class ClientGone(Exception):
    """The client went away, or the server is stopping, before there was an answer."""


class Connections:
    """The open connections of the running server."""

    def __init__(self) -> None:
        self._server: uvicorn.Server | None = None

    def attach(self, server: uvicorn.Server) -> None:
        """Takes over the server that is about to run."""
        self._server = server

    def cut(self, request: Request) -> None:
        """Resets the request's connection; what was not yet sent is lost."""
        for transport in self._transports(request.scope):
            transport.abort()

    def close(self, request: Request) -> None:
        """Closes the request's connection after what was already written to it has been sent."""
        for transport in self._transports(request.scope):
            transport.close()

    def cut_all(self) -> None:
        """Resets every connection, which ends every `until_gone` and `unless_gone`."""
        for transport in self._transports(None):
            transport.abort()

    def _transports(self, scope: Scope | None) -> list[asyncio.Transport]:
        # The address of the peer names the connection: uvicorn hands no transport to the application.
        if self._server is None:
            return []
        wanted = None if scope is None else tuple(scope["client"])
        transports = [protocol.transport for protocol in self._server.server_state.connections]
        return [each for each in transports if wanted in (None, _peer(each))]


def _peer(transport: asyncio.Transport) -> tuple[str, int] | None:
    address = transport.get_extra_info("peername")
    return (address[0], address[1]) if address else None


async def until_gone(receive: Receive) -> None:
    """Returns when the client has closed the connection. The request's body must have been read."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def unless_gone(receive: Receive, work: Awaitable[T]) -> T:
    """The result of `work`. Raises ClientGone as soon as the client has closed the connection."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(until_gone(receive))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientGone
        return task.result()
    finally:
        task.cancel()
        gone.cancel()


async def answer_nobody(_request: Request, _exc: Exception) -> Response:
    """Starlette's handler for `ClientGone`: this answer is sent to a closed connection, so to nobody."""
    return Response(status_code=499)


class HalfResponse(Response):
    """Announces the whole body, sends half of it and closes the connection."""

    def __init__(self, data: bytes, media_type: str, connections: Connections, request: Request) -> None:
        super().__init__(data, media_type=media_type)
        self._connections = connections
        self._request = request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": half, "more_body": True})
        self._connections.close(self._request)
        # Returning earlier would make uvicorn complain in its log that the answer is incomplete.
        await until_gone(receive)
