"""Listings: pages by keyset, filters, orders and counts."""

from __future__ import annotations

from typing import Any

import pytest
from tabletop.image.internal.v1.generation_record_pb2 import Facets
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.types_pb2 import ImageSubtype, ImageType
from tabletop.storage.v1.record_pb2 import RecordKind
from tabletop.storage.v1.storage_pb2 import ListFilter, ListOrder, ListRequest, ListResponse

from image_grpc.errors import InvalidArgument
from image_grpc.hub import topology
from image_grpc_testkit.collections import store_one
from image_grpc_testkit.contracts.records import a_cache_entry, a_generation, a_theme, an_image, an_overlay, new_id
from image_grpc_testkit.contracts.storage_testkit import NEWEST_FIRST, OLDEST_FIRST, Storage, all_pages, matching


class ListingsContract:
    """The suite."""

    @pytest.mark.parametrize("order", [NEWEST_FIRST, OLDEST_FIRST])
    async def test_pages_contain_every_record_once_while_others_are_added(
        self, storage: Storage, order: ListOrder
    ) -> None:
        service = new_id()
        filter_ = matching(service=service)

        async def add(count: int) -> None:
            images = [an_image(service=service) for _ in range(count)]
            await storage.client.store([storage.client.images.put(image) for image in images])

        await add(7)
        listed, token = list[Image](), ""
        expected, _ = await storage.client.images.list(filter_, page_size=500, order=order)
        for page_number in range(3):
            page, token = await storage.client.images.list(filter_, page_size=3, page_token=token, order=order)
            listed += page
            assert bool(token) is (page_number < 2)
            await add(1)
        times = [(each.create_time.ToMicroseconds(), each.id) for each in expected]
        assert times == sorted(times, reverse=order is NEWEST_FIRST)
        assert listed[:7] == expected
        assert len({each.id for each in listed}) == len(listed)

    async def test_a_listing_that_fits_on_one_page_has_no_next_page(self, storage: Storage) -> None:
        service = new_id()
        filter_ = matching(service=service)
        assert await storage.client.images.list(filter_, page_size=2) == ([], "")
        for _ in range(2):
            await storage.store_image(an_image(service=service))
        page, token = await storage.client.images.list(filter_, page_size=2)
        assert (len(page), token) == (2, "")

    @pytest.mark.parametrize(
        ("index", "matches"),
        [
            ({}, ["map", "portrait", "axe"]),
            ({"type": "map"}, ["map"]),
            ({"subtype": "weapon"}, ["axe"]),
            ({"theme": "horror"}, ["portrait", "axe"]),
            ({"type": "item", "theme": "horror"}, ["axe"]),
            ({"type": "map", "theme": "horror"}, []),
        ],
        ids=lambda value: "+".join(value) or "all" if isinstance(value, dict) else "",
    )
    @pytest.mark.parametrize("origin", ["service", "source_id"])
    async def test_images_are_filtered_by_their_index_fields(
        self, storage: Storage, origin: str, index: dict[str, str], matches: list[str]
    ) -> None:
        common = {origin: new_id()}
        await storage.store_image(an_image())
        images = {
            "map": an_image(**common),
            "portrait": an_image(
                type_=ImageType.IMAGE_TYPE_CHARACTER,
                subtype=ImageSubtype.IMAGE_SUBTYPE_PORTRAIT,
                theme="horror",
                **common,
            ),
            "axe": an_image(
                type_=ImageType.IMAGE_TYPE_ITEM, subtype=ImageSubtype.IMAGE_SUBTYPE_WEAPON, theme="horror", **common
            ),
        }
        for image in images.values():
            await storage.store_image(image)
        page, _ = await storage.client.images.list(matching(**index, **common), page_size=10, order=OLDEST_FIRST)
        assert [image.id for image in page] == [images[name].id for name in matches]

    async def test_generations_are_filtered_by_state_and_index_fields(self, storage: Storage) -> None:
        generations, service, source_id = storage.client.generations, new_id(), new_id()
        facets = Facets(
            type=ImageType.IMAGE_TYPE_MAP,
            subtype=ImageSubtype.IMAGE_SUBTYPE_CAMPAIGN,
            theme="western",
            source_id=source_id,
            service=service,
        )
        states = GenerationState.values()[1:]
        for state in states:
            await store_one(generations, generations.put(a_generation(state=state, facets=facets)))
        await store_one(generations, generations.put(a_generation()))

        async def listed(states: list[str] | None = None, **index: Any) -> list[GenerationState]:
            filter_ = matching(service=service, **index)
            filter_.states.extend(states or [])
            page, _ = await generations.list(filter_, page_size=50, order=OLDEST_FIRST)
            return [each.generation.state for each in page]

        labels = [GenerationState.Name(state).removeprefix("GENERATION_STATE_").lower() for state in states]
        assert await listed() == states
        assert await listed(states=labels[1:3]) == states[1:3]
        assert await listed(states=labels[1:3], state=labels[0]) == states[1:3]
        assert await listed(theme="western", type="map", subtype="campaign") == states
        assert await listed(source_id=source_id) == states
        assert await listed(source_id=new_id()) == []
        assert await listed(theme="horror") == []

    async def test_a_changed_record_is_listed_by_its_latest_index_fields(self, storage: Storage) -> None:
        service = new_id()
        image = await storage.store_image(an_image(service=service, theme="fantasy"))
        image.metadata.theme = "horror"
        await storage.store_image(image)
        for theme, count in (("fantasy", 0), ("horror", 1)):
            page, _ = await storage.client.images.list(matching(service=service, theme=theme), page_size=10)
            assert len(page) == count

    async def test_overlays_are_filtered_by_map(self, storage: Storage) -> None:
        collection, map_id = storage.client.overlays, new_id()
        overlays = [await store_one(collection, collection.put(an_overlay(map_id=map_id))) for _ in range(2)]
        await store_one(collection, collection.put(an_overlay()))
        page, _ = await collection.list(matching(map_id=map_id), page_size=10, order=OLDEST_FIRST)
        assert page == overlays

    async def test_records_are_filtered_by_creation_time(self, storage: Storage) -> None:
        service = new_id()
        images = [await storage.store_image(an_image(service=service)) for _ in range(3)]
        filter_ = matching(service=service)
        filter_.create_time_before.CopyFrom(images[2].create_time)
        page, _ = await storage.client.images.list(filter_, page_size=10, order=OLDEST_FIRST)
        assert page == images[:2]
        filter_.create_time_from.CopyFrom(images[1].create_time)
        page, _ = await storage.client.images.list(filter_, page_size=10, order=OLDEST_FIRST)
        assert page == images[1:2]

    async def test_kinds_are_listed_separately(self, storage: Storage) -> None:
        client = storage.client
        entry = await store_one(client.cache_entries, client.cache_entries.put(a_cache_entry()))
        theme = await store_one(client.themes, client.themes.put(a_theme()))
        themes = await all_pages(client.themes.list, ListFilter(), page_size=500)
        assert theme in themes[0]
        assert all(entry.fingerprint != each.name for page in themes for each in page)

    async def test_matching_records_are_counted_on_request(self, storage: Storage) -> None:
        service = new_id()
        for _ in range(3):
            await storage.store_image(an_image(service=service))
        request = ListRequest(
            storage_correlation_id=new_id(),
            kind=RecordKind.RECORD_KIND_IMAGE,
            filter=matching(service=service),
            page_size=1,
            count=True,
        )
        first = await storage.client.request(topology.LIST, request, ListResponse)
        assert (len(first.records), first.total_size) == (1, 3)
        request.page_token = first.next_page_token
        assert (await storage.client.request(topology.LIST, request, ListResponse)).total_size == 3

    async def test_a_page_token_of_another_listing_is_refused(self, storage: Storage) -> None:
        images, service = storage.client.images, new_id()
        filter_ = matching(service=service)
        for _ in range(2):
            await storage.store_image(an_image(service=service))
        _, token = await images.list(filter_, page_size=1)
        assert token
        narrower = matching(service=service, theme="fantasy")
        for listing in (
            images.list(narrower, page_size=1, page_token=token),
            images.list(filter_, page_size=1, page_token=token, order=OLDEST_FIRST),
            storage.client.generations.list(filter_, page_size=1, page_token=token),
            images.list(ListFilter(versions_of=new_id()), page_size=1, page_token=token),
        ):
            with pytest.raises(InvalidArgument) as refusal:
                await listing
            assert [each.field for each in refusal.value.violations] == ["page_token"]
        assert len((await images.list(filter_, page_size=5, page_token=token))[0]) == 1

    @pytest.mark.parametrize("forged", ["abc", "é", "====", "a" * 5000, "{}", " ", "\0"])
    async def test_a_forged_page_token_is_refused(self, storage: Storage, forged: str) -> None:
        with pytest.raises(InvalidArgument) as refusal:
            await storage.client.images.list(page_size=1, page_token=forged)
        assert [each.field for each in refusal.value.violations] == ["page_token"]

    async def test_a_changed_page_token_is_refused(self, storage: Storage) -> None:
        service = new_id()
        filter_ = matching(service=service)
        for _ in range(2):
            await storage.store_image(an_image(service=service))
        _, token = await storage.client.images.list(filter_, page_size=1)
        for index in range(0, len(token) - 2, 7):  # some bits of the last character have no meaning
            changed = token[:index] + ("A" if token[index] != "A" else "B") + token[index + 1 :]
            with pytest.raises(InvalidArgument):
                await storage.client.images.list(filter_, page_size=1, page_token=changed)
