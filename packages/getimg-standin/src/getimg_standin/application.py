"""The ASGI application: routes, and the headers of every API response."""

from __future__ import annotations

import secrets

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from getimg_standin.connections import ClientDisconnected, Connections, handle_disconnected
from getimg_standin.control import Control
from getimg_standin.downloads import Downloads
from getimg_standin.errors import ApiError, handle_api_error, handle_http_error
from getimg_standin.gallery import Gallery
from getimg_standin.generations import Generations
from getimg_standin.links import Links
from getimg_standin.queries import Queries
from getimg_standin.workspace import Workspace


def create_application(workspace: Workspace, gallery: Gallery, connections: Connections) -> ASGIApp:
    """Return the application with all endpoints."""
    links = Links(workspace.api_key)
    generations = Generations(workspace, gallery, links, connections)
    downloads = Downloads(workspace, gallery, links, connections)
    queries = Queries(workspace)
    control = Control(workspace)
    routes = [
        Route("/v2/images/generations", generations.post, methods=["POST"]),
        Route("/v2/models", queries.models),
        Route("/v2/models/{model}", queries.model),
        Route("/v2/billing/balance", queries.balance),
        Route("/v2/billing/costs", queries.costs),
        Route("/files/{name}", downloads.get),
        Route("/_standin", control.report),
        Route("/_standin/faults", control.put_faults, methods=["PUT"]),
        Route("/_standin/faults", control.delete_faults, methods=["DELETE"]),
        Route("/_standin/behavior", control.put_behavior, methods=["PUT"]),
        Route("/_standin/reset", control.reset, methods=["POST"]),
    ]
    handlers = {ApiError: handle_api_error, ClientDisconnected: handle_disconnected, HTTPException: handle_http_error}
    return _with_api_headers(Starlette(routes=routes, exception_handlers=handlers), workspace)


def _with_api_headers(app: ASGIApp, workspace: Workspace) -> ASGIApp:
    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = secrets.token_hex(8)
                headers.update(workspace.rate_headers())
            await send(message)

        is_api = scope["type"] == "http" and scope["path"].startswith("/v2/")
        await app(scope, receive, send_with_headers if is_api else send)

    return wrapped
