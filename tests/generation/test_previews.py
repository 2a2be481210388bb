"""What `validate_only` returns."""

from __future__ import annotations

from pathlib import Path

import pytest
from tabletop.image.v1.types_pb2 import Size

from tests.service import portrait, service


@pytest.mark.parametrize(("side", "amount"), [(64, "0.053"), (1024, "0.053"), (2048, "0.12")])
async def test_a_preview_is_priced_for_the_requested_size(tmp_path: Path, side: int, amount: str) -> None:
    async with service(tmp_path) as running:
        request = portrait(model="gpt-image-2", size=Size(width=side, height=side), validate_only=True)
        preview = await running.generate(request)
        assert preview.cost.amount == amount
        assert running.standin.calls == 0
