"""`POST /v2/images/generations`."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from getimg_standin.art import Brief, Following
from getimg_standin.catalog import pixel_size
from getimg_standin.connections import ClientDisconnected, Connections, unless_disconnected, until_disconnected
from getimg_standin.errors import ApiError
from getimg_standin.faults import GENERATION_FAULTS, Fault, FaultKind
from getimg_standin.gallery import Gallery
from getimg_standin.generation_request import MAX_REQUEST_BYTES, GenerationRequest, parse_object, parse_request
from getimg_standin.links import Links
from getimg_standin.picture import Picture
from getimg_standin.workspace import Workspace

_BROKEN_JSON = b'{"id": "gen_", "status": "completed", "data": [{"url"'


class Generations:
    """The endpoint that generates pictures."""

    def __init__(self, workspace: Workspace, gallery: Gallery, links: Links, connections: Connections) -> None:
        self._workspace = workspace
        self._gallery = gallery
        self._links = links
        self._connections = connections

    async def post(self, request: Request) -> Response:
        """Bill and draw a picture and return its URL, or fail by a fault or a limit."""
        self._workspace.calls += 1
        call = self._workspace.calls
        self._workspace.require_key(request.headers.get("authorization"))
        body = await _read_body(request)
        value = parse_object(body)
        self._workspace.prompts.append(_without_picture_data(value))
        with self._workspace.running():
            self._workspace.admit()
            fault = self._workspace.faults.take(GENERATION_FAULTS)
            if fault is not None and fault.kind != FaultKind.UNRELATED:
                return await self._fail(fault, request)
            return await self._generate(parse_request(value), request, call, follows=fault is None)

    async def _generate(self, generation: GenerationRequest, request: Request, call: int, *, follows: bool) -> Response:
        price = generation.model.prices[generation.resolution]
        # Billed before drawing, so that concurrent calls cannot overdraw the balance together. As with the
        # real service, a client that disconnects early has paid.
        self._workspace.bill(price)
        picture = await unless_disconnected(request.receive, self._draw(generation, call, follows=follows))
        expires = int(self._workspace.now() + self._workspace.behavior.url_lifetime)
        base_url = str(request.base_url).rstrip("/")
        response = {
            "id": f"gen_{secrets.token_hex(12)}",
            "status": "completed",
            "model": generation.model.id,
            "data": [
                {
                    "url": base_url + self._links.signed_path(picture, expires),
                    "mime_type": picture.mime_type,
                    "deletes_at": datetime.fromtimestamp(expires, UTC).isoformat().replace("+00:00", "Z"),
                    "width": picture.width,
                    "height": picture.height,
                }
            ],
            "usage": {"billable_unit": "image", "quantity": 1, "unit_price": float(price), "total_cost": float(price)},
        }
        return JSONResponse(response)

    async def _draw(self, generation: GenerationRequest, call: int, *, follows: bool) -> Picture:
        behavior = self._workspace.behavior
        await asyncio.sleep(behavior.latency)
        width, height = pixel_size(generation.aspect_ratio, generation.resolution)
        following = await self._following(generation) if follows else None
        references = generation.references if follows else []
        if following is not None:
            references = references[1:]  # without the layout
        picture = Picture(
            brief=Brief.from_prompt(generation.prompt),
            seed=await self._seed(references),
            width=width,
            height=height,
            format=generation.output_format,
            following=following,
        )
        if behavior.variety is not None:
            picture = self._gallery.in_series(picture, call, behavior.variety)
        await self._gallery.encoded(picture)
        return picture

    async def _following(self, generation: GenerationRequest) -> Following | None:
        """Return how the picture follows a layout among the references; None if there is none."""
        inline = [reference for reference in generation.references if isinstance(reference, bytes)]
        digest, behavior = await self._gallery.keep_layout(inline), self._workspace.behavior
        if digest is None:
            return None
        return Following(
            layout=digest,
            shift_x=behavior.layout_shift_x,
            shift_y=behavior.layout_shift_y,
            scale=behavior.layout_scale,
            missing=behavior.layout_missing,
        )

    async def _seed(self, references: Sequence[str | bytes]) -> int:
        """Return the seed of the first reference but a layout, else a random one: the API has no seed parameter."""
        if not references:
            return secrets.randbits(48)
        reference = references[0]
        if isinstance(reference, str):
            return int.from_bytes(hashlib.blake2b(reference.encode(), digest_size=6).digest())
        return await self._gallery.seed_of(reference)

    async def _fail(self, fault: Fault, request: Request) -> Response:
        match fault.kind:
            case FaultKind.STATUS:
                raise ApiError(fault.status, fault.message, code=fault.code, retry_after=fault.retry_after)
            case FaultKind.INVALID:
                return Response(_BROKEN_JSON, media_type="application/json")
            case FaultKind.CUT:
                self._connections.reset(request)
        await until_disconnected(request.receive)
        raise ClientDisconnected


async def _read_body(request: Request) -> bytes:
    # An oversized body is read to its end: a client that is still sending would see a broken connection
    # instead of the error response.
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size <= MAX_REQUEST_BYTES:
            parts.append(part)
    if size > MAX_REQUEST_BYTES:
        raise ApiError(400, "The request exceeds 25 MiB.", code="request_too_large")
    return b"".join(parts)


def _without_picture_data(body: Mapping[str, object]) -> dict[str, object]:
    """Return the body with inline pictures replaced by their type and length."""
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
