"""Renditions: stored pictures with overlays drawn over them, in another format, or smaller."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Protocol

from cachetools import LRUCache
from tabletop.image.v1.image_pb2 import Image, ImageContent
from tabletop.image.v1.overlay_pb2 import Overlay

from image_grpc import pictures
from image_grpc.maps.audience import Fog, ForWhom
from image_grpc.maps.coverage import Coverage
from image_grpc.maps.drawing import draw_map, draw_overlay, portrait_keys
from image_grpc.maps.drawing_context import PortraitKey
from image_grpc.pictures import Composition, Portrait, View
from image_grpc.pictures.claims import composed_claim, rendition_claim, signed
from image_grpc.pictures.credentials import PictureSigner
from image_grpc.pictures.provenance import composed_statements, own_statements
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


class Keeper(Protocol):
    """Keeps renditions for all processes."""

    async def get(self, key: str) -> tuple[ImageContent, bytes] | None:
        """Return a rendition; None if there is none."""

    async def keep(self, key: str, content: ImageContent, data: bytes) -> tuple[ImageContent, bytes]:
        """Keep a rendition, and return the one that is kept."""


class Signing(NamedTuple):
    """What signs renditions, and keeps those that are signed; without a keeper, each process renders its own."""

    signer: PictureSigner
    keeper: Keeper | None = None


class Renditions:
    """Renders pictures, at most `concurrency` at a time because each takes much memory, and caches `max_bytes`."""

    def __init__(
        self,
        coverage: Coverage,
        read: ReadBytes,
        find: FindImage,
        signing: Signing,
        *,
        max_bytes: int,
        concurrency: int,
    ) -> None:
        self._coverage, self._read, self._find = coverage, read, find
        self._signer, self._keeper = signing.signer, signing.keeper
        self._slots = asyncio.Semaphore(concurrency)
        self._cache: LRUCache[str, Rendition] = LRUCache(max_bytes, getsizeof=lambda cached: len(cached.data))
        self._renders: SingleFlight[str, Rendition] = SingleFlight(cancel_unwanted=True)
        self._portraits: LRUCache[PortraitKey, Portrait] = LRUCache(
            CACHED_PORTRAIT_BYTES, getsizeof=lambda portrait: len(portrait.data)
        )
        """By SHA-256 of the picture instead of the id of the image."""

    async def base(self, image: Image, view: View) -> Rendition:
        """Return a view of the stored picture."""

        async def render() -> Rendition:
            data = await self._read(image.content)
            return await RENDERING.run(lambda: self._rendered(image, data, view, Composition()))

        return await self._cached(_key(image.content.sha256.encode(), b"base", *_parts(view)), render)

    async def composed(
        self, image: Image, overlays: Sequence[Overlay], view: View, audience: ForWhom = GAME_MASTER
    ) -> Rendition:
        """Return a view of the stored picture with what its audience sees of its overlays (bottom first) over it."""
        visible = audience.overlays(overlays)
        tokens = await self._token_images(visible)

        async def render() -> Rendition:
            portraits = await self._portraits_of(tokens)
            data = await self._read(image.content)

            fog = await _fog(image, audience)

            def draw() -> Rendition:
                canvas = draw_map(
                    image,
                    visible,
                    self._coverage,
                    portraits,
                    fog,
                    draws_weak_edges=audience.draws_weak_edges,
                    left_out=audience.left_out,
                )
                return self._rendered(image, data, view, Composition(drawing=canvas, hides=fog is not None))

            return await RENDERING.run(draw)

        messages = [message.SerializeToString(deterministic=True) for message in (image, *visible)]
        digests = [token.content.sha256.encode() for token in tokens.values()]
        key = _key(*messages, *digests, audience.key, b"composed", *_parts(view))
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

    async def _token_images(self, overlays: Sequence[Overlay]) -> dict[PortraitKey, Image]:
        """Return the images that tokens show, without those that no longer exist."""
        keys = portrait_keys(overlays)
        images = {id_: await self._find(id_) for id_ in dict.fromkeys(id_ for id_, _ in keys)}
        return {key: image for key in keys if (image := images[key[0]]) is not None}

    async def _portraits_of(self, tokens: Mapping[PortraitKey, Image]) -> dict[PortraitKey, Portrait]:
        portraits = {}
        for key, image in tokens.items():
            cached = (image.content.sha256, key[1])
            portrait = self._portraits.get(cached)
            if portrait is None:
                data = await self._read(image.content)
                portrait = await RENDERING.run(partial(pictures.portrait, data, PORTRAIT_SIDE, key[1]))
                self._portraits[cached] = portrait
            portraits[key] = portrait
        return portraits

    def _rendered(self, image: Image, stored: bytes, view: View, composition: Composition) -> Rendition:
        """Render, sign and describe a view of a picture. Takes time."""
        is_composed = composition.drawing is not None
        stating = composed_statements(image) if is_composed else own_statements
        rendered = pictures.render(stored, view, composition, stating)
        described = pictures.describe(rendered)
        claim = composed_claim if is_composed else rendition_claim
        data = signed(self._signer, rendered, lambda: claim(image, stored, described))
        content = ImageContent(format=view.format, byte_size=len(data), sha256=hashlib.sha256(data).hexdigest())
        content.size.width, content.size.height = described.width, described.height
        return Rendition(content, data)

    async def _kept(self, key: str) -> Rendition | None:
        kept = await self._keeper.get(key) if self._keeper is not None else None
        return Rendition(*kept) if kept is not None else None

    async def _keep(self, key: str, rendition: Rendition) -> Rendition:
        if self._keeper is None:
            return rendition
        return Rendition(*await self._keeper.keep(key, rendition.content, rendition.data))

    async def _cached(self, key: str, render: Callable[[], Awaitable[Rendition]]) -> Rendition:
        if (rendition := self._cache.get(key)) is not None:
            return rendition

        async def render_in_turn() -> Rendition:
            rendition = await self._kept(key)
            if rendition is None:
                async with self._slots:
                    rendition = await render()
                rendition = await self._keep(key, rendition)
            if len(rendition.data) <= self._cache.maxsize:
                self._cache[key] = rendition
            return rendition

        return await self._renders.run(key, render_in_turn)


async def _fog(image: Image, audience: ForWhom) -> Fog | None:
    return await GEOMETRY.run(lambda: audience.fog(image)) if audience.has_fog else None


def _parts(view: View) -> tuple[int, ...]:
    region = view.region
    part = () if region is None else (region.left, region.top, region.width, region.height)
    return (view.format, view.max_side, *part)


def _key(*parts: bytes | int) -> str:
    digest = hashlib.sha256()
    for part in parts:
        value = part if isinstance(part, bytes) else str(int(part)).encode()
        digest.update(len(value).to_bytes(8, "big") + value)
    return digest.hexdigest()
