"""A service, and images to be changed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tabletop.image.v1.image_pb2 import Image

from tests.service import Service, element, new_id, portrait, service, tactical_map

WALL = {"start": {"x": 0, "y": 0, "unit": 2}, "end": {"x": 2, "y": 0, "unit": 2}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def platform(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    async with service(tmp_path_factory.mktemp("revisions")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def face(platform: Service) -> Image:
    """A new portrait."""
    request = portrait(species="elf", traits=["scar", "red hair"], details=new_id(), character_id=new_id())
    return (await platform.generate(request)).image


@pytest_asyncio.fixture(loop_scope="module")
async def field(platform: Service) -> Image:
    """A tactical map with a grid, a wall and an overlay."""
    grid = {"enabled": True, "size": 16, "color": "#ff0000"}
    image = (await platform.generate(tactical_map(grid=grid, walls=[WALL], details=new_id()))).image
    await platform.create_overlay(image.id, element("orc"))
    return await platform.get_image(image.id)
