"""Several pictures of one request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
import pytest_asyncio

from tests.service import Service, campaign_map, item, new_id, portrait, service, tactical_map
from tests.statuses import failed_call

pytestmark = pytest.mark.asyncio(loop_scope="module")
KINDS: list[Callable[..., Any]] = [tactical_map, campaign_map, portrait, item]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    async with service(tmp_path_factory.mktemp("variants")) as it:
        yield it


@pytest.mark.parametrize("request_for", KINDS)
async def test_each_variant_is_a_picture_of_its_own_that_later_requests_share(
    running: Service, request_for: Callable[..., Any]
) -> None:
    details = new_id()
    requests = [request_for(details=details, variant=variant) for variant in range(4)]
    first = await asyncio.gather(*(running.generate(each) for each in requests))
    assert len({each.image.id for each in first}) == 4
    assert len({each.image.content.sha256 for each in first}) == 4
    again = await asyncio.gather(*(running.generate(each) for each in requests))
    assert [each.image.id for each in again] == [each.image.id for each in first]
    assert all(each.cache_hit for each in again)
    assert (await running.generate(request_for(details=details))).image.id == first[0].image.id
    assert [each.image.metadata.generation_params.request for each in again] == [each.request for each in first]


async def test_variants_of_a_layout_are_different_pictures(running: Service) -> None:
    layout = {"floor_plan_parameters": {"kind": 1, "size": {"columns": 12, "rows": 12}, "seed": 1}}
    pictures = [
        (
            await running.generate(tactical_map(layout=layout, variant=variant, size={"width": 192, "height": 192}))
        ).image.content.sha256
        for variant in range(2)
    ]
    assert len(set(pictures)) == 2


async def test_a_negative_variant_is_rejected(running: Service) -> None:
    error = await failed_call(running.generate(portrait(variant=-1)))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["variant"])
