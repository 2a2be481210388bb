"""Listings of a map's overlays in the read cache."""

from __future__ import annotations

import asyncio

import pytest
from tabletop.storage.v1.storage_pb2 import ListRequest

from image_grpc.storage.codecs import IMAGES, OVERLAYS
from image_grpc_testkit.contracts.records import an_image, an_overlay, new_id
from tests.storage.conftest import names_of, requests_received
from tests.storage.fake_service import Bench

inline = pytest.mark.parametrize("inline", [True, False], ids=["with record", "without record"])


async def test_the_overlays_of_a_map_are_listed_once(bench: Bench) -> None:
    map_id = new_id()
    bench.service.put(OVERLAYS, an_overlay())
    bench.service.put(OVERLAYS, an_overlay(map_id=map_id, name="party"))
    for _ in range(3):
        assert await names_of(bench, map_id) == ["party"]
    assert [type(request) for request in bench.service.requests] == [ListRequest]
    assert (bench.telemetry.counters.cache_hits, bench.telemetry.counters.cache_misses) == (2, 1)


async def test_a_map_without_overlays_is_listed_once(bench: Bench) -> None:
    map_id = new_id()
    for _ in range(2):
        assert await names_of(bench, map_id) == []
    assert len(bench.service.requests) == 1


async def test_overlays_are_ordered_by_z_index_then_by_age(bench: Bench) -> None:
    map_id = new_id()
    for name, z_index in (("second", 1), ("third", 1), ("top", 5), ("bottom", -1)):
        bench.service.put(OVERLAYS, an_overlay(map_id=map_id, name=name, z_index=z_index))
    assert await names_of(bench, map_id) == ["bottom", "second", "third", "top"]


async def test_concurrent_reads_share_one_listing(bench: Bench) -> None:
    map_id = new_id()
    bench.service.put(OVERLAYS, an_overlay(map_id=map_id, name="party"))
    assert await asyncio.gather(*(names_of(bench, map_id) for _ in range(20))) == [["party"]] * 20
    assert len(bench.service.requests) == 1


@inline
async def test_a_changed_overlay_is_listed_again(bench: Bench, inline: bool) -> None:
    overlay = bench.service.put(OVERLAYS, an_overlay(name="old"))
    assert await names_of(bench, overlay.map_id) == ["old"]
    overlay.name = "new"
    bench.service.put(OVERLAYS, overlay)
    bench.cache.apply(bench.service.change(OVERLAYS, overlay.id, inline=inline))
    assert await names_of(bench, overlay.map_id) == ["new"]


async def test_a_change_on_another_map_keeps_the_overlays(bench: Bench) -> None:
    overlay, other = (bench.service.put(OVERLAYS, an_overlay()) for _ in range(2))
    await names_of(bench, overlay.map_id)
    bench.cache.apply(bench.service.change(OVERLAYS, other.id))
    await names_of(bench, overlay.map_id)
    assert len(bench.service.requests) == 1


async def test_a_changed_image_keeps_its_overlays(bench: Bench) -> None:
    image = bench.service.put(IMAGES, an_image())
    bench.service.put(OVERLAYS, an_overlay(map_id=image.id))
    await names_of(bench, image.id)
    for has_record in (True, False):
        bench.cache.apply(bench.service.change(IMAGES, image.id, inline=has_record))
    await names_of(bench, image.id)
    assert len(bench.service.requests) == 1


@inline
async def test_a_listing_that_a_change_overtakes_is_not_cached(bench: Bench, inline: bool) -> None:
    overlay = bench.service.put(OVERLAYS, an_overlay(name="old"))
    bench.service.may_reply.clear()
    early = asyncio.create_task(names_of(bench, overlay.map_id))
    await requests_received(bench)
    overlay.name = "new"
    bench.service.put(OVERLAYS, overlay)
    bench.cache.apply(bench.service.change(OVERLAYS, overlay.id, inline=inline))
    late = asyncio.create_task(names_of(bench, overlay.map_id))
    await requests_received(bench, 2)
    bench.service.may_reply.set()
    assert await early == ["old"]  # requested before the change
    assert await late == ["new"]
    assert await names_of(bench, overlay.map_id) == ["new"]


@inline
async def test_an_overtaken_listing_without_a_later_one_is_not_cached(bench: Bench, inline: bool) -> None:
    overlay = bench.service.put(OVERLAYS, an_overlay(name="old"))
    bench.service.may_reply.clear()
    early = asyncio.create_task(names_of(bench, overlay.map_id))
    await requests_received(bench)
    overlay.name = "new"
    bench.service.put(OVERLAYS, overlay)
    bench.cache.apply(bench.service.change(OVERLAYS, overlay.id, inline=inline))
    bench.service.may_reply.set()
    assert await early == ["old"]
    assert await names_of(bench, overlay.map_id) == ["new"]
