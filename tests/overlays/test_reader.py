"""Reading and rendering overlays through OverlayService, over a real channel."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from tabletop.image.v1 import overlay_service_pb2 as pb
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import DeleteImageRequest, ListImagesRequest
from tabletop.image.v1.overlay_pb2 import CampaignElement

from tests.overlays.builders import MOVE, NEIGHBORHOOD, covered, get, ids, list_page, place, update
from tests.service import CELL_PIXELS, Service, element, portrait

pytestmark = pytest.mark.asyncio(loop_scope="module")


# Get and list


async def test_every_response_has_the_cells_that_elements_cover(running: Service, battlefield: Image) -> None:
    created = await running.create_overlay(
        battlefield.id, element("goblin"), element("move", range=MOVE), name="Round 1", z_index=3
    )
    assert (created.map_id, created.name, created.visible, created.z_index, created.version) == (
        battlefield.id,
        "Round 1",
        True,
        3,
        1,
    )
    assert ids(created.tactical.elements) == ["goblin", "move"]
    assert covered(created, "move") == NEIGHBORHOOD
    assert await get(running, created.id) == created
    assert list((await list_page(running, battlefield.id)).overlays) == [created]
    renamed = await update(running, created, name="Round 2")
    assert renamed.tactical == created.tactical
    assert await get(running, created.id) == renamed


async def test_overlays_of_lists_and_images_are_in_drawing_order(running: Service, battlefield: Image) -> None:
    created = {z: await running.create_overlay(battlefield.id, z_index=z, name=str(z)) for z in (5, -1, 2)}
    later = await running.create_overlay(battlefield.id, z_index=2, name="later")
    order = [created[-1].id, created[2].id, later.id, created[5].id]
    assert ids((await list_page(running, battlefield.id)).overlays) == order
    assert list((await running.get_image(battlefield.id)).overlays) == order
    all_images = (await running.images.ListImages(ListImagesRequest(page_size=100))).images
    assert [list(image.overlays) for image in all_images if image.id == battlefield.id] == [order]
    pages, token = [], ""
    while not pages or token:
        page = await list_page(running, battlefield.id, page_size=3, page_token=token)
        pages.append(ids(page.overlays))
        token = page.next_page_token
    assert pages == [order[:3], order[3:]]
    await update(running, later, z_index=9)
    assert list((await running.get_image(battlefield.id)).overlays) == [*order[:2], order[3], later.id]


async def test_pages_end_before_they_exceed_the_size_limit(
    running: Service, battlefield: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = [await running.create_overlay(battlefield.id, element("move", range=MOVE)) for _ in range(5)]
    largest = max(overlay.ByteSize() for overlay in created)  # the size of timestamps varies by a byte
    monkeypatch.setattr("image_grpc.overlays.reader.MAX_PAGE_BYTES", 2 * largest)
    pages, token = [], ""
    while not pages or token:
        page = await list_page(running, battlefield.id, page_token=token)
        pages.append(ids(page.overlays))
        token = page.next_page_token
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [id_ for page in pages for id_ in page] == ids(created)
    monkeypatch.setattr("image_grpc.overlays.reader.MAX_PAGE_BYTES", 1)
    assert ids((await list_page(running, battlefield.id)).overlays) == [created[0].id], (
        "a page has at least one overlay"
    )


# Render


async def render(running: Service, **target: str) -> tuple[str, set[str]]:
    """Return the SVG of an overlay or a map, and the set of its texts."""
    response = await running.overlays.RenderOverlay(pb.RenderOverlayRequest(**target))
    drawing = ElementTree.fromstring(response.svg)
    assert (drawing.get("width"), drawing.get("height")) == (str(response.size.width), str(response.size.height))
    assert (response.size.width, response.size.height) == (10 * CELL_PIXELS, 10 * CELL_PIXELS)
    return response.svg, {text for each in drawing.iter() if (text := each.text)}


async def test_a_rendered_map_has_its_visible_overlays_and_a_rendered_overlay_is_alone(
    running: Service, battlefield: Image
) -> None:
    one = await running.create_overlay(
        battlefield.id, element("a", properties={"label": "Ork & <Sohn>", "color": "#12ab34"})
    )
    two = await running.create_overlay(battlefield.id, element("a", properties={"label": "Mira"}))
    await update(running, two, visible=False)
    svg, texts = await render(running, overlay_id=one.id)
    assert "#12ab34" in svg
    assert "Ork & <Sohn>" in texts
    assert "Mira" not in texts
    assert "Mira" in (await render(running, overlay_id=two.id))[1]
    whole, texts = await render(running, map_id=battlefield.id)
    assert "Ork & <Sohn>" in texts
    assert "Mira" not in texts
    assert len(whole) > len(svg), "it contains the grid too"


async def test_a_token_shows_its_portrait(running: Service, battlefield: Image) -> None:
    portrait_image = (await running.generate(portrait())).image
    created = await running.create_overlay(battlefield.id, element("mira", token={"image_id": portrait_image.id}))
    assert "data:image/jpeg;base64," in (await render(running, overlay_id=created.id))[0]
    await running.images.DeleteImage(DeleteImageRequest(image_id=portrait_image.id))
    assert "data:image/jpeg" not in (await render(running, overlay_id=created.id))[0]


@pytest.mark.parametrize("label", ["\x01\x0b\x1f", "\ufffe\uffff", "]]>", "龍 🐉", "x" * 100])
async def test_any_label_can_be_rendered(running: Service, battlefield: Image, label: str) -> None:
    await running.create_overlay(battlefield.id, element("a", properties={"label": label}))
    await render(running, map_id=battlefield.id)
    assert await running.read(battlefield.id, layer="IMAGE_LAYER_COMPOSED")


async def test_elements_far_outside_of_the_map_do_not_break_its_rendering(running: Service, region: Image) -> None:
    far = {"x": 1e308, "y": -1e308}
    elements = [
        CampaignElement(id="inn", coordinates=far, place={"type": "town"}, properties={"label": "far"}),
        place("road", route={"waypoints": [far, {"x": 1, "y": 1}]}),
        place("land", territory={"boundary": [far, {"x": 1, "y": 1}, {"x": 9, "y": 1e300}]}),
    ]
    await running.overlays.CreateCampaignOverlay(pb.CreateCampaignOverlayRequest(map_id=region.id, elements=elements))
    await render(running, map_id=region.id)
    assert await running.read(region.id, layer="IMAGE_LAYER_COMPOSED")
