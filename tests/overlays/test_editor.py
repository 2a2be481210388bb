"""Changes of overlays through OverlayService, over a real channel."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from tabletop.hub.v1.envelope_pb2 import Envelope
from tabletop.image.v1 import overlay_service_pb2 as pb
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.map_pb2 import CoordinateUnit
from tabletop.image.v1.overlay_pb2 import CreatureSize, Overlay, RangeKind

from image_grpc_testkit.eventually import eventually
from tests.overlays.builders import MOVE, NEIGHBORHOOD, covered, get, ids, list_page, place, update
from tests.service import Service, element, new_id, payload_of
from tests.statuses import failed_call, read_status

pytestmark = pytest.mark.asyncio(loop_scope="module")


def changes_of(event: Envelope) -> pb.OverlayChanges:
    return json_format.ParseDict(payload_of(event)["changes"], pb.OverlayChanges())


# Create


async def test_a_campaign_overlay_has_its_elements(running: Service, region: Image) -> None:
    route = {"waypoints": [{"x": 1, "y": 1}, {"x": 90, "y": 40}]}
    elements = [place("inn"), place("party", party={"members": 4}), place("road", route=route)]
    request = pb.CreateCampaignOverlayRequest(map_id=region.id, elements=elements)
    created = (await running.overlays.CreateCampaignOverlay(request)).overlay
    assert list(created.campaign.elements) == elements
    assert await get(running, created.id) == created


async def test_coverage_is_not_part_of_events(running: Service, battlefield: Image) -> None:
    async with running.events_on("overlay.updated") as events:
        created = await running.create_overlay(battlefield.id, element("move", range=MOVE))
        updated = await update(running, created, name="fog", put_tactical_elements=[element("move", range=MOVE)])
        await eventually(lambda: len(events) == 2, "both changes are published")
    assert covered(created, "move") == covered(updated, "move") == NEIGHBORHOOD
    for event in events:
        assert "column" not in json_format.MessageToJson(event)


async def test_a_large_creature_needs_room_and_is_stopped_by_others(running: Service, battlefield: Image) -> None:
    move = MOVE | {"creature_size": CreatureSize.CREATURE_SIZE_LARGE}
    ogre = {"position": {"x": 3.5, "y": 5.5, "unit": CoordinateUnit.COORDINATE_UNIT_CELLS}}
    created = await running.create_overlay(
        battlefield.id,
        element("free", 5, 5, range=move),
        element("hindered", 5, 5, range=move | {"obstacles": [ogre]}),
        element("reach", 5, 5, range=move | {"kind": RangeKind.RANGE_KIND_SPELL}),
    )
    around = {(column, row) for column in range(3, 7) for row in range(3, 7)}
    assert covered(created, "free") == covered(created, "reach") == around
    assert covered(created, "hindered") == around - {(3, 5), (3, 6)}


# Update


async def test_an_update_removes_replaces_and_adds_elements_in_this_order(running: Service, battlefield: Image) -> None:
    created = await running.create_overlay(battlefield.id, element("a"), element("b"), element("c"))
    changed = await update(
        running,
        created,
        visible=False,
        remove_element_ids=["a", "b", "unknown"],
        put_tactical_elements=[element("d"), element("b", range=MOVE), element("c", 7.5)],
    )
    assert (changed.version, changed.visible, changed.name) == (2, False, created.name)
    assert ids(changed.tactical.elements) == ["c", "d", "b"]
    assert changed.tactical.elements[0] == element("c", 7.5)
    assert covered(changed, "b") == NEIGHBORHOOD
    assert await get(running, created.id) == changed


async def test_an_update_without_an_effect_creates_no_version_and_no_event(
    running: Service, battlefield: Image
) -> None:
    async with running.events_on("overlay.updated") as events:
        created = await running.create_overlay(battlefield.id, element("a"))
        for changes in (
            {},
            {"remove_element_ids": ["nobody"]},
            {"put_tactical_elements": [element("a")]},
            {"z_index": created.z_index, "visible": True},
        ):
            assert await update(running, created, **changes) == created
        renamed = await update(running, created, name="fog")
        await eventually(lambda: len(events) == 2, "both changes are published")
    assert renamed.version == created.version + 1


async def test_an_update_with_elements_of_the_other_kind_is_rejected(
    running: Service, battlefield: Image, region: Image
) -> None:
    tactical = await running.create_overlay(battlefield.id)
    error = await failed_call(update(running, tactical, put_campaign_elements=[place("inn")]))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["changes.put_campaign_elements"])
    request = pb.CreateCampaignOverlayRequest(map_id=region.id)
    campaign = (await running.overlays.CreateCampaignOverlay(request)).overlay
    error = await failed_call(update(running, campaign, put_tactical_elements=[element("goblin")]))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["changes.put_tactical_elements"])


@pytest.mark.parametrize("named", [False, True], ids=["without request_id", "with request_id"])
async def test_one_of_two_concurrent_updates_is_aborted(running: Service, battlefield: Image, named: bool) -> None:
    created = await running.create_overlay(battlefield.id)
    names = ["first", "second"]
    results: list[Any] = await asyncio.gather(
        *(update(running, created, new_id() if named else "", name=name) for name in names), return_exceptions=True
    )
    successes = [response for response in results if isinstance(response, Overlay)]
    failures: list[Any] = [response for response in results if not isinstance(response, Overlay)]
    assert (len(successes), len(failures)) == (1, 1)

    error = read_status(failures[0])
    assert (error.code, error.reason) == (grpc.StatusCode.ABORTED, "VERSION_CONFLICT")
    assert await get(running, created.id) == successes[0]
    assert (successes[0].version, successes[0].name) == (2, names[results.index(successes[0])])


# Delete


async def test_a_deleted_overlay_is_removed_from_its_map(running: Service, battlefield: Image) -> None:
    created, other = await running.create_overlay(battlefield.id), await running.create_overlay(battlefield.id)
    stale = pb.DeleteOverlayRequest(overlay_id=created.id, version=7)
    assert (await failed_call(running.overlays.DeleteOverlay(stale))).reason == "VERSION_CONFLICT"
    await running.overlays.DeleteOverlay(pb.DeleteOverlayRequest(overlay_id=created.id, version=1))
    assert (await failed_call(get(running, created.id))).reason == "OVERLAY_ERROR"
    assert ids((await list_page(running, battlefield.id)).overlays) == [other.id]
    assert list((await running.get_image(battlefield.id)).overlays) == [other.id]
    error = await failed_call(running.overlays.DeleteOverlay(pb.DeleteOverlayRequest(overlay_id=created.id)))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "OVERLAY_ERROR")
    assert (await failed_call(update(running, created, new_id(), name="rejected"))).code is grpc.StatusCode.NOT_FOUND


# Repeated requests


async def test_a_repeated_request_id_returns_the_first_response(running: Service, battlefield: Image) -> None:
    create = pb.CreateTacticalOverlayRequest(map_id=battlefield.id, elements=[element("a")], request_id=new_id())
    created = (await running.overlays.CreateTacticalOverlay(create)).overlay
    assert (await running.overlays.CreateTacticalOverlay(create)).overlay == created
    assert len((await list_page(running, battlefield.id)).overlays) == 1

    change = pb.UpdateOverlayRequest(
        overlay_id=created.id, version=1, changes={"remove_element_ids": ["a"]}, request_id=new_id()
    )
    first = (await running.overlays.UpdateOverlay(change)).overlay
    assert (await running.overlays.UpdateOverlay(change)).overlay == first
    await update(running, first, name="by another caller")
    change.version = 3
    assert (await running.overlays.UpdateOverlay(change)).overlay == first
    assert (await get(running, created.id)).version == 3

    delete = pb.DeleteOverlayRequest(overlay_id=created.id, version=3, request_id=new_id())
    await running.overlays.DeleteOverlay(delete)
    await running.overlays.DeleteOverlay(delete)


async def test_a_request_id_with_other_content_is_rejected(running: Service, battlefield: Image) -> None:
    request_id = new_id()
    created = await running.create_overlay(battlefield.id, request_id=request_id)
    other = await running.create_overlay(battlefield.id, request_id=new_id())
    errors = [await failed_call(running.create_overlay(battlefield.id, name="other", request_id=request_id))]
    await update(running, created, request_id, name="once")
    errors.append(await failed_call(update(running, created, request_id, name="other")))
    await running.overlays.DeleteOverlay(pb.DeleteOverlayRequest(overlay_id=created.id, request_id=request_id))
    reused = pb.DeleteOverlayRequest(overlay_id=other.id, request_id=request_id)
    errors.append(await failed_call(running.overlays.DeleteOverlay(reused)))
    for error in errors:
        assert (error.code, error.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
    assert await get(running, other.id) == other


# Events


async def test_each_change_is_published_with_its_content_and_correlation_id(
    running: Service, battlefield: Image
) -> None:
    metadata = (("x-correlation-id", "table-7"),)
    overlays = running.overlays
    async with running.events_on("overlay.updated") as events:
        create = pb.CreateTacticalOverlayRequest(map_id=battlefield.id, elements=[element("a"), element("b")])
        id_ = (await overlays.CreateTacticalOverlay(create, metadata=metadata)).overlay.id
        change = pb.UpdateOverlayRequest(
            overlay_id=id_, version=1, changes={"visible": False, "put_tactical_elements": [element("c")]}
        )
        await overlays.UpdateOverlay(change, metadata=metadata)
        await overlays.DeleteOverlay(pb.DeleteOverlayRequest(overlay_id=id_), metadata=metadata)
        await eventually(lambda: len(events) == 3, "all three changes are published")
    assert {event.correlation_id for event in events} == {"table-7"}
    assert {event.type for event in events} == {"overlay_updated"}
    assert {frozenset(payload_of(event)) for event in events} == {frozenset({"map_id", "overlay_id", "changes"})}
    assert {(payload_of(event)["map_id"], payload_of(event)["overlay_id"]) for event in events} == {
        (battlefield.id, id_)
    }
    created, changed, deleted = (changes_of(event) for event in events)
    assert created == pb.OverlayChanges(put_tactical_elements=create.elements)
    assert changed == change.changes
    assert deleted == pb.OverlayChanges(remove_element_ids=["a", "b", "c"])


async def test_rejected_and_repeated_updates_are_not_published(running: Service, battlefield: Image) -> None:
    created = await running.create_overlay(battlefield.id)
    async with running.events_on("overlay.updated") as events:
        request_id = new_id()
        await update(running, created, request_id, name="once")
        await update(running, created, request_id, name="once")
        await failed_call(update(running, created, name="stale"))
        last = await running.create_overlay(battlefield.id)
        await eventually(
            lambda: any(payload_of(event)["overlay_id"] == last.id for event in events), "the last change is published"
        )
    assert [payload_of(event)["overlay_id"] for event in events] == [created.id, last.id]
