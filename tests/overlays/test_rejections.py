"""Overlays that OverlayService rejects, over a real channel."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from tabletop.image.v1 import overlay_service_pb2 as pb
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import DeleteImageRequest
from tabletop.image.v1.overlay_pb2 import TacticalElement

from tests.overlays.builders import MOVE, get, ids, list_page, place, update
from tests.service import Service, element, new_id, portrait
from tests.statuses import CallStatus, failed_call

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("kind", ["tactical", "campaign"])
async def test_an_overlay_of_the_other_kind_of_map_is_rejected(
    running: Service, battlefield: Image, region: Image, kind: str
) -> None:
    if kind == "tactical":
        call = running.create_overlay(region.id, element("goblin"))
    else:
        request = pb.CreateCampaignOverlayRequest(map_id=battlefield.id, elements=[place("inn")])
        call = running.overlays.CreateCampaignOverlay(request)
    error = await failed_call(call)
    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "OVERLAY_ERROR")
    assert f"is not a {kind} map" in error.message


async def test_an_overlay_of_a_portrait_is_rejected(running: Service) -> None:
    image = (await running.generate(portrait())).image
    assert (await failed_call(running.create_overlay(image.id))).reason == "OVERLAY_ERROR"


async def test_overlays_of_a_missing_or_deleted_map_are_not_found(running: Service, battlefield: Image) -> None:
    overlay = await running.create_overlay(battlefield.id)
    await running.images.DeleteImage(DeleteImageRequest(image_id=battlefield.id))
    for call in (
        running.create_overlay(new_id()),
        running.create_overlay(battlefield.id),
        get(running, overlay.id),
        update(running, overlay, name="rejected"),
        list_page(running, new_id()),
        running.overlays.RenderOverlay(pb.RenderOverlayRequest(map_id=battlefield.id)),
    ):
        error = await failed_call(call)
        assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "IMAGE_NOT_FOUND")


async def test_a_missing_overlay_is_not_found(running: Service) -> None:
    for request in (
        pb.GetOverlayRequest(overlay_id=new_id()),
        pb.UpdateOverlayRequest(overlay_id=new_id(), version=1, changes={"name": "x"}),
        pb.DeleteOverlayRequest(overlay_id=new_id()),
        pb.DeleteOverlayRequest(overlay_id=new_id(), request_id=new_id()),
        pb.RenderOverlayRequest(overlay_id=new_id()),
    ):
        error = await failed_call(getattr(running.overlays, type(request).__name__.removesuffix("Request"))(request))
        assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "OVERLAY_ERROR")
        assert error.metadata["overlay_id"]


INVALID_ELEMENTS = {
    "a repeated id": ([element("a"), element("a")], "[1].id"),
    "no id": ([element("")], "[0].id"),
    "no kind": ([TacticalElement(id="a", position=element("a").position)], "[0].kind"),
    "a portrait that does not exist": ([element("a", token={"image_id": new_id()})], "[0].token.image_id"),
    "a color with other CSS after it": ([element("a", properties={"color": "red; url(x)"})], "[0].properties.color"),
    "an unknown color name": ([element("a"), element("b", properties={"color": "notacolor"})], "[1].properties.color"),
    "a distance that is not a number": (
        [element("a", range={"kind": 1, "distance_feet": float("nan")})],
        "[0].range.distance_feet",
    ),
}


@pytest.mark.parametrize("case", INVALID_ELEMENTS)
async def test_invalid_elements_are_rejected_with_their_path(running: Service, battlefield: Image, case: str) -> None:
    elements, path = INVALID_ELEMENTS[case]
    overlay = await running.create_overlay(battlefield.id)

    def assert_rejected(error: CallStatus, list_path: str) -> None:
        assert error.code is grpc.StatusCode.INVALID_ARGUMENT
        assert [field.removesuffix(".kind") for field in error.fields] == [f"{list_path}{path}".removesuffix(".kind")]

    assert_rejected(await failed_call(running.create_overlay(battlefield.id, *elements)), "elements")
    error = await failed_call(update(running, overlay, put_tactical_elements=elements))
    assert_rejected(error, "changes.put_tactical_elements")
    assert ids((await list_page(running, battlefield.id)).overlays) == [overlay.id]


@pytest.mark.parametrize(("limit", "value"), [("MAX_CELLS", 18), ("MAX_BYTES", 300)])
async def test_an_overlay_too_large_for_a_response_is_rejected(
    running: Service, battlefield: Image, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(f"image_grpc.overlays.limits.{limit}", value)
    moves = [element(f"{n}" * 50, range=MOVE) for n in range(3)]
    overlay = await running.create_overlay(battlefield.id, *moves[:2])
    for call in (
        running.create_overlay(battlefield.id, *moves),
        update(running, overlay, put_tactical_elements=moves[2:]),
    ):
        error = await failed_call(call)
        assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "OVERLAY_ERROR")
    assert await get(running, overlay.id) == overlay


async def test_an_overlay_has_at_most_1000_elements(running: Service, battlefield: Image) -> None:
    overlay = await running.create_overlay(battlefield.id, *(element(str(n)) for n in range(1000)))
    error = await failed_call(update(running, overlay, put_tactical_elements=[element("one more")]))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["changes.put_tactical_elements"])


async def test_a_map_has_at_most_100_overlays(running: Service, battlefield: Image) -> None:
    created = await asyncio.gather(*(running.create_overlay(battlefield.id, request_id=new_id()) for _ in range(99)))
    request_id = new_id()
    last = await running.create_overlay(battlefield.id, request_id=request_id)
    assert (await failed_call(running.create_overlay(battlefield.id))).reason == "OVERLAY_ERROR"
    assert await running.create_overlay(battlefield.id, request_id=request_id) == last
    await running.overlays.DeleteOverlay(pb.DeleteOverlayRequest(overlay_id=created[0].id))
    assert await running.create_overlay(battlefield.id)
