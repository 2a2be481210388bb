"""OverlayService, over a real channel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from xml.etree import ElementTree

import grpc
import pytest
import pytest_asyncio
from google.protobuf import json_format
from tabletop.hub.v1.envelope_pb2 import Envelope
from tabletop.image.v1 import overlay_service_pb2 as pb
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import DeleteImageRequest, ListImagesRequest
from tabletop.image.v1.overlay_pb2 import CampaignElement, Overlay, TacticalElement
from tabletop.image.v1.types_pb2 import ImageSubtype

from image_grpc_testkit.eventually import eventually
from tests.service import CELL, Refusal, Service, element, on_grid, payload_of, portrait, refusal, service, some_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

NINE = {(column, row) for column in (1, 2, 3) for row in (1, 2, 3)}
MOVE = {"kind": 2, "distance_feet": 5.0}
"""One step, from a cell to its eight neighbours."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    async with service(tmp_path_factory.mktemp("overlays")) as it:
        yield it


@pytest_asyncio.fixture(loop_scope="module")
async def field(running: Service) -> Image:
    """A tactical map of 10 x 10 cells."""
    return await running.upload(map=on_grid())


@pytest_asyncio.fixture(loop_scope="module")
async def region(running: Service) -> Image:
    """A campaign map."""
    return await running.upload(subtype=ImageSubtype.IMAGE_SUBTYPE_CAMPAIGN)


def place(id_: str, **fields: Any) -> CampaignElement:
    fields = fields if fields.keys() & {"party", "route", "territory"} else fields | {"place": {"type": "town"}}
    return CampaignElement(id=id_, coordinates={"x": 50, "y": 60}, **fields)


def covered(overlay: Overlay, element_id: str) -> set[tuple[int, int]]:
    """Return the cells that an element covers, according to a response."""
    [entry] = [entry for entry in overlay.tactical.coverage if entry.element_id == element_id]
    return {(cell.column, cell.row) for cell in entry.cells}


def ids(of: Any) -> list[str]:
    return [each.id for each in of]


def changes_of(event: Envelope) -> pb.OverlayChanges:
    return json_format.ParseDict(payload_of(event)["changes"], pb.OverlayChanges())


async def update(running: Service, overlay: Overlay, request_id: str = "", **changes: Any) -> Overlay:
    request = pb.UpdateOverlayRequest(
        overlay_id=overlay.id, version=overlay.version, changes=changes, request_id=request_id
    )
    return (await running.overlays.UpdateOverlay(request)).overlay


async def get(running: Service, overlay_id: str) -> Overlay:
    return (await running.overlays.GetOverlay(pb.GetOverlayRequest(overlay_id=overlay_id))).overlay


async def listed(running: Service, map_id: str, **fields: Any) -> pb.ListOverlaysResponse:
    return await running.overlays.ListOverlays(pb.ListOverlaysRequest(map_id=map_id, **fields))


# Create, get, list


async def test_every_answer_has_the_cells_that_elements_cover(running: Service, field: Image) -> None:
    created = await running.overlay(field.id, element("goblin"), element("move", range=MOVE), name="Round 1", z_index=3)
    assert (created.map_id, created.name, created.visible, created.z_index, created.version) == (
        field.id,
        "Round 1",
        True,
        3,
        1,
    )
    assert ids(created.tactical.elements) == ["goblin", "move"]
    assert covered(created, "move") == NINE
    assert await get(running, created.id) == created
    assert list((await listed(running, field.id)).overlays) == [created]
    renamed = await update(running, created, name="Round 2")
    assert renamed.tactical == created.tactical
    assert await get(running, created.id) == renamed


async def test_an_overlay_of_a_campaign_map_has_what_is_on_it(running: Service, region: Image) -> None:
    route = {"waypoints": [{"x": 1, "y": 1}, {"x": 90, "y": 40}]}
    elements = [place("inn"), place("party", party={"members": 4}), place("road", route=route)]
    request = pb.CreateCampaignOverlayRequest(map_id=region.id, elements=elements)
    created = (await running.overlays.CreateCampaignOverlay(request)).overlay
    assert list(created.campaign.elements) == elements
    assert await get(running, created.id) == created


async def test_coverage_is_not_part_of_events(running: Service, field: Image) -> None:
    async with running.hearing("overlay.updated") as events:
        created = await running.overlay(field.id, element("move", range=MOVE))
        updated = await update(running, created, put_tactical_elements=[element("move", range=MOVE)])
        await eventually(lambda: len(events) == 2, "both changes are published")
    assert covered(created, "move") == covered(updated, "move") == NINE
    for event in events:
        assert "column" not in json_format.MessageToJson(event)


async def test_overlays_are_listed_as_they_are_drawn_and_the_image_names_them_so(
    running: Service, field: Image
) -> None:
    created = {z: await running.overlay(field.id, z_index=z, name=str(z)) for z in (5, -1, 2)}
    later = await running.overlay(field.id, z_index=2, name="later")
    order = [created[-1].id, created[2].id, later.id, created[5].id]
    assert ids((await listed(running, field.id)).overlays) == order
    assert list((await running.image(field.id)).overlays) == order
    all_images = (await running.images.ListImages(ListImagesRequest(page_size=100))).images
    assert [list(image.overlays) for image in all_images if image.id == field.id] == [order]
    pages, token = [], ""
    while not pages or token:
        page = await listed(running, field.id, page_size=3, page_token=token)
        pages.append(ids(page.overlays))
        token = page.next_page_token
    assert pages == [order[:3], order[3:]]
    await update(running, later, z_index=9)
    assert list((await running.image(field.id)).overlays) == [*order[:2], order[3], later.id]


async def test_overlays_too_large_for_one_answer_come_on_several_pages(
    running: Service, field: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = [await running.overlay(field.id, element("move", range=MOVE)) for _ in range(5)]
    largest = max(overlay.ByteSize() for overlay in created)  # their times take a byte more or less
    monkeypatch.setattr("image_grpc.overlays.reader.MAX_PAGE_BYTES", 2 * largest)
    pages, token = [], ""
    while not pages or token:
        page = await listed(running, field.id, page_token=token)
        pages.append(ids(page.overlays))
        token = page.next_page_token
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [id_ for page in pages for id_ in page] == ids(created)
    monkeypatch.setattr("image_grpc.overlays.reader.MAX_PAGE_BYTES", 1)
    assert ids((await listed(running, field.id)).overlays) == [created[0].id], "one is always there"


# What is refused


@pytest.mark.parametrize("kind", ["tactical", "campaign"])
async def test_an_overlay_of_the_other_kind_of_map_is_refused(
    running: Service, field: Image, region: Image, kind: str
) -> None:
    if kind == "tactical":
        call = running.overlay(region.id, element("goblin"))
    else:
        request = pb.CreateCampaignOverlayRequest(map_id=field.id, elements=[place("inn")])
        call = running.overlays.CreateCampaignOverlay(request)
    error = await refusal(call)
    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "OVERLAY_ERROR")
    assert f"is not a {kind} map" in error.message


async def test_a_portrait_has_no_overlays(running: Service) -> None:
    image = (await running.generate(portrait())).image
    assert (await refusal(running.overlay(image.id))).reason == "OVERLAY_ERROR"


async def test_on_a_map_that_is_not_there_nothing_is_put(running: Service, field: Image) -> None:
    overlay = await running.overlay(field.id)
    await running.images.DeleteImage(DeleteImageRequest(image_id=field.id))
    for call in (
        running.overlay(some_id()),
        running.overlay(field.id),
        get(running, overlay.id),
        update(running, overlay, name="late"),
        listed(running, some_id()),
        running.overlays.RenderOverlay(pb.RenderOverlayRequest(map_id=field.id)),
    ):
        error = await refusal(call)
        assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "IMAGE_NOT_FOUND")


async def test_an_overlay_that_is_not_there_is_not_found(running: Service) -> None:
    for request in (
        pb.GetOverlayRequest(overlay_id=some_id()),
        pb.UpdateOverlayRequest(overlay_id=some_id(), version=1, changes={"name": "x"}),
        pb.DeleteOverlayRequest(overlay_id=some_id()),
        pb.DeleteOverlayRequest(overlay_id=some_id(), request_id=some_id()),
        pb.RenderOverlayRequest(overlay_id=some_id()),
    ):
        error = await refusal(getattr(running.overlays, type(request).__name__.removesuffix("Request"))(request))
        assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "OVERLAY_ERROR")
        assert error.metadata["overlay_id"]


WRONG = {
    "an id that comes twice": ([element("a"), element("a")], "[1].id"),
    "no id": ([element("")], "[0].id"),
    "no kind": ([TacticalElement(id="a", position=element("a").position)], "[0].kind"),
    "an unknown portrait": ([element("a", token={"image_id": some_id()})], "[0].token.image_id"),
    "a colour that carries more": ([element("a", properties={"color": "red; url(x)"})], "[0].properties.color"),
    "a colour that is none": ([element("a"), element("b", properties={"color": "notacolor"})], "[1].properties.color"),
    "an endless reach": ([element("a", range={"kind": 1, "distance_feet": float("nan")})], "[0].range.distance_feet"),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_elements_that_make_no_sense_are_refused_by_their_path(
    running: Service, field: Image, wrong: str
) -> None:
    elements, path = WRONG[wrong]
    overlay = await running.overlay(field.id)

    def is_refused(error: Refusal, at: str) -> None:
        assert error.code is grpc.StatusCode.INVALID_ARGUMENT
        assert [field.removesuffix(".kind") for field in error.fields] == [f"{at}{path}".removesuffix(".kind")]

    is_refused(await refusal(running.overlay(field.id, *elements)), "elements")
    error = await refusal(update(running, overlay, put_tactical_elements=elements))
    is_refused(error, "changes.put_tactical_elements")
    assert ids((await listed(running, field.id)).overlays) == [overlay.id]


@pytest.mark.parametrize(("limit", "most"), [("MAX_CELLS", 18), ("MAX_BYTES", 300)])
async def test_more_than_an_answer_carries_is_refused(
    running: Service, field: Image, monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    monkeypatch.setattr(f"image_grpc.overlays.limits.{limit}", most)
    moves = [element(f"{n}" * 50, range=MOVE) for n in range(3)]
    overlay = await running.overlay(field.id, *moves[:2])
    for call in (running.overlay(field.id, *moves), update(running, overlay, put_tactical_elements=moves[2:])):
        error = await refusal(call)
        assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "OVERLAY_ERROR")
    assert await get(running, overlay.id) == overlay


async def test_an_overlay_has_at_most_1000_elements(running: Service, field: Image) -> None:
    overlay = await running.overlay(field.id, *(element(str(n)) for n in range(1000)))
    error = await refusal(update(running, overlay, put_tactical_elements=[element("one more")]))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["changes.put_tactical_elements"])


async def test_a_map_has_at_most_100_overlays(running: Service, field: Image) -> None:
    created = await asyncio.gather(*(running.overlay(field.id, request_id=some_id()) for _ in range(99)))
    request_id = some_id()
    last = await running.overlay(field.id, request_id=request_id)
    assert (await refusal(running.overlay(field.id))).reason == "OVERLAY_ERROR"
    assert await running.overlay(field.id, request_id=request_id) == last
    await running.overlays.DeleteOverlay(pb.DeleteOverlayRequest(overlay_id=created[0].id))
    assert await running.overlay(field.id)


# Update


async def test_an_update_takes_away_replaces_and_adds_in_this_order(running: Service, field: Image) -> None:
    created = await running.overlay(field.id, element("a"), element("b"), element("c"))
    changed = await update(
        running,
        created,
        visible=False,
        remove_element_ids=["a", "b", "never there"],
        put_tactical_elements=[element("d"), element("b", range=MOVE), element("c", 7.5)],
    )
    assert (changed.version, changed.visible, changed.name) == (2, False, created.name)
    assert ids(changed.tactical.elements) == ["c", "d", "b"]
    assert changed.tactical.elements[0] == element("c", 7.5)
    assert covered(changed, "b") == NINE
    assert await get(running, created.id) == changed


async def test_elements_of_the_other_kind_are_refused_in_an_update(
    running: Service, field: Image, region: Image
) -> None:
    tactical = await running.overlay(field.id)
    error = await refusal(update(running, tactical, put_campaign_elements=[place("inn")]))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["changes.put_campaign_elements"])
    request = pb.CreateCampaignOverlayRequest(map_id=region.id)
    campaign = (await running.overlays.CreateCampaignOverlay(request)).overlay
    error = await refusal(update(running, campaign, put_tactical_elements=[element("goblin")]))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["changes.put_tactical_elements"])


@pytest.mark.parametrize("named", [False, True], ids=["without request_id", "with request_id"])
async def test_of_two_updates_at_once_one_wins_and_the_other_is_told(
    running: Service, field: Image, named: bool
) -> None:
    created = await running.overlay(field.id)
    names = ["first", "second"]
    results: list[Any] = await asyncio.gather(
        *(update(running, created, some_id() if named else "", name=name) for name in names), return_exceptions=True
    )
    won = [response for response in results if isinstance(response, Overlay)]
    lost = [response for response in results if not isinstance(response, Overlay)]
    assert (len(won), len(lost)) == (1, 1)

    async def again() -> None:
        raise lost[0]

    error = await refusal(again())
    assert (error.code, error.reason) == (grpc.StatusCode.ABORTED, "VERSION_CONFLICT")
    assert await get(running, created.id) == won[0]
    assert (won[0].version, won[0].name) == (2, names[results.index(won[0])])


# Delete


async def test_a_deleted_overlay_is_gone_from_its_map(running: Service, field: Image) -> None:
    created, other = await running.overlay(field.id), await running.overlay(field.id)
    stale = pb.DeleteOverlayRequest(overlay_id=created.id, version=7)
    assert (await refusal(running.overlays.DeleteOverlay(stale))).reason == "VERSION_CONFLICT"
    await running.overlays.DeleteOverlay(pb.DeleteOverlayRequest(overlay_id=created.id, version=1))
    assert (await refusal(get(running, created.id))).reason == "OVERLAY_ERROR"
    assert ids((await listed(running, field.id)).overlays) == [other.id]
    assert list((await running.image(field.id)).overlays) == [other.id]
    error = await refusal(running.overlays.DeleteOverlay(pb.DeleteOverlayRequest(overlay_id=created.id)))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "OVERLAY_ERROR")
    assert (await refusal(update(running, created, some_id(), name="late"))).code is grpc.StatusCode.NOT_FOUND


# Sent again


async def test_the_same_request_id_again_gets_the_first_answer(running: Service, field: Image) -> None:
    create = pb.CreateTacticalOverlayRequest(map_id=field.id, elements=[element("a")], request_id=some_id())
    created = (await running.overlays.CreateTacticalOverlay(create)).overlay
    assert (await running.overlays.CreateTacticalOverlay(create)).overlay == created
    assert len((await listed(running, field.id)).overlays) == 1

    change = pb.UpdateOverlayRequest(
        overlay_id=created.id, version=1, changes={"remove_element_ids": ["a"]}, request_id=some_id()
    )
    first = (await running.overlays.UpdateOverlay(change)).overlay
    assert (await running.overlays.UpdateOverlay(change)).overlay == first
    await update(running, first, name="by another")
    change.version = 3
    assert (await running.overlays.UpdateOverlay(change)).overlay == first
    assert (await get(running, created.id)).version == 3

    delete = pb.DeleteOverlayRequest(overlay_id=created.id, version=3, request_id=some_id())
    await running.overlays.DeleteOverlay(delete)
    await running.overlays.DeleteOverlay(delete)


async def test_the_same_request_id_with_other_content_is_refused(running: Service, field: Image) -> None:
    request_id = some_id()
    created = await running.overlay(field.id, request_id=request_id)
    other = await running.overlay(field.id, request_id=some_id())
    error = [await refusal(running.overlay(field.id, name="other", request_id=request_id))]
    await update(running, created, request_id, name="once")
    error.append(await refusal(update(running, created, request_id, name="other")))
    await running.overlays.DeleteOverlay(pb.DeleteOverlayRequest(overlay_id=created.id, request_id=request_id))
    reused = pb.DeleteOverlayRequest(overlay_id=other.id, request_id=request_id)
    error.append(await refusal(running.overlays.DeleteOverlay(reused)))
    for each in error:
        assert (each.code, each.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
    assert await get(running, other.id) == other


# Events


async def test_each_change_is_told_with_what_changed_and_the_callers_correlation_id(
    running: Service, field: Image
) -> None:
    metadata = (("x-correlation-id", "table-7"),)
    overlays = running.overlays
    async with running.hearing("overlay.updated") as events:
        create = pb.CreateTacticalOverlayRequest(map_id=field.id, elements=[element("a"), element("b")])
        id_ = (await overlays.CreateTacticalOverlay(create, metadata=metadata)).overlay.id
        change = pb.UpdateOverlayRequest(
            overlay_id=id_, version=1, changes={"visible": False, "put_tactical_elements": [element("c")]}
        )
        await overlays.UpdateOverlay(change, metadata=metadata)
        await overlays.DeleteOverlay(pb.DeleteOverlayRequest(overlay_id=id_), metadata=metadata)
        await eventually(lambda: len(events) == 3, "all three changes are told")
    assert {event.correlation_id for event in events} == {"table-7"}
    assert {event.type for event in events} == {"overlay_updated"}
    assert {frozenset(payload_of(event)) for event in events} == {frozenset({"map_id", "overlay_id", "changes"})}
    assert {(payload_of(event)["map_id"], payload_of(event)["overlay_id"]) for event in events} == {(field.id, id_)}
    created, changed, deleted = (changes_of(event) for event in events)
    assert created == pb.OverlayChanges(put_tactical_elements=create.elements)
    assert changed == change.changes
    assert deleted == pb.OverlayChanges(remove_element_ids=["a", "b", "c"])


async def test_what_is_refused_or_sent_again_is_told_to_nobody(running: Service, field: Image) -> None:
    created = await running.overlay(field.id)
    async with running.hearing("overlay.updated") as events:
        request_id = some_id()
        await update(running, created, request_id, name="once")
        await update(running, created, request_id, name="once")
        await refusal(update(running, created, name="stale"))
        last = await running.overlay(field.id)
        await eventually(
            lambda: any(payload_of(event)["overlay_id"] == last.id for event in events), "the last is told"
        )
    assert [payload_of(event)["overlay_id"] for event in events] == [created.id, last.id]


# Render


async def rendered(running: Service, **target: str) -> tuple[str, set[str]]:
    """The drawing as text, and what is written in it."""
    response = await running.overlays.RenderOverlay(pb.RenderOverlayRequest(**target))
    drawing = ElementTree.fromstring(response.svg)
    assert (drawing.get("width"), drawing.get("height")) == (str(response.size.width), str(response.size.height))
    assert (response.size.width, response.size.height) == (10 * CELL, 10 * CELL)
    return response.svg, {text for each in drawing.iter() if (text := each.text)}


async def test_one_overlay_is_drawn_alone_and_a_map_with_all_that_is_visible(running: Service, field: Image) -> None:
    one = await running.overlay(field.id, element("a", properties={"label": "Ork & <Sohn>", "color": "#12ab34"}))
    two = await running.overlay(field.id, element("a", properties={"label": "Mira"}))
    await update(running, two, visible=False)
    svg, texts = await rendered(running, overlay_id=one.id)
    assert "#12ab34" in svg
    assert "Ork & <Sohn>" in texts
    assert "Mira" not in texts
    assert "Mira" in (await rendered(running, overlay_id=two.id))[1]
    whole, texts = await rendered(running, map_id=field.id)
    assert "Ork & <Sohn>" in texts
    assert "Mira" not in texts
    assert len(whole) > len(svg), "there is the grid besides"


async def test_a_token_shows_its_portrait(running: Service, field: Image) -> None:
    face = (await running.generate(portrait())).image
    created = await running.overlay(field.id, element("mira", token={"image_id": face.id}))
    assert "data:image/jpeg;base64," in (await rendered(running, overlay_id=created.id))[0]
    await running.images.DeleteImage(DeleteImageRequest(image_id=face.id))
    assert "data:image/jpeg" not in (await rendered(running, overlay_id=created.id))[0]


@pytest.mark.parametrize("label", ["\x00\x0b\x1f", "\ufffe\uffff", "]]>", "龍 🐉", "x" * 100])
async def test_whatever_a_label_has_the_map_is_drawn(running: Service, field: Image, label: str) -> None:
    await running.overlay(field.id, element("a", properties={"label": label}))
    await rendered(running, map_id=field.id)
    assert await running.read(field.id, layer="IMAGE_LAYER_COMPOSED")


async def test_places_far_outside_of_the_map_are_drawn_nowhere(running: Service, region: Image) -> None:
    far = {"x": 1e308, "y": -1e308}
    elements = [
        CampaignElement(id="inn", coordinates=far, place={"type": "town"}, properties={"label": "far"}),
        place("road", route={"waypoints": [far, {"x": 1, "y": 1}]}),
        place("land", territory={"boundary": [far, {"x": 1, "y": 1}, {"x": 9, "y": 1e300}]}),
    ]
    await running.overlays.CreateCampaignOverlay(pb.CreateCampaignOverlayRequest(map_id=region.id, elements=elements))
    await rendered(running, map_id=region.id)
    assert await running.read(region.id, layer="IMAGE_LAYER_COMPOSED")
