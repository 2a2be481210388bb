"""Renditions from ReadImage: composed, in another format, smaller."""

from __future__ import annotations

import hashlib
import uuid
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import pytest_asyncio
import pyvips
from tabletop.image.v1.generation_request_pb2 import RegenerateImageRequest
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import ImageLayer, ReadImageRequest
from tabletop.image.v1.overlay_service_pb2 import UpdateOverlayRequest
from tabletop.image.v1.types_pb2 import ImageFormat

from tests.service import CELL_PIXELS, Service, element, grid_properties, picture_bytes, portrait, service, tactical_map
from tests.statuses import failed_stream

pytestmark = pytest.mark.asyncio(loop_scope="module")

COMPOSED = ImageLayer.IMAGE_LAYER_COMPOSED
LOADERS = {
    ImageFormat.IMAGE_FORMAT_PNG: "pngload_buffer",
    ImageFormat.IMAGE_FORMAT_JPEG: "jpegload_buffer",
    ImageFormat.IMAGE_FORMAT_WEBP: "webpload_buffer",
    ImageFormat.IMAGE_FORMAT_AVIF: "heifload_buffer",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def map_image(running: Service) -> Image:
    """Generate a map of 300 x 200 pixels without grid, with a large token centered on (50, 50)."""
    image = (await running.generate(tactical_map(size={"width": 300, "height": 200}))).image
    properties = {"color": "#ff00ff", "radius": 20}
    await running.create_overlay(image.id, element("orc", 50 / 70, 50 / 70, properties=properties))
    return await running.get_image(image.id)


def decoded(data: bytes) -> pyvips.Image:
    return pyvips.Image.new_from_buffer(data, "")


def pixels(data: bytes) -> Any:
    return decoded(data).colourspace("srgb").extract_band(0, n=3).numpy().astype(int)


def xmp_of(data: bytes) -> str:
    packet: bytes = decoded(data).get("xmp-data")
    return packet.decode()


# Composed


async def test_a_composed_map_shows_its_overlays_at_their_positions(running: Service, map_image: Image) -> None:
    base, composed = pixels(await running.read(map_image.id)), pixels(await running.read(map_image.id, layer=COMPOSED))
    assert composed.shape == base.shape
    assert tuple(composed[40, 50]) == (255, 0, 255)
    differs = np.any(base != composed, axis=2)
    assert differs[35:65, 35:65].any()
    assert not differs[:25, 100:].any(), "the picture is unchanged elsewhere"


async def test_a_composed_map_shows_its_grid_only_if_it_is_enabled(running: Service) -> None:
    enabled = await running.upload(map=grid_properties(color="#ff0000"))
    disabled = await running.upload(map=grid_properties(color="#ff0000", enabled=False))
    stored = pixels(await running.read(enabled.id))
    with_grid = pixels(await running.read(enabled.id, layer=COMPOSED))
    without = pixels(await running.read(disabled.id, layer=COMPOSED))
    line, inside = (
        (CELL_PIXELS * 2 + CELL_PIXELS // 2, CELL_PIXELS),
        (CELL_PIXELS * 2 + CELL_PIXELS // 2, CELL_PIXELS + CELL_PIXELS // 2),
    )
    assert with_grid[line][0] > stored[line][0] + 50
    assert tuple(with_grid[inside]) == tuple(without[inside]) == tuple(without[line]) == tuple(stored[line])


async def test_a_composed_map_changes_with_its_overlays_and_the_stored_picture_does_not(running: Service) -> None:
    data = picture_bytes()
    image = await running.upload(data)
    bare = await running.read(image.id, layer=COMPOSED)
    overlay = await running.create_overlay(image.id, element("orc"))
    with_token = await running.read(image.id, layer=COMPOSED)
    assert with_token != bare
    hide = UpdateOverlayRequest(overlay_id=overlay.id, version=1, changes={"visible": False})
    await running.overlays.UpdateOverlay(hide)
    assert await running.read(image.id, layer=COMPOSED) == bare
    assert await running.read(image.id) == data


@pytest.mark.parametrize(
    "make",
    [
        lambda plain: plain.colourspace("b-w"),
        lambda plain: plain.bandjoin(128),
        lambda plain: plain.colourspace("rgb16"),
        lambda plain: plain.colourspace("b-w").bandjoin(128),
    ],
    ids=["gray", "transparent", "16 bits", "gray and transparent"],
)
async def test_pictures_of_any_pixel_format_can_be_composed(running: Service, make: Any) -> None:
    data: bytes = make(decoded(picture_bytes())).write_to_buffer(".png")
    image = await running.upload(data, map=grid_properties())
    await running.create_overlay(image.id, element("orc", properties={"color": "#ff00ff"}))
    for format_ in LOADERS:
        assert await running.read(image.id, format=format_)
        composed = pixels(await running.read(image.id, layer=COMPOSED, format=format_))
        assert composed.shape == (10 * CELL_PIXELS, 10 * CELL_PIXELS, 3)
    assert len(set(map(tuple, composed.reshape(-1, 3)))) > 1


async def test_a_composed_image_without_map_is_the_stored_picture(running: Service) -> None:
    image = (await running.generate(portrait())).image
    content, data = await running.read_with_description(image.id, layer=COMPOSED)
    assert content == image.content
    assert data == await running.read(image.id)


async def test_old_versions_can_be_composed(running: Service, map_image: Image) -> None:
    whole = await running.read(map_image.id, layer=COMPOSED)
    assert await running.read(map_image.id, layer=COMPOSED, version=1) == whole
    request = ReadImageRequest(image_id=map_image.id, version=2, layer=COMPOSED)
    assert (await failed_stream(running.images.ReadImage(request))).reason == "IMAGE_NOT_FOUND"


# Formats and sizes


@pytest.mark.parametrize("layer", [ImageLayer.IMAGE_LAYER_BASE, COMPOSED])
@pytest.mark.parametrize("format_", LOADERS, ids=ImageFormat.Name)
async def test_each_format_matches_its_description_and_can_be_decoded(
    running: Service, map_image: Image, format_: ImageFormat, layer: int
) -> None:
    content, data = await running.read_with_description(map_image.id, format=format_, layer=layer)
    assert content.format == format_
    assert (content.byte_size, content.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    picture = decoded(data)
    assert picture.get("vips-loader") == LOADERS[format_]
    assert (picture.width, picture.height) == (content.size.width, content.size.height) == (300, 200)
    assert await running.read(map_image.id, format=format_, layer=layer) == data, "renditions are reproducible"


@pytest.mark.parametrize("layer", [ImageLayer.IMAGE_LAYER_BASE, COMPOSED])
@pytest.mark.parametrize(
    ("max_side", "size"), [(150, (150, 100)), (16, (16, 11)), (300, (300, 200)), (4096, (300, 200))]
)
async def test_a_longest_side_keeps_the_ratio_and_never_enlarges(
    running: Service, map_image: Image, max_side: int, size: tuple[int, int], layer: int
) -> None:
    content, data = await running.read_with_description(map_image.id, max_side=max_side, layer=layer)
    assert (content.size.width, content.size.height) == size
    assert (decoded(data).width, decoded(data).height) == size
    assert content.format == map_image.content.format


async def test_a_rendition_equal_to_the_stored_picture_has_its_bytes(running: Service, map_image: Image) -> None:
    content, data = await running.read_with_description(map_image.id, max_side=300, format=map_image.content.format)
    assert content == map_image.content
    assert data == await running.read(map_image.id)


async def test_renditions_are_the_same_after_a_restart(tmp_path: Path) -> None:
    renditions = []
    for _ in range(2):
        async with service(tmp_path) as it:
            if not renditions:
                image = await it.upload(map=grid_properties())
                await it.create_overlay(image.id, element("orc", properties={"label": "Orc"}))
            renditions.append([await it.read(image.id, layer=COMPOSED, format=format_) for format_ in LOADERS])
    assert renditions[0] == renditions[1]


# Ranges


@pytest.mark.parametrize("fields", [{"layer": COMPOSED}, {"format": 2}, {"max_side": 100}], ids=str)
async def test_any_range_of_a_rendition_can_be_read(running: Service, map_image: Image, fields: dict[str, Any]) -> None:
    content, whole = await running.read_with_description(map_image.id, **fields)
    for offset, limit in ((0, 1), (17, 0), (17, 100), (len(whole) - 1, 5), (len(whole), 0), (5, 10**12)):
        range_content, data = await running.read_with_description(map_image.id, offset=offset, limit=limit, **fields)
        assert range_content == content
        assert data == (whole[offset : offset + limit] if limit else whole[offset:])


@pytest.mark.parametrize("fields", [{"layer": COMPOSED}, {"format": 2}, {"max_side": 100}], ids=str)
async def test_an_offset_past_the_end_of_a_rendition_is_rejected(
    running: Service, map_image: Image, fields: dict[str, Any]
) -> None:
    size = len(await running.read(map_image.id, **fields))
    request = ReadImageRequest(image_id=map_image.id, offset=size + 1, **fields)
    error = await failed_stream(running.images.ReadImage(request))
    assert (error.code, error.reason) == (grpc.StatusCode.OUT_OF_RANGE, "OFFSET_OUT_OF_RANGE")
    assert error.fields == ["offset"]


async def test_large_renditions_are_sent_in_chunks_within_the_default_message_limit(running: Service) -> None:
    noise = pyvips.Image.gaussnoise(1000, 1000, seed=1).cast("uchar").bandjoin([50, 60])
    image = await running.upload(noise.write_to_buffer(".png"))
    request = ReadImageRequest(image_id=image.id, layer=COMPOSED)
    chunks = [len(part.data) async for part in running.images.ReadImage(request)][1:]
    assert len(chunks) > 1
    assert max(chunks) <= 1024 * 1024


# Provenance


async def test_pictures_have_provenance_metadata(running: Service, map_image: Image) -> None:
    stored = xmp_of(await running.read(map_image.id))
    assert "digitalsourcetype/trainedAlgorithmicMedia" in stored
    assert f"uuid:{map_image.id}" in stored
    assert map_image.metadata.generation_params.model in stored
    for format_ in LOADERS:
        assert "/trainedAlgorithmicMedia" in xmp_of(await running.read(map_image.id, format=format_))
        composed = xmp_of(await running.read(map_image.id, format=format_, layer=COMPOSED))
        assert "digitalsourcetype/compositeSynthetic" in composed


async def test_provenance_has_the_version_and_no_text_from_callers(running: Service) -> None:
    fields: dict[str, Any] = {
        "details": "a hidden vault",
        "source": {"id": str(uuid.uuid4()), "service": "campaign-service"},
    }
    image = (await running.generate(tactical_map(size={"width": 64, "height": 64}, **fields))).image
    changed = RegenerateImageRequest(image_id=image.id, version=1, tactical_map={"details": "a hidden well"})
    await running.generate(changed)
    for version in (1, 2):
        for layer in (ImageLayer.IMAGE_LAYER_BASE, COMPOSED):
            packet = xmp_of(await running.read(image.id, version=version, layer=layer))
            assert f'VersionID="{version}"' in packet
            for text in ("hidden", fields["source"]["id"], "campaign-service"):
                assert text not in packet


async def test_an_uploaded_map_is_not_marked_as_generated(running: Service) -> None:
    image = await running.upload(map=grid_properties())
    assert "xmp-data" not in decoded(await running.read(image.id)).get_fields()
    composed = xmp_of(await running.read(image.id, layer=COMPOSED))
    assert 'digitalsourcetype/composite"' in composed
    assert "AISystemUsed" not in composed
