"""A low balance at GetImg.AI is reported before calls fail with 402."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from tabletop.image.v1.status_service_pb2 import GetStatusRequest

from image_grpc.getimg import balance
from image_grpc_testkit.eventually import eventually
from tests.service import fast_standin, portrait, running_standin, service


async def test_a_low_balance_is_a_warning_until_it_is_topped_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(balance, "INTERVAL_SECONDS", 0.05)
    async with (
        running_standin(fast_standin(balance=Decimal("10.004"))) as provider,
        service(tmp_path, provider) as running,
    ):

        async def warned() -> bool:
            status = await running.status.GetStatus(GetStatusRequest())
            return any("balance at GetImg.AI is 9.999 USD" in warning for warning in status.warnings)

        assert not await warned()
        await running.generate(portrait())
        await eventually(warned, "the balance is low")


async def test_a_balance_that_cannot_be_read_is_no_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_standin() as provider, service(tmp_path, provider, getimg_base_url=f"{provider.url}/none") as it:
        status = await it.status.GetStatus(GetStatusRequest())
        assert not status.warnings
        assert not status.dependencies.getimg_api.message
