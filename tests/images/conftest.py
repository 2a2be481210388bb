from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tabletop.image.v1.image_pb2 import Image

from tests.service import Service, new_id, portrait, service, tactical_map

LARGER_THAN_A_CHUNK = {"width": 1500, "height": 1500}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    async with service(tmp_path_factory.mktemp("images")) as it:
        yield it


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def image(running: Service) -> Image:
    """A generated image of more than one chunk, shared by a module's tests, which must not change it."""
    return (await running.generate(tactical_map(size=LARGER_THAN_A_CHUNK))).image


@pytest_asyncio.fixture(loop_scope="module")
async def own_image(running: Service) -> Image:
    """A generated image that only this test uses and may change."""
    return (await running.generate(portrait(details=new_id()))).image
