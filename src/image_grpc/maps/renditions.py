"""Renditions: stored pictures with overlays drawn over them, in another format, or smaller."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from cachetools import LRUCache
from tabletop.image.v1.image_pb2 import Image, ImageContent
from tabletop.image.v1.overlay_pb2 import Overlay

from image_grpc import pictures
from image_grpc.maps.audience import Fog, ForWhom
from image_grpc.maps.coverage import Coverage
from image_grpc.maps.drawing import draw_map, draw_overlay, portrait_keys
from image_grpc.maps.drawing_context import PortraitKey
from image_grpc.maps.rendition_cache import Rendition, RenditionCache, rendition_key
from image_grpc.pictures import Composition, Portrait, View
from image_grpc.pictures.claims import composed_claim, rendition_claim, try_to_sign
from image_grpc.pictures.credentials import Claim, PictureSigner
from image_grpc.pictures.provenance import composed_statements
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


class Renditions:
    """Renders stored pictures, and signs the results."""

    def __init__(
        self, coverage: Coverage, read: ReadBytes, find: FindImage, signer: PictureSigner, cache: RenditionCache
    ) -> None:
        self._coverage, self._read, self._find = coverage, read, find
        self._signer, self._cache = signer, cache
        self._portraits: LRUCache[PortraitKey, Portrait] = LRUCache(
            CACHED_PORTRAIT_BYTES, getsizeof=lambda portrait: len(portrait.data)
        )
        """By SHA-256 of the picture instead of the id of the image."""

    async def base(self, image: Image, view: View) -> Rendition:
        """Return a view of the stored picture."""

        async def render() -> Rendition:
            data = await self._read(image.content)
            return await RENDERING.run(lambda: self._render_base(image, data, view))

        # The claims of a signature depend on where the picture comes from.
        origin = (image.metadata.HasField("generation_params"), len(image.metadata.normalizations))
        key = self._key(image.content.sha256.encode(), b"base", *origin, *_parts(view))
        return await self._cache.get(key, image.content, render)

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
                return self._render_composed(image, data, view, Composition(canvas, hides=fog is not None))

            return await RENDERING.run(draw)

        messages = [message.SerializeToString(deterministic=True) for message in (image, *visible)]
        digests = [token.content.sha256.encode() for token in tokens.values()]
        key = self._key(*messages, *digests, audience.key, b"composed", *_parts(view))
        return await self._cache.get(key, image.content, render)

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

    def _render_base(self, image: Image, stored: bytes, view: View) -> Rendition:
        """Render, sign and describe a view of a picture. Takes time."""
        rendered = pictures.render(stored, view)
        return self._signed(rendered, view, lambda: rendition_claim(image, stored, view))

    def _render_composed(self, image: Image, stored: bytes, view: View, composition: Composition) -> Rendition:
        """Render, sign and describe a view of a map with a drawing. Takes time."""
        rendered = pictures.render(stored, view, composition, composed_statements(image))
        return self._signed(rendered, view, lambda: composed_claim(image, stored, view))

    def _signed(self, rendered: bytes, view: View, claim: Callable[[], Claim]) -> Rendition:
        signed = try_to_sign(self._signer, rendered, claim)
        data = signed or rendered
        content = ImageContent(format=view.format, byte_size=len(data), sha256=hashlib.sha256(data).hexdigest())
        content.size.width, content.size.height = pictures.size_of(rendered)
        return Rendition(content, data, is_final=signed is not None)

    def _key(self, *parts: bytes | int) -> str:
        return rendition_key(self._signer.identity, *parts)


async def _fog(image: Image, audience: ForWhom) -> Fog | None:
    return await GEOMETRY.run(lambda: audience.fog(image)) if audience.has_fog else None


def _parts(view: View) -> tuple[int, ...]:
    region = view.region
    part = () if region is None else (region.left, region.top, region.width, region.height)
    return (view.format, view.max_side, *part)
