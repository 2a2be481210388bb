"""Listings have pages by keyset, filters and orders."""

from __future__ import annotations

from typing import Any

import pytest
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.types_pb2 import ImageSubtype, ImageType
from tabletop.storage.v1.record_pb2 import Facets, RecordKind
from tabletop.storage.v1.storage_pb2 import (
    ListFilter,
    ListOrder,
    ListRequest,
    ListResponse,
)

from image_grpc.errors import InvalidArgument
from image_grpc.hub import topology
from tests.contracts.records import (
    a_cache_entry,
    a_generation,
    a_theme,
    an_image,
    an_overlay,
    new_id,
)
from tests.contracts.storage_bench import (
    NEWEST_FIRST,
    OLDEST_FIRST,
    Storage,
    pages,
)


class ListingsContract:
    """The suite."""

    @pytest.mark.parametrize("order", [NEWEST_FIRST, OLDEST_FIRST])
    async def test_pages_have_every_record_once_while_others_are_added(
        self, storage: Storage, order: ListOrder
    ) -> None:
        filter_ = ListFilter(service=new_id())

        async def add(count: int) -> None:
            images = [an_image(service=filter_.service) for _ in range(count)]
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

    async def test_a_listing_that_fits_on_its_page_has_no_next_one(self, storage: Storage) -> None:
        filter_ = ListFilter(service=new_id())
        assert await storage.client.images.list(filter_, page_size=2) == ([], "")
        for _ in range(2):
            await storage.client.images.store(an_image(service=filter_.service))
        page, token = await storage.client.images.list(filter_, page_size=2)
        assert (len(page), token) == (2, "")

    @pytest.mark.parametrize(
        ("filter_", "matches"),
        [
            (ListFilter(), ["map", "portrait", "axe"]),
            (ListFilter(type=ImageType.IMAGE_TYPE_MAP), ["map"]),
            (ListFilter(subtype=ImageSubtype.IMAGE_SUBTYPE_WEAPON), ["axe"]),
            (ListFilter(theme="horror"), ["portrait", "axe"]),
            (ListFilter(type=ImageType.IMAGE_TYPE_ITEM, theme="horror"), ["axe"]),
            (ListFilter(type=ImageType.IMAGE_TYPE_MAP, theme="horror"), []),
        ],
        ids=lambda value: (
            "+".join(field.name for field, _ in value.ListFields()) or "all"
            if isinstance(value, ListFilter)
            else ""
        ),
    )
    @pytest.mark.parametrize("by", ["service", "source_id"])
    async def test_images_are_listed_by_what_they_are(
        self, storage: Storage, by: str, filter_: ListFilter, matches: list[str]
    ) -> None:
        asked_by = {by: new_id()}
        await storage.client.images.store(an_image())
        images = {
            "map": an_image(**asked_by),
            "portrait": an_image(
                type_=ImageType.IMAGE_TYPE_CHARACTER,
                subtype=ImageSubtype.IMAGE_SUBTYPE_PORTRAIT,
                theme="horror",
                **asked_by,
            ),
            "axe": an_image(
                type_=ImageType.IMAGE_TYPE_ITEM,
                subtype=ImageSubtype.IMAGE_SUBTYPE_WEAPON,
                theme="horror",
                **asked_by,
            ),
        }
        for image in images.values():
            await storage.client.images.store(image)
        filter_ = ListFilter(**{name.name: value for name, value in filter_.ListFields()}, **asked_by)
        found, _ = await storage.client.images.list(filter_, page_size=10, order=OLDEST_FIRST)
        assert [image.id for image in found] == [images[name].id for name in matches]

    async def test_generations_are_listed_by_state_and_by_what_they_make(self, storage: Storage) -> None:
        facets = Facets(
            type=ImageType.IMAGE_TYPE_MAP,
            subtype=ImageSubtype.IMAGE_SUBTYPE_CAMPAIGN,
            theme="western",
            source_id=new_id(),
            service=new_id(),
        )
        states = GenerationState.values()[1:]
        for state in states:
            await storage.client.generations.store(a_generation(state=state, facets=facets))
        await storage.client.generations.store(a_generation())

        async def listed(**changes: Any) -> list[GenerationState]:
            filter_ = ListFilter(**{"service": facets.service, **changes})
            found, _ = await storage.client.generations.list(filter_, page_size=50, order=OLDEST_FIRST)
            return [each.generation.state for each in found]

        assert await listed() == states
        assert await listed(states=states[1:3]) == states[1:3]
        assert await listed(theme="western", type=facets.type, subtype=facets.subtype) == states
        assert await listed(source_id=facets.source_id) == states
        assert await listed(source_id=new_id()) == []
        assert await listed(theme="horror") == []

    async def test_a_record_that_changed_is_listed_by_what_it_is_now(self, storage: Storage) -> None:
        image = await storage.client.images.store(an_image(service=new_id(), theme="fantasy"))
        image.metadata.theme = "horror"
        await storage.client.images.store(image)
        for theme, count in (("fantasy", 0), ("horror", 1)):
            filter_ = ListFilter(service=image.metadata.service, theme=theme)
            found, _ = await storage.client.images.list(filter_, page_size=10)
            assert len(found) == count

    async def test_overlays_are_listed_by_map(self, storage: Storage) -> None:
        map_id = new_id()
        overlays = [await storage.client.overlays.store(an_overlay(map_id=map_id)) for _ in range(2)]
        await storage.client.overlays.store(an_overlay())
        found, _ = await storage.client.overlays.list(ListFilter(map_id=map_id), page_size=10, order=OLDEST_FIRST)
        assert found == overlays

    async def test_records_are_listed_by_the_time_they_were_made(self, storage: Storage) -> None:
        service = new_id()
        images = [await storage.client.images.store(an_image(service=service)) for _ in range(3)]
        filter_ = ListFilter(service=service, create_time_before=images[2].create_time)
        found, _ = await storage.client.images.list(filter_, page_size=10, order=OLDEST_FIRST)
        assert found == images[:2]

    async def test_kinds_are_listed_apart(self, storage: Storage) -> None:
        entry = await storage.client.cache_entries.store(a_cache_entry())
        theme = await storage.client.themes.store(a_theme())
        themes = await pages(storage.client.themes.list, ListFilter(), page_size=500)
        assert theme in themes[0]
        assert all(entry.fingerprint != each.name for page in themes for each in page)

    async def test_matching_records_are_counted_on_request(self, storage: Storage) -> None:
        filter_ = ListFilter(service=new_id())
        for _ in range(3):
            await storage.client.images.store(an_image(service=filter_.service))
        request = ListRequest(
            storage_correlation_id=new_id(),
            kind=RecordKind.RECORD_KIND_IMAGE,
            filter=filter_,
            page_size=1,
            count=True,
        )
        first = await storage.client.request(topology.LIST, request, ListResponse)
        assert (len(first.records), first.total_size) == (1, 3)
        request.page_token = first.next_page_token
        assert (await storage.client.request(topology.LIST, request, ListResponse)).total_size == 3

    async def test_a_page_token_of_another_listing_is_refused(self, storage: Storage) -> None:
        filter_ = ListFilter(service=new_id())
        for _ in range(2):
            await storage.client.images.store(an_image(service=filter_.service))
        _, token = await storage.client.images.list(filter_, page_size=1)
        assert token
        narrower = ListFilter(service=filter_.service, theme="fantasy")
        for listing in (
            storage.client.images.list(narrower, page_size=1, page_token=token),
            storage.client.images.list(filter_, page_size=1, page_token=token, order=OLDEST_FIRST),
            storage.client.generations.list(filter_, page_size=1, page_token=token),
            storage.client.images.list(ListFilter(versions_of=new_id()), page_size=1, page_token=token),
        ):
            with pytest.raises(InvalidArgument) as refused:
                await listing
            assert [each.field for each in refused.value.violations] == ["page_token"]
        assert len((await storage.client.images.list(filter_, page_size=5, page_token=token))[0]) == 1

    @pytest.mark.parametrize("forged", ["abc", "é", "====", "a" * 5000, "{}", " ", "\0"])
    async def test_a_forged_page_token_is_refused(self, storage: Storage, forged: str) -> None:
        with pytest.raises(InvalidArgument) as refused:
            await storage.client.images.list(page_size=1, page_token=forged)
        assert [each.field for each in refused.value.violations] == ["page_token"]

    async def test_a_changed_page_token_is_refused(self, storage: Storage) -> None:
        filter_ = ListFilter(service=new_id())
        for _ in range(2):
            await storage.client.images.store(an_image(service=filter_.service))
        _, token = await storage.client.images.list(filter_, page_size=1)
        for index in range(0, len(token) - 2, 7):  # the last character may have bits that mean nothing
            changed = token[:index] + ("A" if token[index] != "A" else "B") + token[index + 1 :]
            with pytest.raises(InvalidArgument):
                await storage.client.images.list(filter_, page_size=1, page_token=changed)
