from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.types_pb2 import ImageSubtype

from tests.service import Service, grid_properties, service


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    async with service(tmp_path_factory.mktemp("overlays")) as it:
        yield it


@pytest_asyncio.fixture(loop_scope="module")
async def battlefield(running: Service) -> Image:
    """A tactical map of 10 x 10 cells."""
    return await running.upload(map=grid_properties())


@pytest_asyncio.fixture(loop_scope="module")
async def region(running: Service) -> Image:
    """A campaign map."""
    return await running.upload(subtype=ImageSubtype.IMAGE_SUBTYPE_CAMPAIGN)
