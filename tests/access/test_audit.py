"""The audit log: an entry for each change, in its transaction, and for calls that fail."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tabletop.image.v1 import image_service_pb2 as images_pb
from tabletop.image.v1 import overlay_service_pb2 as overlays_pb
from tabletop.image.v1 import theme_service_pb2 as themes_pb
from tabletop.image.v1.access_pb2 import Role
from tabletop.image.v1.audit_pb2 import AuditEntry, ChangeType, ResourceType
from tabletop.image.v1.audit_service_pb2 import ListAuditEntriesRequest
from tabletop.image.v1.generation_request_pb2 import ApplyThemeRequest, RegenerateImageRequest
from tabletop.image.v1.generation_service_pb2 import CancelGenerationRequest
from tabletop.image.v1.map_pb2 import CoordinateUnit, DoorState
from tabletop.image.v1.map_service_pb2 import ConnectStairsRequest, SetDoorStateRequest, UpdateMapRequest
from tabletop.image.v1.overlay_pb2 import CampaignElement

from getimg_standin import Fault
from image_grpc.access import required_role
from image_grpc.access.callers import create_key
from image_grpc.bridge.client import services
from image_grpc.messages import enum_label
from image_grpc_testkit.eventually import eventually
from tests.access.calls import as_caller, bearer
from tests.cli.processes import run
from tests.service import (
    Service,
    block_generations,
    campaign_map,
    element,
    grid_properties,
    item,
    new_id,
    portrait,
    service,
    tactical_map,
    upload_parts,
)
from tests.statuses import failed_call

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """A service with callers of each role; the writer is bound to a service."""

    reader: Service
    writer: Service
    admin: Service
    bound_admin: Service
    admin_key_file: Path

    async def entries(self, **filters: Any) -> Sequence[AuditEntry]:
        """Return the newest entries that match."""
        return (await self.admin.audit.ListAuditEntries(ListAuditEntriesRequest(**filters))).entries

    async def all_entries(self, **filters: Any) -> Sequence[AuditEntry]:
        """Return all entries that match."""
        entries, token = list[AuditEntry](), ""
        while True:
            request = ListAuditEntriesRequest(page_size=100, page_token=token, **filters)
            page = await self.admin.audit.ListAuditEntries(request)
            entries += page.entries
            if not (token := page.next_page_token):
                return entries

    async def eventual_entry(self, **filters: Any) -> AuditEntry:
        """Return the first entry that matches, once there is one."""
        found: list[AuditEntry] = []

        async def exists() -> bool:
            found[:] = await self.entries(**filters)
            return bool(found)

        await eventually(exists, f"there is an entry for {filters}")
        return found[0]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder: Path = tmp_path_factory.mktemp("audit")
    reader = create_key(folder / "keys", name="rita", role="reader")
    writer = create_key(folder / "keys", name="walter", role="writer", service="characters")
    admin = create_key(folder / "keys", name="ada", role="admin")
    bound_admin = create_key(folder / "keys", name="ben", role="admin", service="characters")
    (folder / "admin.key").write_text(admin)
    async with service(folder / "data", api_keys_file=folder / "keys") as running:
        yield World(
            reader=as_caller(running, reader),
            writer=as_caller(running, writer),
            admin=as_caller(running, admin),
            bound_admin=as_caller(running, bound_admin),
            admin_key_file=folder / "admin.key",
        )


def described(entry: AuditEntry) -> list[str]:
    """Return the changes of an entry, for example `image created 1`."""
    return [
        f"{enum_label(ResourceType, each.resource_type)} {enum_label(ChangeType, each.change)} {each.version}"
        for each in entry.changes
    ]


async def _an_image(world: World) -> str:
    return (await world.writer.generate(portrait(details=new_id()))).image.id


async def _a_map(world: World) -> str:
    return (await world.writer.upload(map=grid_properties())).id


async def _generated(world: World, request: Any) -> str:
    return (await world.writer.generate(request)).image.id


async def _regenerate(world: World) -> str:
    image = await _an_image(world)
    return await _generated(world, RegenerateImageRequest(image_id=image, version=1))


async def _apply_theme(world: World) -> str:
    image = await _an_image(world)
    return await _generated(world, ApplyThemeRequest(image_id=image, version=1, theme="cyberpunk"))


async def _delete_image(world: World) -> str:
    image = await _an_image(world)
    await world.writer.images.DeleteImage(images_pb.DeleteImageRequest(image_id=image))
    return image


async def _undelete_image(world: World) -> str:
    image = await _delete_image(world)
    await world.writer.images.UndeleteImage(images_pb.UndeleteImageRequest(image_id=image))
    return image


async def _restore_version(world: World) -> str:
    image = await _an_image(world)
    request = images_pb.RestoreImageVersionRequest(image_id=image, version=1, restore_version=1)
    await world.writer.images.RestoreImageVersion(request)
    return image


async def _update_map(world: World) -> str:
    map_ = await _a_map(world)
    await world.writer.maps.UpdateMap(UpdateMapRequest(map_id=map_, version=1, changes={"grid": {"size": 30}}))
    return map_


async def _connect_stairs(world: World) -> str:
    stairs = [{"id": "s", "position": {"unit": CoordinateUnit.COORDINATE_UNIT_CELLS}}]
    maps = [(await world.writer.upload(map=grid_properties() | {"stairs": stairs})).id for _ in range(2)]
    request = ConnectStairsRequest(map_id=maps[0], stairs_id="s", other_map_id=maps[1], other_stairs_id="s")
    await world.writer.maps.ConnectStairs(request)
    return maps[1]


async def _open_door(world: World) -> str:
    cells = {"unit": CoordinateUnit.COORDINATE_UNIT_CELLS}
    walls = [{"id": "gate", "start": cells, "end": cells | {"x": 1}, "door": {}}]
    map_ = (await world.writer.upload(map=grid_properties() | {"walls": walls})).id
    request = SetDoorStateRequest(map_id=map_, door_id="gate", state=DoorState.DOOR_STATE_OPEN)
    await world.writer.maps.SetDoorState(request)
    return map_


async def _create_overlay(world: World) -> str:
    map_ = await _a_map(world)
    await world.writer.create_overlay(map_, element("orc"), name="orcs")
    return map_


async def _create_campaign_overlay(world: World) -> str:
    map_ = await _generated(world, campaign_map(details=new_id()))
    heroes = CampaignElement(id="heroes", coordinates={"x": 1, "y": 1}, party={})
    request = overlays_pb.CreateCampaignOverlayRequest(map_id=map_, name="heroes", elements=[heroes])
    await world.writer.overlays.CreateCampaignOverlay(request)
    return map_


async def _update_overlay(world: World) -> str:
    overlay = await world.writer.create_overlay(await _a_map(world), element("orc"), name="orcs")
    request = overlays_pb.UpdateOverlayRequest(overlay_id=overlay.id, version=1, changes={"name": "many orcs"})
    await world.writer.overlays.UpdateOverlay(request)
    return overlay.map_id


async def _delete_overlay(world: World) -> str:
    overlay = await world.writer.create_overlay(await _a_map(world), element("orc"), name="orcs")
    await world.writer.overlays.DeleteOverlay(overlays_pb.DeleteOverlayRequest(overlay_id=overlay.id, version=1))
    return overlay.map_id


async def _create_theme(world: World) -> str:
    name = f"theme_{new_id()[:8]}"
    await world.admin.themes.CreateTheme(
        themes_pb.CreateThemeRequest(theme={"name": name, "display_name": "Theme", "elements": {"lighting": "dim"}})
    )
    return name


async def _update_theme(world: World) -> str:
    name = await _create_theme(world)
    theme = {"name": name, "display_name": "New", "elements": {"lighting": "dim"}, "version": 1}
    await world.admin.themes.UpdateTheme(themes_pb.UpdateThemeRequest(theme=theme))
    return ""


async def _delete_theme(world: World) -> str:
    name = await _create_theme(world)
    await world.admin.themes.DeleteTheme(themes_pb.DeleteThemeRequest(theme=name))
    return ""


async def _theme_without_image(world: World) -> str:
    await _create_theme(world)
    return ""


NEW_PICTURE = ["image created 1", "generation updated"]
CHANGES: dict[str, tuple[Callable[[World], Awaitable[str]], list[str]]] = {
    "GenerateTacticalMap": (lambda world: _generated(world, tactical_map(details=new_id())), NEW_PICTURE),
    "GenerateCampaignMap": (lambda world: _generated(world, campaign_map(details=new_id())), NEW_PICTURE),
    "GeneratePortrait": (_an_image, NEW_PICTURE),
    "GenerateItemIllustration": (lambda world: _generated(world, item(details=new_id())), NEW_PICTURE),
    "RegenerateImage": (_regenerate, ["image updated 2", "generation updated"]),
    "ApplyTheme": (_apply_theme, ["image updated 2", "generation updated"]),
    "UploadImage": (_a_map, ["image created 1"]),
    "DeleteImage": (_delete_image, ["image deleted 0"]),
    "UndeleteImage": (_undelete_image, ["image restored 0"]),
    "RestoreImageVersion": (_restore_version, ["image updated 2"]),
    "UpdateMap": (_update_map, ["image updated 2"]),
    "SetDoorState": (_open_door, ["image updated 2"]),
    "ConnectStairs": (_connect_stairs, ["image updated 2", "image updated 2"]),
    "CreateTacticalOverlay": (_create_overlay, ["overlay created 1"]),
    "CreateCampaignOverlay": (_create_campaign_overlay, ["overlay created 1"]),
    "UpdateOverlay": (_update_overlay, ["overlay updated 2"]),
    "DeleteOverlay": (_delete_overlay, ["overlay deleted 0"]),
    "CreateTheme": (_theme_without_image, ["theme created 1"]),
    "UpdateTheme": (_update_theme, ["theme updated 2"]),
    "DeleteTheme": (_delete_theme, ["theme deleted 0"]),
}
"""By method: a change that returns the image it concerns, and how the last entry about it describes it."""


@pytest.mark.parametrize("method", CHANGES)
async def test_each_change_has_an_entry(world: World, method: str) -> None:
    change, expected = CHANGES[method]
    before = datetime.now(UTC) - timedelta(seconds=1)
    image = await change(world)
    entry, *_ = await world.entries(method=method, image_id=image)
    described_without_versions = [re.sub(r"(generation updated) \d+", r"\1", text) for text in described(entry)]
    assert described_without_versions == expected
    by_admin = "Theme" in method and method != "ApplyTheme"
    caller, bound_to = ("ada", "") if by_admin else ("walter", "characters")
    assert (entry.call.caller, entry.call.service, entry.outcome, entry.count) == (caller, bound_to, "OK", 1)
    assert entry.call.method.endswith(f".{method}")
    assert before <= entry.create_time.ToDatetime(UTC) <= datetime.now(UTC) + timedelta(seconds=1)
    assert entry.purge_time.seconds - entry.create_time.seconds in range(365 * 86_400 - 1, 365 * 86_400 + 2)


async def test_the_changes_cover_the_contract() -> None:
    methods = [(f"{each.full_name}/{method.name}", method.name) for each in services() for method in each.methods]
    writing = {name for path, name in methods if required_role(path) > Role.ROLE_READER}
    assert writing - {"CancelGeneration", "ListAuditEntries"} == set(CHANGES)


async def test_the_names_of_methods_are_unique_and_fit_the_index() -> None:
    names = [method.name for each in services() for method in each.methods]
    assert len(set(names)) == len(names)
    assert max(map(len, names)) <= 32


async def test_a_generation_has_entries_for_its_start_and_its_end(world: World) -> None:
    request_id, correlation_id = new_id(), new_id()
    metadata = (("x-request-id", request_id), ("x-correlation-id", correlation_id))
    writer_key = create_key(world.admin_key_file.parent / "keys", name="wanda", role="writer")
    await world.writer.generate(portrait(details=new_id()), metadata=[*metadata, *bearer(writer_key)])
    end, start = await world.entries(caller="wanda")
    assert described(start) == ["generation created 1"]
    assert described(end)[0] == "image created 1"
    assert start.call == end.call
    assert (start.call.request_id, start.call.correlation_id) == (request_id, correlation_id)
    assert start.image_id == end.image_id == end.changes[0].resource_id


async def test_a_failed_generation_has_an_entry_with_its_reason(world: World) -> None:
    world.writer.standin.add_fault(Fault(kind="status", status=400, count=1))
    failed = await world.writer.generate(portrait(details=new_id()))
    [entry] = await world.entries(outcome="API_ERROR")
    assert entry.changes[0].resource_id == failed.id
    assert (entry.call.caller, entry.call.method) == ("walter", "GenerationService.GeneratePortrait")


async def test_a_cancellation_has_an_entry_of_who_cancelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [create_key(tmp_path / "keys", name=name, role="admin") for name in ("ada", "walter")]
    may_finish = block_generations(monkeypatch)
    async with service(tmp_path / "data", api_keys_file=tmp_path / "keys", generation_concurrency=1) as running:
        ada, walter = (as_caller(running, key) for key in keys)
        await walter.generations.GeneratePortrait(portrait(details="first"))
        await eventually(lambda: running.standin.calls == 1, "the first occupies the only place")
        queued = (await walter.generations.GeneratePortrait(portrait(details="second"))).generation
        await ada.generations.CancelGeneration(CancelGenerationRequest(generation_id=queued.id))
        may_finish.set()
        [entry] = (await ada.audit.ListAuditEntries(ListAuditEntriesRequest(caller="ada"))).entries
    assert (entry.call.method, described(entry)) == ("GenerationService.CancelGeneration", ["generation updated 2"])


async def test_calls_without_a_change_have_no_entry(world: World) -> None:
    image, request = await _an_image(world), portrait(details=new_id(), request_id=new_id())
    await world.writer.generate(request)
    theme = {"name": f"theme_{new_id()[:8]}", "display_name": "Theme", "elements": {"lighting": "dim"}}
    create = themes_pb.CreateThemeRequest(theme=theme, request_id=new_id())
    await world.admin.themes.CreateTheme(create)
    count = len(await world.entries(page_size=100))
    await world.writer.get_image(image)
    await world.writer.read(image)
    await world.writer.generate(request)
    await world.writer.generate(portrait(details=new_id(), validate_only=True))
    await world.admin.themes.CreateTheme(create)
    assert (await failed_call(world.writer.get_image(new_id()))).reason == "IMAGE_NOT_FOUND"
    unknown = as_caller(world.writer, "igk_nobody")
    delete = images_pb.DeleteImageRequest(image_id=image)
    assert (await failed_call(unknown.images.DeleteImage(delete))).reason == "UNAUTHENTICATED"
    marker = images_pb.DeleteImageRequest(image_id=new_id())
    await failed_call(world.writer.images.DeleteImage(marker))
    await world.eventual_entry(image_id=marker.image_id)
    assert len(await world.entries(page_size=100)) == min(count + 1, 100)


async def test_changes_that_fail_have_an_entry(world: World) -> None:
    image = new_id()
    delete = images_pb.DeleteImageRequest(image_id=image.upper())
    await failed_call(world.writer.images.DeleteImage(delete))
    theme = {"name": "no_such", "display_name": "Theme", "elements": {"lighting": "dim"}, "version": 2**63 - 1}
    status = await failed_call(world.admin.themes.UpdateTheme(themes_pb.UpdateThemeRequest(theme=theme)))
    assert status.reason == "INVALID_THEME"
    entry = await world.eventual_entry(image_id=image)
    assert (entry.call.caller, entry.call.service) == ("walter", "characters")
    assert (entry.call.method, entry.outcome) == ("ImageService.DeleteImage", "IMAGE_NOT_FOUND")
    assert not entry.changes


async def test_calls_that_are_not_permitted_have_an_entry(world: World) -> None:
    image = await _an_image(world)
    await failed_call(world.reader.images.DeleteImage(images_pb.DeleteImageRequest(image_id=image)))
    entry = await world.eventual_entry(image_id=image, outcome="PERMISSION_DENIED")
    assert entry.call.caller == "rita"
    await failed_call(world.reader.audit.ListAuditEntries(ListAuditEntriesRequest()))
    assert (await world.eventual_entry(method="ListAuditEntries")).call.caller == "rita"
    await failed_call(world.writer.images.ListImages(images_pb.ListImagesRequest(service="campaigns")))
    assert (await world.eventual_entry(method="ListImages")).call.caller == "walter"


@pytest.mark.parametrize("image_id", ["\0", "\u0130" * 36, "igk_a-secret-that-does-not-belong-here", "[/b]"])
async def test_only_ids_of_images_are_kept(world: World, image_id: str) -> None:
    await failed_call(world.reader.images.DeleteImage(images_pb.DeleteImageRequest(image_id=image_id)))
    marker = images_pb.DeleteImageRequest(image_id=new_id())
    await failed_call(world.reader.images.DeleteImage(marker))
    await world.eventual_entry(image_id=marker.image_id)
    named = {entry.image_id for entry in await world.entries(caller="rita")}
    assert all(re.fullmatch("[0-9a-f-]{36}|", each) for each in named)


async def test_the_failures_of_a_caller_leave_room_for_those_of_others(world: World) -> None:
    deletes = [images_pb.DeleteImageRequest(image_id=new_id()) for _ in range(1000)]
    before = sum(entry.count for entry in await world.all_entries(caller="rita"))
    await asyncio.gather(*(failed_call(world.reader.images.DeleteImage(delete)) for delete in deletes))
    marker = images_pb.DeleteImageRequest(image_id=new_id())
    await failed_call(world.writer.images.DeleteImage(marker))
    await world.eventual_entry(image_id=marker.image_id)

    async def all_are_counted() -> bool:
        return sum(entry.count for entry in await world.all_entries(caller="rita")) == before + 1000

    await eventually(all_are_counted, "all failures are counted")
    entries = await world.all_entries(caller="rita", outcome="PERMISSION_DENIED")
    assert len(entries) < 1000


async def test_a_change_that_does_not_end_in_time_has_an_entry(tmp_path: Path) -> None:
    key = create_key(tmp_path / "keys", name="ada", role="admin")

    async def stalled() -> AsyncIterator[images_pb.UploadImageRequest]:
        yield next(upload_parts())
        await asyncio.sleep(3600)

    async with service(tmp_path / "data", api_keys_file=tmp_path / "keys", rpc_max_seconds=3) as running:
        ada = as_caller(running, key)
        await failed_call(ada.images.UploadImage(stalled()))

        async def has_an_entry() -> bool:
            entries = (await ada.audit.ListAuditEntries(ListAuditEntriesRequest(method="UploadImage"))).entries
            return [entry.outcome for entry in entries] == ["DEADLINE_EXCEEDED"]

        await eventually(has_an_entry, "the upload has an entry")


async def test_a_deletion_or_restoration_without_an_effect_has_no_entry(world: World) -> None:
    image = await _an_image(world)
    undelete = images_pb.UndeleteImageRequest(image_id=image)
    await world.writer.images.UndeleteImage(undelete)
    await world.writer.images.DeleteImage(images_pb.DeleteImageRequest(image_id=image))
    for _ in range(2):
        await world.writer.images.DeleteImage(images_pb.DeleteImageRequest(image_id=image, request_id=new_id()))
    methods = [entry.call.method for entry in await world.entries(image_id=image)]
    assert methods.count("ImageService.UndeleteImage") == 0
    assert methods.count("ImageService.DeleteImage") == 1


async def test_a_request_that_joins_another_one_names_its_image(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    may_finish, details = block_generations(monkeypatch), new_id()
    first = (await world.writer.generations.GeneratePortrait(portrait(details=details))).generation
    await world.writer.generations.GeneratePortrait(portrait(details=details, request_id=new_id()))
    may_finish.set()
    image = (await world.writer.generate(portrait(details=details))).image.id
    assert first.id
    starts = [entry for entry in await world.entries(image_id=image) if described(entry) == ["generation created 1"]]
    assert len(starts) == 2


async def test_a_theme_that_is_created_again_is_created(world: World) -> None:
    name = await _create_theme(world)
    await world.admin.themes.DeleteTheme(themes_pb.DeleteThemeRequest(theme=name))
    theme = {"name": name, "display_name": "Theme", "elements": {"lighting": "dim"}}
    await world.admin.themes.CreateTheme(themes_pb.CreateThemeRequest(theme=theme))
    assert described((await world.entries(method="CreateTheme"))[0]) == ["theme created 0"]


async def test_a_request_id_may_be_used_again_once_it_is_forgotten(tmp_path: Path) -> None:
    key = create_key(tmp_path / "keys", name="ada", role="admin")
    forgetful = {"request_memory_seconds": 0.001, "sweep_interval_seconds": 0.05}
    async with service(tmp_path / "data", api_keys_file=tmp_path / "keys", **forgetful) as running:
        ada = as_caller(running, key)
        image = (await ada.generate(portrait())).image.id
        delete = images_pb.DeleteImageRequest(image_id=image, request_id=new_id())
        await ada.images.DeleteImage(delete)
        await ada.images.UndeleteImage(images_pb.UndeleteImageRequest(image_id=image))

        async def is_deleted_again() -> bool:
            await ada.images.DeleteImage(delete)
            listed = await ada.images.ListImages(images_pb.ListImagesRequest())
            return not listed.images

        await eventually(is_deleted_again, "the request is new again")


async def test_equal_failures_share_entries(world: World) -> None:
    delete = images_pb.DeleteImageRequest(image_id=new_id())
    await asyncio.gather(*(failed_call(world.writer.images.DeleteImage(delete)) for _ in range(100)))

    async def all_are_counted() -> bool:
        return sum(entry.count for entry in await world.entries(image_id=delete.image_id)) == 100

    await eventually(all_are_counted, "all failures are counted")
    assert len(await world.entries(image_id=delete.image_id)) < 20


async def test_only_administrators_of_all_services_may_list(world: World) -> None:
    for caller in (world.reader, world.writer, world.bound_admin):
        status = await failed_call(caller.audit.ListAuditEntries(ListAuditEntriesRequest()))
        assert status.reason == "PERMISSION_DENIED"


async def test_entries_are_filtered_and_paged(world: World) -> None:
    image = await _undelete_image(world)
    everything = await world.entries(image_id=image)
    methods = [entry.call.method for entry in everything]
    generate = "GenerationService.GeneratePortrait"
    assert methods == ["ImageService.UndeleteImage", "ImageService.DeleteImage", generate, generate]
    first = await world.admin.audit.ListAuditEntries(ListAuditEntriesRequest(image_id=image, page_size=3))
    second = await world.admin.audit.ListAuditEntries(
        ListAuditEntriesRequest(image_id=image, page_size=3, page_token=first.next_page_token)
    )
    assert [*first.entries, *second.entries] == list(everything)
    deleted = everything[1]
    assert list(await world.entries(image_id=image, method="ImageService.DeleteImage")) == [deleted]
    assert list(await world.entries(image_id=image, caller="ada")) == []
    assert list(await world.entries(image_id=image, start_time=deleted.create_time)) == list(everything[:2])
    assert list(await world.entries(image_id=image, end_time=deleted.create_time)) == list(everything[2:])
    bad = await failed_call(world.admin.audit.ListAuditEntries(ListAuditEntriesRequest(image_id="x")))
    assert bad.fields == ["image_id"]
    await failed_call(world.admin.images.DeleteImage(images_pb.DeleteImageRequest(image_id=new_id())))
    await world.eventual_entry(caller="ada", method="DeleteImage")
    assert not await world.entries(caller="ada", method="ListAuditEntries")  # no change


async def test_the_command_lists_entries(world: World) -> None:
    image = await _delete_image(world)
    arguments = ("--target", world.admin.running.address, "--api-key-file", str(world.admin_key_file))
    code, out, error = await run("audit", "list", "--image", image, "--since", "1h", *arguments)
    assert code == 0, error
    assert re.search(rf"walter +DeleteImage +OK *\n +image {image} deleted *\n", out)
    code, out, _ = await run("audit", "list", "--image", image, "--until", "1h", *arguments)
    assert out == "none\n"
    code, out, _ = await run("audit", "list", "--image", image, "--limit", "1", "--json", *arguments)
    assert [entry["call"]["method"] for entry in json.loads(out)["entries"]] == ["ImageService.DeleteImage"]
    code, _, error = await run("audit", "list", "--since", "yesterday", *arguments)
    assert "2026-11-27" in error


@pytest.mark.parametrize("settings", [{}, {"audit_retention_days": 0}], ids=["open", "turned off"])
async def test_without_authentication_or_retention_there_are_no_entries(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    key = create_key(tmp_path / "keys", name="ada", role="admin")
    keys = {"api_keys_file": tmp_path / "keys"} if settings else {}
    async with service(tmp_path / "data", **keys, **settings) as running:
        ada = as_caller(running, key)
        await ada.generate(portrait())
        await failed_call(ada.images.DeleteImage(images_pb.DeleteImageRequest(image_id=new_id())))
        await asyncio.sleep(3)  # longer than failures wait
        assert not (await ada.audit.ListAuditEntries(ListAuditEntriesRequest())).entries
