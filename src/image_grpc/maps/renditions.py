"""Renditions: stored pictures with overlays drawn over them, in another format, or smaller."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from cachetools import LRUCache
from tabletop.image.v1.image_pb2 import Image, ImageContent
from tabletop.image.v1.overlay_pb2 import Overlay
from tabletop.image.v1.types_pb2 import ImageFormat

from image_grpc import pictures
from image_grpc.maps.audience import Fog, ForWhom
from image_grpc.maps.coverage import Coverage
from image_grpc.maps.drawing import draw_map, draw_overlay, portrait_ids
from image_grpc.pictures.provenance import composed_xmp
from image_grpc.pictures.rendering import Drawing
from image_grpc.single_flight import SingleFlight
from image_grpc.workers import GEOMETRY, RENDERING

PORTRAIT_SIDE = 256
"""Side of a token's portrait in pixels."""
CACHED_PORTRAIT_BYTES = 16_000_000
"""Memory in bytes that cached portraits may take."""

GAME_MASTER = ForWhom()

ReadBytes = Callable[[ImageContent], Awaitable[bytes]]
"""Reads the bytes of a stored picture."""
FindImage = Callable[[str], Awaitable[Image | None]]
"""Finds the newest version of an image by id."""


@dataclass(frozen=True, slots=True)
class Rendition:
    """An encoded picture and its description."""

    content: ImageContent
    data: bytes


class Renditions:
    """Renders pictures, at most `concurrency` at a time because each takes much memory, and caches `max_bytes`."""

    def __init__(
        self, coverage: Coverage, read: ReadBytes, find: FindImage, *, max_bytes: int, concurrency: int
    ) -> None:
        self._coverage, self._read, self._find = coverage, read, find
        self._slots = asyncio.Semaphore(concurrency)
        self._cache: LRUCache[str, Rendition] = LRUCache(max_bytes, getsizeof=lambda cached: len(cached.data))
        self._renders: SingleFlight[str, Rendition] = SingleFlight(cancel_unwanted=True)
        self._portraits: LRUCache[str, bytes] = LRUCache(CACHED_PORTRAIT_BYTES, getsizeof=len)

    async def base(self, image: Image, format_: ImageFormat, max_side: int) -> Rendition:
        """Return the stored picture in another format, no side longer than `max_side` pixels (0: any size)."""

        async def render() -> Rendition:
            data = await self._read(image.content)
            return await RENDERING.run(lambda: _rendition(data, format_, max_side))

        return await self._cached(_key(image.content.sha256.encode(), b"base", format_, max_side), render)

    async def composed(
        self,
        image: Image,
        overlays: Sequence[Overlay],
        format_: ImageFormat,
        max_side: int,
        audience: ForWhom = GAME_MASTER,
    ) -> Rendition:
        """Return the stored picture with what its audience sees of its overlays (bottom first) over it, like `base`."""
        visible = audience.overlays(overlays)
        tokens = await self._token_images(visible)

        async def render() -> Rendition:
            portraits = await self._portraits_of(tokens)
            data = await self._read(image.content)

            fog = await _fog(image, audience)

            def draw() -> Rendition:
                weak = audience.draws_weak_edges
                canvas = draw_map(image, visible, self._coverage, portraits, fog, draws_weak_edges=weak)
                xmp = composed_xmp(image)
                return _rendition(data, format_, max_side, drawing=canvas, hides=fog is not None, xmp=xmp)

            return await RENDERING.run(draw)

        messages = [message.SerializeToString(deterministic=True) for message in (image, *visible)]
        digests = [token.content.sha256.encode() for token in tokens.values()]
        key = _key(*messages, *digests, audience.key, b"composed", format_, max_side)
        return await self._cached(key, render)

    async def map_svg(self, image: Image, overlays: Sequence[Overlay], audience: ForWhom = GAME_MASTER) -> str:
        """Return everything that is drawn over a map, with its visible overlays (bottom first), as SVG."""
        visible = audience.overlays(overlays)
        portraits, fog = await self._portraits_of(await self._token_images(visible)), await _fog(image, audience)
        return await RENDERING.run(lambda: draw_map(image, visible, self._coverage, portraits, fog).svg())

    async def overlay_svg(self, image: Image, overlay: Overlay, audience: ForWhom = GAME_MASTER) -> str:
        """Return what its audience sees of a single overlay as SVG."""
        shown = audience.shown(overlay)
        portraits, fog = await self._portraits_of(await self._token_images([shown])), await _fog(image, audience)
        return await RENDERING.run(lambda: draw_overlay(image, shown, self._coverage, portraits, fog).svg())

    async def _token_images(self, overlays: Sequence[Overlay]) -> dict[str, Image]:
        """Return the images that tokens show, by id, without those that no longer exist."""
        images = {id_: await self._find(id_) for id_ in portrait_ids(overlays)}
        return {id_: image for id_, image in images.items() if image is not None}

    async def _portraits_of(self, tokens: Mapping[str, Image]) -> dict[str, bytes]:
        portraits = {}
        for id_, image in tokens.items():
            portrait = self._portraits.get(image.content.sha256)
            if portrait is None:
                data = await self._read(image.content)
                portrait = await RENDERING.run(partial(pictures.square, data, PORTRAIT_SIDE))
                self._portraits[image.content.sha256] = portrait
            portraits[id_] = portrait
        return portraits

    async def _cached(self, key: str, render: Callable[[], Awaitable[Rendition]]) -> Rendition:
        if (rendition := self._cache.get(key)) is not None:
            return rendition

        async def render_in_turn() -> Rendition:
            async with self._slots:
                rendition = await render()
            if len(rendition.data) <= self._cache.maxsize:
                self._cache[key] = rendition
            return rendition

        return await self._renders.run(key, render_in_turn)


async def _fog(image: Image, audience: ForWhom) -> Fog | None:
    return await GEOMETRY.run(lambda: audience.fog(image)) if audience.has_fog else None


def _rendition(
    data: bytes,
    format_: ImageFormat,
    max_side: int,
    *,
    drawing: Drawing | None = None,
    hides: bool = False,
    xmp: bytes = b"",
) -> Rendition:
    """Render and describe a picture. Takes time."""
    rendered = pictures.render(data, format_, max_side=max_side, drawing=drawing, hides=hides, xmp=xmp)
    content = ImageContent(format=format_, byte_size=len(rendered), sha256=hashlib.sha256(rendered).hexdigest())
    content.size.width, content.size.height = pictures.size_of(rendered)
    return Rendition(content, rendered)


def _key(*parts: bytes | int) -> str:
    digest = hashlib.sha256()
    for part in parts:
        value = part if isinstance(part, bytes) else str(int(part)).encode()
        digest.update(len(value).to_bytes(8, "big") + value)
    return digest.hexdigest()
