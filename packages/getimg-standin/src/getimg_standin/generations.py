"""`POST /v2/images/generations`."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from getimg_standin.art import Brief
from getimg_standin.catalog import pixel_size
from getimg_standin.connections import ClientGone, Connections, unless_gone, until_gone
from getimg_standin.errors import ApiError
from getimg_standin.faults import GENERATION_FAULTS, Fault, FaultKind
from getimg_standin.gallery import Gallery
from getimg_standin.generation_request import MAX_REQUEST_BYTES, GenerationRequest, check, read_object
from getimg_standin.links import Links
from getimg_standin.picture import Picture
from getimg_standin.workspace import Workspace

_NONSENSE = b'{"id": "gen_", "status": "completed", "data": [{"url"'


class Generations:
    """The endpoint that draws."""

    def __init__(self, workspace: Workspace, gallery: Gallery, links: Links, connections: Connections) -> None:
        self._workspace = workspace
        self._gallery = gallery
        self._links = links
        self._connections = connections

    async def post(self, request: Request) -> Response:
        """Draws, bills and answers with a link; or fails as a fault or a limit wants it to."""
        self._workspace.calls += 1
        call = self._workspace.calls
        self._workspace.require_key(request.headers.get("authorization"))
        body = await _read_body(request)
        value = read_object(body)
        self._workspace.prompts.append(_without_picture_data(value))
        with self._workspace.running():
            self._workspace.admit()
            fault = self._workspace.faults.take(GENERATION_FAULTS)
            if fault is not None:
                return await self._fail(fault, request)
            return await self._generate(check(value), request, call)

    async def _generate(self, wanted: GenerationRequest, request: Request, call: int) -> Response:
        price = wanted.model.prices[wanted.resolution]
        # Billed before it is drawn, as in-flight calls must not overdraw the balance together. So a client
        # that does not wait for the answer has paid, as with the real service.
        self._workspace.bill(price)
        picture = await unless_gone(request.receive, self._draw(wanted, call))
        expires = int(self._workspace.now() + self._workspace.behavior.url_lifetime)
        base_url = str(request.base_url).rstrip("/")
        answer = {
            "id": f"gen_{secrets.token_hex(12)}",
            "status": "completed",
            "model": wanted.model.id,
            "data": [
                {
                    "url": base_url + self._links.signed_path(picture, expires),
                    "mime_type": picture.mime_type,
                    "deletes_at": datetime.fromtimestamp(expires, UTC).isoformat().replace("+00:00", "Z"),
                    "width": picture.width,
                    "height": picture.height,
                }
            ],
            "usage": {
                "billable_unit": "image",
                "quantity": 1,
                "unit_price": float(price),
                "total_cost": float(price),
            },
        }
        return JSONResponse(answer)

    async def _draw(self, wanted: GenerationRequest, call: int) -> Picture:
        behavior = self._workspace.behavior
        await asyncio.sleep(behavior.latency)
        width, height = pixel_size(wanted.aspect_ratio, wanted.resolution)
        picture = Picture(
            brief=Brief.from_prompt(wanted.prompt),
            seed=await self._seed(wanted),
            width=width,
            height=height,
            format=wanted.output_format,
        )
        if behavior.variety is not None:
            picture = self._gallery.in_series(picture, call, behavior.variety)
        await self._gallery.bytes_of(picture)
        return picture

    async def _seed(self, wanted: GenerationRequest) -> int:
        """The API takes no seed, so each call gets its own; but a reference image decides the layout."""
        if not wanted.references:
            return secrets.randbits(48)
        reference = wanted.references[0]
        if isinstance(reference, str):
            return int.from_bytes(hashlib.blake2b(reference.encode(), digest_size=6).digest())
        return await self._gallery.seed_of(reference)

    async def _fail(self, fault: Fault, request: Request) -> Response:
        match fault.kind:
            case FaultKind.STATUS:
                raise ApiError(fault.status, fault.message, code=fault.code, retry_after=fault.retry_after)
            case FaultKind.INVALID:
                return Response(_NONSENSE, media_type="application/json")
            case FaultKind.CUT:
                self._connections.cut(request)
        await until_gone(request.receive)
        raise ClientGone


async def _read_body(request: Request) -> bytes:
    # An oversized body is read to its end all the same, or else the client would still be sending when the
    # refusal arrives, and would see a broken connection instead of it.
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size <= MAX_REQUEST_BYTES:
            parts.append(part)
    if size > MAX_REQUEST_BYTES:
        raise ApiError(400, "The request is over 25 MiB.", code="request_too_large")
    return b"".join(parts)


def _without_picture_data(body: Mapping[str, object]) -> dict[str, object]:
    """The body with inline pictures cut down to their kind and length, fit to be kept."""
    images = body.get("images")
    if not isinstance(images, list):
        return dict(body)
    return {**body, "images": [_shortened(image) for image in images]}


def _shortened(image: object) -> object:
    url = image.get("url") if isinstance(image, dict) else None
    if not isinstance(url, str) or not url.startswith("data:"):
        return image
    head, comma, data = url.partition(",")
    return {"url": f"{head}{comma}<{len(data)} characters>"}
