"""Units of work: all or nothing, once per request, and visible to the process that committed them."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from tabletop.hub.v1.envelope_pb2 import OutboundMessage
from tabletop.image.v1.image_service_pb2 import DeleteImageRequest
from tabletop.storage.v1.storage_pb2 import DeleteRequest, RetrieveRequest, StoreRequest

from image_grpc.errors import RequestIdReused, VersionConflict
from image_grpc.storage import RecordNotFound, UnitOfWork
from image_grpc.storage.codecs import IMAGES, OVERLAYS, THEMES
from image_grpc_testkit.contracts.records import a_theme, an_image, an_overlay, new_id
from image_grpc_testkit.eventually import eventually
from tests.storage.fake_service import Bench


def deletion(bench: Bench, request: DeleteImageRequest) -> UnitOfWork:
    unit = bench.storage.unit_for("delete", request)
    unit.delete(bench.storage.images, request.image_id, request.version)
    return unit


class TestPreconditions:
    async def test_create_requires_that_the_record_never_existed(self, bench: Bench) -> None:
        image = an_image()
        for existing in ("stored", "deleted"):
            unit = bench.storage.unit_of_work()
            unit.create(bench.storage.images, image)
            if existing == "stored":
                assert (await unit.commit()).of(bench.storage.images).version == 1
                unit = bench.storage.unit_of_work()
                unit.create(bench.storage.images, image)
            with pytest.raises(VersionConflict):
                await unit.commit()
            bench.service.delete(IMAGES, image.id)

    async def test_update_requires_the_version(self, bench: Bench) -> None:
        image = bench.service.put(IMAGES, an_image())
        unit = bench.storage.unit_of_work()
        unit.update(bench.storage.images, image, 1)
        assert (await unit.commit()).of(bench.storage.images).version == 2
        unit = bench.storage.unit_of_work()
        unit.update(bench.storage.images, image, 1)
        with pytest.raises(VersionConflict):
            await unit.commit()

    async def test_put_requires_nothing(self, bench: Bench) -> None:
        theme = a_theme()
        for version in (1, 2):
            unit = bench.storage.unit_of_work()
            unit.put(bench.storage.themes, theme)
            assert (await unit.commit()).of(bench.storage.themes).version == version
            bench.service.delete(THEMES, theme.name)

    async def test_undelete_restores_a_deleted_record(self, bench: Bench) -> None:
        image = bench.service.put(IMAGES, an_image())
        bench.service.delete(IMAGES, image.id)
        unit = bench.storage.unit_of_work()
        unit.undelete(bench.storage.images, image.id)
        assert not (await unit.commit()).of(bench.storage.images).HasField("delete_time")
        assert await bench.storage.images.get(image.id) == image

    @pytest.mark.parametrize("version", [0, 1])
    async def test_delete_accepts_the_latest_version_or_none(self, bench: Bench, version: int) -> None:
        image = bench.service.put(IMAGES, an_image())
        unit = bench.storage.unit_of_work()
        unit.delete(bench.storage.images, image.id, version)
        assert (await unit.commit()).of(bench.storage.images).HasField("delete_time")

    async def test_delete_rejects_a_stale_version(self, bench: Bench) -> None:
        image = bench.service.put(IMAGES, an_image())
        bench.service.put(IMAGES, image)
        unit = bench.storage.unit_of_work()
        unit.delete(bench.storage.images, image.id, 1)
        with pytest.raises(VersionConflict):
            await unit.commit()

    async def test_a_rejected_unit_stores_and_publishes_nothing(self, bench: Bench) -> None:
        image, theme = bench.service.put(IMAGES, an_image()), a_theme()
        unit = bench.storage.unit_of_work()
        unit.put(bench.storage.themes, theme)
        unit.update(bench.storage.images, image, 7)
        unit.publish(OutboundMessage(routing_key="event"))
        with pytest.raises(VersionConflict):
            await unit.commit()
        assert await bench.storage.themes.get(theme.name) is None
        assert bench.service.messages == []


class TestContent:
    async def test_all_changes_and_messages_are_one_operation(self, bench: Bench) -> None:
        image, overlay = an_image(), an_overlay()
        deleted = bench.service.put(THEMES, a_theme())
        bench.service.delete(THEMES, deleted.name)
        unit = bench.storage.unit_of_work()
        unit.create(bench.storage.images, image)
        unit.create(bench.storage.overlays, overlay)
        unit.undelete(bench.storage.themes, deleted.name)
        unit.publish(OutboundMessage(routing_key="first"), OutboundMessage(routing_key="second"))
        unit.publish(OutboundMessage(routing_key="third"))
        committed = await unit.commit()
        assert [type(request) for request in bench.service.requests] == [StoreRequest]
        assert committed.of(bench.storage.images).id == image.id
        assert committed.of(bench.storage.overlays).id == overlay.id
        assert committed.of(bench.storage.themes).name == deleted.name
        assert [message.routing_key for message in bench.service.messages] == ["first", "second", "third"]

    async def test_a_deletion_publishes_its_messages(self, bench: Bench) -> None:
        image = bench.service.put(IMAGES, an_image())
        unit = bench.storage.unit_of_work()
        unit.delete(bench.storage.images, image.id)
        unit.publish(OutboundMessage(routing_key="deleted"))
        await unit.commit()
        assert [message.routing_key for message in bench.service.messages] == ["deleted"]

    @pytest.mark.parametrize("other", ["put", "undelete"])
    async def test_deletions_do_not_mix_with_other_changes(self, bench: Bench, other: str) -> None:
        image = bench.service.put(IMAGES, an_image())
        unit = bench.storage.unit_of_work()
        unit.delete(bench.storage.images, image.id)
        if other == "put":
            unit.put(bench.storage.themes, a_theme())
        else:
            unit.undelete(bench.storage.themes, "noir")
        with pytest.raises(ValueError, match="cannot store others"):
            await unit.commit()
        assert bench.service.requests == []

    async def test_a_kind_that_was_not_changed_has_no_result(self, bench: Bench) -> None:
        unit = bench.storage.unit_of_work()
        unit.put(bench.storage.themes, a_theme())
        committed = await unit.commit()
        with pytest.raises(LookupError):
            committed.of(bench.storage.images)


class TestReadYourWrites:
    """Nothing is published on the change feed here, so only the commit itself can invalidate the cache."""

    async def test_an_update_is_read_at_once(self, bench: Bench) -> None:
        image = bench.service.put(IMAGES, an_image())
        assert await bench.storage.images.get(image.id) == image
        unit = bench.storage.unit_of_work()
        unit.update(bench.storage.images, image, 1)
        newer = (await unit.commit()).of(bench.storage.images)
        assert await bench.storage.images.get(image.id) == newer
        assert newer.version == 2

    async def test_a_deletion_is_read_at_once(self, bench: Bench) -> None:
        image = bench.service.put(IMAGES, an_image())
        assert await bench.storage.images.get(image.id) == image
        await deletion(bench, DeleteImageRequest(image_id=image.id)).commit()
        assert await bench.storage.images.get(image.id) is None

    async def test_overlays_of_the_changed_map_are_read_again(self, bench: Bench) -> None:
        overlay = bench.service.put(OVERLAYS, an_overlay(name="old"))
        other = bench.service.put(OVERLAYS, an_overlay())
        for map_id in (overlay.map_id, other.map_id):
            await bench.storage.overlays.of_map(map_id)
        overlay.name = "new"
        unit = bench.storage.unit_of_work()
        unit.update(bench.storage.overlays, overlay, 1)
        await unit.commit()
        assert [each.name for each in await bench.storage.overlays.of_map(overlay.map_id)] == ["new"]
        count = len(bench.service.requests)
        await bench.storage.overlays.of_map(other.map_id)
        assert len(bench.service.requests) == count, "the overlays of other maps stay cached"

    async def test_a_load_that_a_commit_overtakes_is_not_cached(self, bench: Bench) -> None:
        image = bench.service.put(IMAGES, an_image())
        bench.service.may_reply.clear()
        early = asyncio.create_task(bench.storage.images.get(image.id))
        await eventually(lambda: len(bench.service.requests) == 1, "the read reaches the Storage Service")
        unit = bench.storage.unit_of_work()
        unit.update(bench.storage.images, image, 1)
        committed = asyncio.create_task(unit.commit())
        await eventually(lambda: len(bench.service.requests) == 2, "the commit reaches the Storage Service")
        bench.service.may_reply.set()
        await asyncio.gather(early, committed)
        latest = await bench.storage.images.get(image.id)
        assert latest is not None
        assert latest.version == 2


class TestRepetition:
    async def test_the_same_id_and_content_return_the_first_result(self, bench: Bench) -> None:
        image, results = an_image(), []
        for _ in range(2):
            unit = bench.storage.unit_of_work("6f0c5b7e-3f0e-4d3a-9a53-0a3f6f9b1c11")
            unit.put(bench.storage.images, image)
            results.append((await unit.commit()).of(bench.storage.images))
        assert results[0] == results[1]
        assert results[0].version == 1
        other = bench.storage.unit_of_work("6f0c5b7e-3f0e-4d3a-9a53-0a3f6f9b1c11")
        other.put(bench.storage.images, an_image())
        with pytest.raises(RequestIdReused):
            await other.commit()

    async def test_units_without_an_id_are_independent(self, bench: Bench) -> None:
        image = an_image()
        for version in (1, 2):
            unit = bench.storage.unit_of_work()
            unit.put(bench.storage.images, image)
            assert uuid.UUID(unit.id)
            assert (await unit.commit()).of(bench.storage.images).version == version

    async def test_a_repeated_request_with_another_change_returns_the_first_result(self, bench: Bench) -> None:
        image = bench.service.put(IMAGES, an_image())
        request, results = DeleteImageRequest(image_id=image.id, request_id=new_id()), []
        for text in ("first", "second"):
            unit = bench.storage.unit_for("restyle", request)
            image.metadata.theme = text
            unit.put(bench.storage.images, image)
            results.append((await unit.commit()).of(bench.storage.images))
        assert results[0] == results[1]
        assert results[0].metadata.theme == "first"

    async def test_a_request_id_with_other_content_is_rejected(self, bench: Bench) -> None:
        image, other = (bench.service.put(IMAGES, an_image()) for _ in range(2))
        request_id = new_id()
        await deletion(bench, DeleteImageRequest(image_id=image.id, request_id=request_id)).commit()
        with pytest.raises(RequestIdReused):
            await deletion(bench, DeleteImageRequest(image_id=other.id, request_id=request_id)).commit()

    async def test_a_deleted_record_cannot_be_deleted_again(self, bench: Bench) -> None:
        image = bench.service.put(IMAGES, an_image())
        request = DeleteImageRequest(image_id=image.id)
        await deletion(bench, request).commit()
        with pytest.raises(RecordNotFound, match=f"{image.id} does not exist"):
            await deletion(bench, request).commit()

    async def test_a_missing_record_cannot_be_deleted(self, bench: Bench) -> None:
        for request_id in ("", new_id()):
            request = DeleteImageRequest(image_id=new_id(), request_id=request_id)
            with pytest.raises(RecordNotFound):
                await deletion(bench, request).commit()

    async def test_a_deletion_with_a_request_id_can_be_repeated(self, bench: Bench) -> None:
        image = bench.service.put(IMAGES, an_image())
        request = DeleteImageRequest(image_id=image.id, version=1, request_id=new_id())
        first = (await deletion(bench, request).commit()).of(bench.storage.images)
        again = (await deletion(bench, request).commit()).of(bench.storage.images)
        assert first == again
        assert first.HasField("delete_time")
        assert [type(each) for each in bench.service.requests] == [DeleteRequest] * 2

    async def test_a_stale_deletion_without_a_request_id_is_a_conflict(self, bench: Bench) -> None:
        image = bench.service.put(IMAGES, an_image())
        with pytest.raises(VersionConflict):
            await deletion(bench, DeleteImageRequest(image_id=image.id, version=7)).commit()
        assert [type(each) for each in bench.service.requests] == [RetrieveRequest, DeleteRequest]
