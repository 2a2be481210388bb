"""Fixtures: a listening stand-in with clients."""

from __future__ import annotations

from collections.abc import AsyncIterator

import getimg
import httpx
import pytest
from hypothesis import HealthCheck, settings

from clients import KEY, Running
from getimg_standin import Standin

# Machines differ in speed: a slow example is no failure.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture
def standin() -> Standin:
    return Standin(api_key=KEY)


@pytest.fixture
async def running(standin: Standin) -> AsyncIterator[Running]:
    async with (
        standin.listen() as url,
        # No TLS here, and loading the certificates would take longer than most tests.
        getimg.DefaultAsyncHttpxClient(verify=False) as transport,
        getimg.AsyncGetimgAI(base_url=url, api_key=KEY, max_retries=0, http_client=transport) as sdk,
        httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {KEY}"}, timeout=120, verify=False) as http,
    ):
        yield Running(standin=standin, url=url, sdk=sdk, http=http)
