"""OverlayLimits at the limits of elements, bytes, cells and overlays, with a fake Storage Service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.overlay_pb2 import Overlay
from tabletop.image.v1.types_pb2 import ImageSubtype

from image_grpc.errors import InvalidArgument, OverlayLimitExceeded, OverlayMapMismatch
from image_grpc.maps.coverage import Coverage
from image_grpc.overlays import limits
from image_grpc.overlays.limits import MAX_ELEMENTS, MAX_OVERLAYS, OverlayLimits
from image_grpc.storage.codecs import IMAGES, OVERLAYS
from image_grpc_testkit.contracts.records import an_image, an_overlay, new_id
from tests.overlays.builders import MOVE
from tests.service import CELL_PIXELS, element, grid_properties
from tests.storage.fake_service import Bench, storage_bench


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with storage_bench() as bench:
        yield bench


def a_map(**fields: Any) -> Image:
    """Return a tactical map of 10 x 10 cells."""
    image = an_image(**fields)
    image.MergeFrom(
        Image(content={"size": {"width": 10 * CELL_PIXELS, "height": 10 * CELL_PIXELS}}, map=grid_properties())
    )
    return image


async def check(bench: Bench, overlay: Overlay, map_: Image | None = None) -> None:
    await OverlayLimits(bench.storage, Coverage()).check(
        overlay, map_ or a_map(), "elements", list(overlay.tactical.elements)
    )


async def check_count(bench: Bench, overlay: Overlay) -> None:
    await OverlayLimits(bench.storage, Coverage()).check_count(overlay)


class TestCheck:
    async def test_an_overlay_has_at_most_1000_elements(self, bench: Bench) -> None:
        overlay = an_overlay(tactical={"elements": [element(str(index)) for index in range(MAX_ELEMENTS)]})
        await check(bench, overlay)
        overlay.tactical.elements.append(element("one more"))
        with pytest.raises(InvalidArgument, match="at most 1000 elements") as error:
            await check(bench, overlay)
        assert [violation.field for violation in error.value.violations] == ["elements"]

    async def test_an_overlay_of_exactly_the_size_limit_is_accepted(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        overlay = an_overlay(tactical={"elements": [element("goblin")]})
        monkeypatch.setattr(limits, "MAX_BYTES", overlay.ByteSize())
        await check(bench, overlay)
        overlay.name += "x"
        with pytest.raises(OverlayLimitExceeded, match="bytes"):
            await check(bench, overlay)

    async def test_ranges_that_take_long_to_examine_are_refused_first(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "MAX_EXAMINED", 99)

        async def count_cells(*_: object) -> int:
            raise AssertionError("the limit is checked before the work")

        monkeypatch.setattr(Coverage, "count_cells", count_cells)
        with pytest.raises(OverlayLimitExceeded, match="at most 99 cells may be within the ranges"):
            await check(bench, an_overlay(tactical={"elements": [element("sight", line_of_sight={})]}))

    async def test_the_cells_of_all_elements_count(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        overlay = an_overlay(tactical={"elements": [element(name, range=MOVE) for name in ("one", "two")]})
        monkeypatch.setattr(limits, "MAX_CELLS", 18)
        await check(bench, overlay)
        monkeypatch.setattr(limits, "MAX_CELLS", 17)
        with pytest.raises(OverlayLimitExceeded, match="at most 17 cells"):
            await check(bench, overlay)

    @pytest.mark.parametrize("kind", ["tactical", "campaign"])
    async def test_the_overlay_and_its_map_are_of_the_same_kind(self, bench: Bench, kind: str) -> None:
        maps = {
            "tactical": a_map(),
            "campaign": a_map(subtype=ImageSubtype.IMAGE_SUBTYPE_CAMPAIGN),
            "other": a_map(subtype=ImageSubtype.IMAGE_SUBTYPE_PORTRAIT),
        }
        overlay = an_overlay(**{kind: {}})
        await check(bench, overlay, maps.pop(kind))
        for image in maps.values():
            with pytest.raises(OverlayMapMismatch, match=f"is not a {kind} map"):
                await check(bench, overlay, image)

    async def test_the_portrait_of_a_token_exists(self, bench: Bench) -> None:
        portrait = bench.service.put(IMAGES, an_image())
        tokens = [element("known", token={"image_id": portrait.id})]
        await check(bench, an_overlay(tactical={"elements": tokens}))
        tokens.append(element("unknown", token={"image_id": new_id()}))
        with pytest.raises(InvalidArgument) as error:
            await check(bench, an_overlay(tactical={"elements": tokens}))
        assert [violation.field for violation in error.value.violations] == ["elements[1].token.image_id"]


class TestCheckCount:
    async def test_a_map_has_at_most_100_overlays(self, bench: Bench) -> None:
        overlay = an_overlay()
        for _ in range(MAX_OVERLAYS - 1):
            bench.service.put(OVERLAYS, an_overlay(map_id=overlay.map_id))
        await check_count(bench, overlay)
        bench.service.put(OVERLAYS, overlay)
        bench.cache.drop_records()
        with pytest.raises(OverlayLimitExceeded, match="at most 100 overlays"):
            await check_count(bench, an_overlay(map_id=overlay.map_id))
        await check_count(bench, overlay)  # a repeated request

    async def test_deleted_overlays_and_those_of_other_maps_do_not_count(self, bench: Bench) -> None:
        overlay = an_overlay()
        existing = [bench.service.put(OVERLAYS, an_overlay(map_id=overlay.map_id)) for _ in range(MAX_OVERLAYS)]
        bench.service.delete(OVERLAYS, existing[0].id)
        bench.service.put(OVERLAYS, an_overlay())
        await check_count(bench, overlay)
