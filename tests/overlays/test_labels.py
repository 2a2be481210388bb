"""Labels of elements, over a real channel."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import pyvips
from tabletop.image.v1 import overlay_service_pb2 as pb
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import ImageLayer
from tabletop.image.v1.types_pb2 import ImageFormat

from image_grpc.settings import InvalidSettings, ServerSettings, load
from tests.maps.scripts import SCRIPTS
from tests.service import Service, element, grid_properties, picture_bytes

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def texts(running: Service, map_id: str) -> list[str]:
    """Return all texts that are drawn over a map."""
    response = await running.overlays.RenderOverlay(pb.RenderOverlayRequest(map_id=map_id))
    return [text for each in ElementTree.fromstring(response.svg).iter() if (text := each.text)]


async def composed(running: Service, map_id: str) -> np.ndarray:
    """Return the composed picture."""
    data = await running.read(map_id, layer=ImageLayer.IMAGE_LAYER_COMPOSED, format=ImageFormat.IMAGE_FORMAT_PNG)
    pixels: np.ndarray = pyvips.Image.new_from_buffer(data, "").numpy()
    return pixels


async def test_labels_in_all_scripts_are_drawn_and_unchanged(running: Service, battlefield: Image) -> None:
    tokens = [
        element(str(index), index % 10 + 0.5, index // 10 + 0.5, properties={"label": text})
        for index, text in enumerate(SCRIPTS.values())
    ]
    before = await composed(running, battlefield.id)
    await running.create_overlay(battlefield.id, *tokens)
    assert set(SCRIPTS.values()) <= set(await texts(running, battlefield.id))
    assert not np.array_equal(await composed(running, battlefield.id), before)


async def test_different_labels_look_different(running: Service) -> None:
    pictures = []
    for label in ("한국 용사", "한국 악당", "🐉", "🐁", "\u0378"):
        map_ = await running.upload(picture_bytes(560, 420), map=grid_properties(size=70))
        await running.create_overlay(map_.id, element("a", 3.5, 2.5, properties={"label": label, "color": "#888888"}))
        pictures.append((await composed(running, map_.id)).tobytes())
    assert len(set(pictures)) == len(pictures)


async def test_an_element_off_the_map_draws_nothing(running: Service, battlefield: Image) -> None:
    before = await composed(running, battlefield.id)
    await running.create_overlay(battlefield.id, element("far", 3.5, 50, properties={"label": "Far away"}))
    assert "Far away" not in await texts(running, battlefield.id)
    assert np.array_equal(await composed(running, battlefield.id), before)


async def test_a_folder_of_fonts_must_exist(tmp_path: Path) -> None:
    assert load(ServerSettings, fonts_dir=tmp_path).fonts_dir == tmp_path
    with pytest.raises(InvalidSettings, match="IMAGE_GRPC_FONTS_DIR"):
        load(ServerSettings, fonts_dir=tmp_path / "missing")
