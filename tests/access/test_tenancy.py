"""Callers that are bound to a service use its pictures only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from tabletop.image.v1 import audit_service_pb2 as audit_pb
from tabletop.image.v1 import generation_service_pb2 as generations_pb
from tabletop.image.v1 import image_service_pb2 as images_pb
from tabletop.image.v1 import map_service_pb2 as maps_pb
from tabletop.image.v1 import overlay_service_pb2 as overlays_pb
from tabletop.image.v1 import theme_service_pb2 as themes_pb
from tabletop.image.v1.generation_pb2 import Generation
from tabletop.image.v1.generation_request_pb2 import ApplyThemeRequest, RegenerateImageRequest
from tabletop.image.v1.map_pb2 import CoordinateUnit, DoorState
from tabletop.image.v1.overlay_pb2 import CampaignElement, Overlay
from tabletop.image.v1.status_service_pb2 import GetStatusRequest

from image_grpc.access.callers import create_key
from image_grpc.bridge.client import services
from image_grpc_testkit.eventually import eventually
from tests.access.calls import as_caller, jwt_settings, signing_key, token, write_key_set
from tests.service import (
    Service,
    block_generations,
    campaign_map,
    element,
    grid_properties,
    item,
    new_id,
    payload_of,
    portrait,
    service,
    tactical_map,
    upload_parts,
)
from tests.statuses import failed_call, failed_stream

pytestmark = pytest.mark.asyncio(loop_scope="module")

OURS, THEIRS = "campaigns", "characters"


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """A service with two bound callers and an unbound one, and what the first of them has made."""

    us: Service
    them: Service
    platform: Service
    generation: Generation
    overlay: Overlay

    @property
    def image(self) -> str:
        return self.generation.image.id


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder: Path = tmp_path_factory.mktemp("tenancy")
    keys = {name: create_key(folder / "keys", name=name, role="admin", service=name) for name in (OURS, THEIRS)}
    keys["platform"] = create_key(folder / "keys", name="platform", role="admin")
    async with service(folder / "data", api_keys_file=folder / "keys") as running:
        us, them, platform = (as_caller(running, key) for key in keys.values())
        generation = await us.generate(tactical_map(grid={"enabled": True, "size": 16}))
        overlay = await us.create_overlay(generation.image.id, element("goblin"), name="goblins")
        yield World(us=us, them=them, platform=platform, generation=generation, overlay=overlay)


Call = Callable[[Service, World], Any]
NOT_FOUND = {"IMAGE_NOT_FOUND", "GENERATION_NOT_FOUND", "OVERLAY_ERROR"}


def _generate(method: str, request: Callable[..., Any]) -> dict[str, tuple[Call, str]]:
    return {
        f"{method} for another service": (
            lambda them, _: getattr(them.generations, method)(request(source={"service": OURS})),
            "PERMISSION_DENIED",
        ),
        f"{method} with a reference": (
            lambda them, world: getattr(them.generations, method)(request(reference_image_ids=[world.image])),
            "INVALID_ARGUMENT",
        ),
    }


FOREIGN: dict[str, tuple[Call, str]] = {
    **_generate("GenerateTacticalMap", tactical_map),
    **_generate("GenerateCampaignMap", campaign_map),
    **_generate("GeneratePortrait", portrait),
    **_generate("GenerateItemIllustration", item),
    "RegenerateImage": (
        lambda them, world: them.generations.RegenerateImage(RegenerateImageRequest(image_id=world.image, version=1)),
        "IMAGE_NOT_FOUND",
    ),
    "ApplyTheme": (
        lambda them, world: them.generations.ApplyTheme(
            ApplyThemeRequest(image_id=world.image, version=1, theme="cyberpunk")
        ),
        "IMAGE_NOT_FOUND",
    ),
    "GetGeneration": (
        lambda them, world: them.generations.GetGeneration(
            generations_pb.GetGenerationRequest(generation_id=world.generation.id)
        ),
        "GENERATION_NOT_FOUND",
    ),
    "ListGenerations": (
        lambda them, _: them.generations.ListGenerations(generations_pb.ListGenerationsRequest(service=OURS)),
        "PERMISSION_DENIED",
    ),
    "WaitGeneration": (
        lambda them, world: them.generations.WaitGeneration(
            generations_pb.WaitGenerationRequest(generation_id=world.generation.id)
        ),
        "GENERATION_NOT_FOUND",
    ),
    "WatchGeneration": (
        lambda them, world: them.generations.WatchGeneration(
            generations_pb.WatchGenerationRequest(generation_id=world.generation.id)
        ),
        "GENERATION_NOT_FOUND",
    ),
    "CancelGeneration": (
        lambda them, world: them.generations.CancelGeneration(
            generations_pb.CancelGenerationRequest(generation_id=world.generation.id)
        ),
        "GENERATION_NOT_FOUND",
    ),
    "GetImage": (
        lambda them, world: them.images.GetImage(images_pb.GetImageRequest(image_id=world.image)),
        "IMAGE_NOT_FOUND",
    ),
    "GetImage, a version": (
        lambda them, world: them.images.GetImage(images_pb.GetImageRequest(image_id=world.image, version=1)),
        "IMAGE_NOT_FOUND",
    ),
    "GetImage, deleted or not": (
        lambda them, world: them.images.GetImage(images_pb.GetImageRequest(image_id=world.image, show_deleted=True)),
        "IMAGE_NOT_FOUND",
    ),
    "ListImages": (
        lambda them, _: them.images.ListImages(images_pb.ListImagesRequest(service=OURS)),
        "PERMISSION_DENIED",
    ),
    "DeleteImage": (
        lambda them, world: them.images.DeleteImage(images_pb.DeleteImageRequest(image_id=world.image)),
        "IMAGE_NOT_FOUND",
    ),
    "UndeleteImage": (
        lambda them, world: them.images.UndeleteImage(images_pb.UndeleteImageRequest(image_id=world.image)),
        "IMAGE_NOT_FOUND",
    ),
    "UploadImage": (
        lambda them, _: them.images.UploadImage(upload_parts(source={"service": OURS})),
        "PERMISSION_DENIED",
    ),
    "ReadImage": (
        lambda them, world: them.images.ReadImage(images_pb.ReadImageRequest(image_id=world.image)),
        "IMAGE_NOT_FOUND",
    ),
    "ReadImage, composed": (
        lambda them, world: them.images.ReadImage(images_pb.ReadImageRequest(image_id=world.image, layer=2)),
        "IMAGE_NOT_FOUND",
    ),
    "ListImageVersions": (
        lambda them, world: them.images.ListImageVersions(images_pb.ListImageVersionsRequest(image_id=world.image)),
        "IMAGE_NOT_FOUND",
    ),
    "RestoreImageVersion": (
        lambda them, world: them.images.RestoreImageVersion(
            images_pb.RestoreImageVersionRequest(image_id=world.image, version=1, restore_version=1)
        ),
        "IMAGE_NOT_FOUND",
    ),
    "WatchImages": (
        lambda them, _: them.images.WatchImages(images_pb.WatchImagesRequest(service=OURS)),
        "PERMISSION_DENIED",
    ),
    "CreateTacticalOverlay": (
        lambda them, world: them.overlays.CreateTacticalOverlay(
            overlays_pb.CreateTacticalOverlayRequest(map_id=world.image, elements=[element("orc")], name="orcs")
        ),
        "IMAGE_NOT_FOUND",
    ),
    "CreateCampaignOverlay": (
        lambda them, world: them.overlays.CreateCampaignOverlay(
            overlays_pb.CreateCampaignOverlayRequest(
                map_id=world.image,
                name="heroes",
                elements=[CampaignElement(id="heroes", coordinates={"x": 1, "y": 1}, party={})],
            )
        ),
        "IMAGE_NOT_FOUND",
    ),
    "GetOverlay": (
        lambda them, world: them.overlays.GetOverlay(overlays_pb.GetOverlayRequest(overlay_id=world.overlay.id)),
        "OVERLAY_ERROR",
    ),
    "ListOverlays": (
        lambda them, world: them.overlays.ListOverlays(overlays_pb.ListOverlaysRequest(map_id=world.image)),
        "IMAGE_NOT_FOUND",
    ),
    "UpdateOverlay": (
        lambda them, world: them.overlays.UpdateOverlay(
            overlays_pb.UpdateOverlayRequest(overlay_id=world.overlay.id, version=1, changes={"name": "mine"})
        ),
        "OVERLAY_ERROR",
    ),
    "DeleteOverlay": (
        lambda them, world: them.overlays.DeleteOverlay(
            overlays_pb.DeleteOverlayRequest(overlay_id=world.overlay.id, version=1)
        ),
        "OVERLAY_ERROR",
    ),
    "RenderOverlay": (
        lambda them, world: them.overlays.RenderOverlay(overlays_pb.RenderOverlayRequest(overlay_id=world.overlay.id)),
        "OVERLAY_ERROR",
    ),
    "RenderOverlay, of a map": (
        lambda them, world: them.overlays.RenderOverlay(overlays_pb.RenderOverlayRequest(map_id=world.image)),
        "IMAGE_NOT_FOUND",
    ),
    "UpdateMap": (
        lambda them, world: them.maps.UpdateMap(
            maps_pb.UpdateMapRequest(map_id=world.image, version=1, changes={"grid": {"size": 30}})
        ),
        "IMAGE_NOT_FOUND",
    ),
    "ComputeVision": (
        lambda them, world: them.maps.ComputeVision(
            maps_pb.ComputeVisionRequest(
                map_id=world.image, viewers=[{"id": "eye", "position": {"unit": CoordinateUnit.COORDINATE_UNIT_CELLS}}]
            )
        ),
        "IMAGE_NOT_FOUND",
    ),
    "ConnectStairs": (
        lambda them, world: them.maps.ConnectStairs(
            maps_pb.ConnectStairsRequest(
                map_id=world.image, stairs_id="s1", other_map_id=new_id(), other_stairs_id="s1"
            )
        ),
        "IMAGE_NOT_FOUND",
    ),
    "ExportScene": (
        lambda them, world: them.maps.ExportScene(maps_pb.ExportSceneRequest(map_id=world.image, format=1)),
        "IMAGE_NOT_FOUND",
    ),
    "SetDoorState": (
        lambda them, world: them.maps.SetDoorState(
            maps_pb.SetDoorStateRequest(map_id=world.image, door_id="gate", state=DoorState.DOOR_STATE_OPEN)
        ),
        "IMAGE_NOT_FOUND",
    ),
    "CreateTheme": (
        lambda them, _: them.themes.CreateTheme(
            themes_pb.CreateThemeRequest(theme={"name": "mine", "display_name": "Mine"})
        ),
        "PERMISSION_DENIED",
    ),
    "UpdateTheme": (
        lambda them, _: them.themes.UpdateTheme(
            themes_pb.UpdateThemeRequest(theme={"name": "mine", "display_name": "Mine", "version": 1})
        ),
        "PERMISSION_DENIED",
    ),
    "DeleteTheme": (
        lambda them, _: them.themes.DeleteTheme(themes_pb.DeleteThemeRequest(theme="mine")),
        "PERMISSION_DENIED",
    ),
    "ListAuditEntries": (
        lambda them, _: them.audit.ListAuditEntries(audit_pb.ListAuditEntriesRequest()),
        "PERMISSION_DENIED",
    ),
}
"""Calls of another service, by method, and the reason of their refusal."""
FLOOR_PLANS = {"GenerateFloorPlan", "CheckFloorPlan", "RenderFloorPlan", "ImportFloorPlan"}
UNLIMITED = {"ListModels", "ListThemes", "GetTheme", "GetStatus", "BatchGetImages", *FLOOR_PLANS}
"""Methods that name nothing that belongs to a service, and one that reports what is missing."""


@pytest.mark.parametrize("name", FOREIGN)
async def test_what_belongs_to_another_service_does_not_exist(world: World, name: str) -> None:
    start, reason = FOREIGN[name]
    call = start(world.them, world)
    status = await (failed_stream(call) if isinstance(call, grpc.aio.UnaryStreamCall) else failed_call(call))
    assert status.reason == reason
    if reason in NOT_FOUND:
        assert status.code is grpc.StatusCode.NOT_FOUND
    # Nothing has changed for its own service.
    image = await world.us.get_image(world.image)
    assert (image.version, list(image.overlays)) == (1, [world.overlay.id])


async def test_the_calls_cover_the_contract() -> None:
    methods = {method.name for each in services() for method in each.methods}
    assert methods == {name.split(",")[0].split(" ")[0] for name in FOREIGN} | UNLIMITED


async def test_a_bound_caller_does_everything_with_its_own_pictures(world: World) -> None:
    them = world.them
    first = await them.generate(portrait(details="a bard"))
    assert first.image.metadata.service == THEIRS
    second = await them.generate(portrait(reference_image_ids=[first.image.id], model="seedream-5-lite"))
    third = await them.generate(ApplyThemeRequest(image_id=second.image.id, version=1, theme="cyberpunk"))
    assert (third.image.version, third.image.metadata.service) == (2, THEIRS)
    map_ = await them.upload(map=grid_properties())
    overlay = await them.create_overlay(map_.id, element("orc"), name="orcs")
    await them.images.DeleteImage(images_pb.DeleteImageRequest(image_id=map_.id))
    await them.images.UndeleteImage(images_pb.UndeleteImageRequest(image_id=map_.id))
    await them.overlays.DeleteOverlay(overlays_pb.DeleteOverlayRequest(overlay_id=overlay.id, version=1))
    await them.status.GetStatus(GetStatusRequest())
    assert await them.read(first.image.id)


async def test_lists_and_batches_have_own_pictures_only(world: World) -> None:
    own = (await world.them.generate(portrait(details=new_id()))).image.id
    listed = (await world.them.images.ListImages(images_pb.ListImagesRequest())).images
    assert own in {image.id for image in listed}
    assert {image.metadata.service for image in listed} == {THEIRS}
    made = (await world.them.generations.ListGenerations(generations_pb.ListGenerationsRequest())).generations
    assert world.generation.id not in {generation.id for generation in made}
    batch = await world.them.images.BatchGetImages(images_pb.BatchGetImagesRequest(image_ids=[own, world.image]))
    assert ([image.id for image in batch.images], batch.missing_image_ids) == ([own], [world.image])
    everything = (await world.platform.images.ListImages(images_pb.ListImagesRequest())).images
    assert {own, world.image} <= {image.id for image in everything}


async def test_a_record_that_another_service_has_just_read_stays_hidden(world: World) -> None:
    image = (await world.us.generate(portrait(details=new_id()))).image.id
    calls = [caller.get_image(image) for caller in (world.them, world.us, world.them, world.platform)]
    results: list[Any] = await asyncio.gather(*calls, return_exceptions=True)
    assert [getattr(result, "id", None) for result in results] == [None, image, None, image]


async def test_a_watch_shows_own_pictures_only(world: World) -> None:
    watch = world.them.images.WatchImages(images_pb.WatchImagesRequest())
    reading = asyncio.ensure_future(_first_image(watch))
    while not reading.done():  # the watch may begin later than its call
        await world.us.generate(portrait(details=new_id()))
        await world.them.generate(portrait(details=new_id()))
    watch.cancel()
    assert reading.result().metadata.service == THEIRS


async def _first_image(watch: Any) -> Any:
    async for response in watch:
        if response.change:
            return response.image
    raise AssertionError("the watch has ended")


async def test_services_may_use_the_same_request_id(world: World) -> None:
    request = portrait(details="a bard", request_id=new_id())
    ours, theirs = await asyncio.gather(world.us.generate(request), world.them.generate(request))
    assert ours.id != theirs.id
    assert (await world.us.generate(request)).id == ours.id
    description: dict[str, Any] = {"request_id": new_id(), "map": grid_properties()}
    assert (await world.us.upload(**description)).id != (await world.them.upload(**description)).id


async def test_equal_requests_share_pictures_within_a_service(world: World) -> None:
    request = portrait(details=new_id())
    ours, theirs = await world.us.generate(request), await world.them.generate(request)
    assert not theirs.cache_hit
    assert (await world.us.generate(request)).image.id == ours.image.id


async def test_an_image_stays_with_its_service(world: World) -> None:
    image = (await world.us.generate(portrait(details=new_id()))).image
    for caller, reason in ((world.platform, "INVALID_ARGUMENT"), (world.us, "INVALID_ARGUMENT")):
        move = RegenerateImageRequest(image_id=image.id, version=1, portrait={"source": {"service": THEIRS}})
        status = await failed_call(caller.generate(move))
        assert (status.reason, status.fields) == (reason, ["portrait.source.service"])
    clear = RegenerateImageRequest(image_id=image.id, version=1, update_mask={"paths": ["source"]}, portrait={})
    assert (await world.platform.generate(clear)).image.metadata.service == OURS


async def test_concurrent_equal_requests_of_services_with_a_shared_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [create_key(tmp_path / "keys", name=name, role="writer", service=name) for name in (OURS, THEIRS)]
    may_finish = block_generations(monkeypatch)
    async with service(tmp_path / "data", api_keys_file=tmp_path / "keys", cache_shared=True) as running:
        us, them = (as_caller(running, key) for key in keys)
        calls = [asyncio.ensure_future(each.generate(portrait(details="a bard"))) for each in (us, them) * 4]
        await eventually(lambda: running.standin.calls == 2, "each service has a generation")
        may_finish.set()
        made = await asyncio.gather(*calls)
        assert len({generation.image.id for generation in made}) == 2
        assert running.standin.calls == 2


async def test_a_shared_cache_gives_each_service_an_image_of_its_own(tmp_path: Path) -> None:
    keys = [create_key(tmp_path / "keys", name=name, role="writer", service=name) for name in (OURS, THEIRS)]
    async with service(tmp_path / "data", api_keys_file=tmp_path / "keys", cache_shared=True) as running:
        us, them = (as_caller(running, key) for key in keys)
        request = portrait(details="a bard")
        ours = await us.generate(request)
        async with running.events_on("image.generated") as events:
            theirs = await them.generate(request)
            assert theirs.cache_hit
            await eventually(lambda: bool(events), "the copy is announced")
        assert [payload_of(event)["image_id"] for event in events] == [theirs.image.id]
        assert theirs.image.id != ours.image.id
        assert theirs.image.metadata.service == THEIRS
        assert theirs.image.metadata.generation_params.generation_id == theirs.id
        assert (await them.generate(request)).image.id == theirs.image.id
        assert await them.read(theirs.image.id) == await us.read(ours.image.id)
        assert (await failed_call(them.get_image(ours.image.id))).code is grpc.StatusCode.NOT_FOUND
        await us.images.DeleteImage(images_pb.DeleteImageRequest(image_id=ours.image.id))
        assert await them.read(theirs.image.id)
        assert running.standin.calls == 1


async def test_a_token_binds_its_caller_to_a_service(tmp_path: Path) -> None:
    key = signing_key("one")
    write_key_set(tmp_path / "jwks", key)
    async with service(tmp_path / "data", **jwt_settings(tmp_path / "jwks")) as running:
        us, them = (as_caller(running, token(key, role="writer", service=name)) for name in (OURS, THEIRS))
        image = (await us.generate(portrait())).image
        assert image.metadata.service == OURS
        assert (await failed_call(them.get_image(image.id))).reason == "IMAGE_NOT_FOUND"
