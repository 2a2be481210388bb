from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from getimg.types.image_generate_response import Data, ImageGenerateResponse
from getimg.types.usage import Usage
from tabletop.image.v1.model_pb2 import Model
from tabletop.image.v1.types_pb2 import Size

from image_grpc.getimg import GetimgClient, expected_cost
from image_grpc.getimg.client import billed_cost, read_result
from tests.service import MODEL, PRICE


def priced_model(**prices: str) -> Model:
    """Return a model with the ratios 1:1 and 16:9 and a price per resolution."""
    model = Model(id="m", aspect_ratios=["1:1", "16:9"], resolutions=list(prices))
    for resolution, amount in prices.items():
        model.prices.add(resolution=resolution, amount=amount, currency="USD", unit="image")
    return model


@pytest.mark.parametrize(
    ("width", "height", "amount"),
    [
        (64, 64, "0.01"),
        (1024, 1024, "0.01"),
        (1100, 1024, "0.02"),
        (2048, 2048, "0.02"),
        (1365, 768, "0.01"),
        (1920, 1080, "0.02"),
        (3840, 2160, "0.04"),
        (4096, 4096, "0.04"),
    ],
)
def test_the_price_is_that_of_the_requested_size(width: int, height: int, amount: str) -> None:
    model = priced_model(**{"1K": "0.01", "2K": "0.02", "4K": "0.04"})
    cost = expected_cost(model, Size(width=width, height=height))
    assert (cost.amount, cost.currency, cost.unit, cost.quantity) == (amount, "USD", "image", 1)


def test_a_price_without_a_resolution_applies_to_all_sizes() -> None:
    model = Model(aspect_ratios=["1:1"], resolutions=["1K", "2K"])
    model.prices.add(amount="0.03", currency="USD", unit="image")
    for side in (64, 2048):
        cost = expected_cost(model, Size(width=side, height=side))
        assert cost is not None
        assert cost.amount == "0.03"


def test_the_price_of_another_resolution_does_not_apply() -> None:
    model = priced_model(**{"1K": "0.01", "2K": "0.02"})
    del model.prices[1]
    assert expected_cost(model, Size(width=2048, height=2048)) is None


async def test_prices_come_from_the_catalog(client: GetimgClient) -> None:
    async def amount(model_id: str, side: int) -> str | None:
        model = await client.model(model_id)
        assert model is not None
        cost = expected_cost(model, Size(width=side, height=side))
        return cost.amount if cost else None

    assert await amount("gpt-image-2", 1024) == "0.053"
    assert await amount("gpt-image-2", 2048) == "0.12"
    assert await amount(MODEL, 64) == PRICE
    assert await amount("gemini-3-1-flash-image", 64) is None, "no listed rate does not mean free"


def test_the_billed_amount_has_no_exponent() -> None:
    cost = billed_cost(Usage(billable_unit="image", quantity=2, unit_price=0.000005, total_cost=0.00001))
    assert (cost.amount, cost.currency, cost.unit, cost.quantity) == ("0.00001", "USD", "image", 2)


@pytest.mark.parametrize(("total", "quantity"), [(math.nan, 1), (math.inf, 1), (-1.0, 1), (1.0, math.nan), (1e300, 1)])
def test_an_invalid_usage_has_no_cost(total: float, quantity: float) -> None:
    usage = Usage(billable_unit="image", quantity=quantity, unit_price=1, total_cost=total)
    with pytest.raises(ValueError, match="total_cost"):
        billed_cost(usage)


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "\ud800"},
        {"id": None},
        {"model": "\ud800"},
        {"usage": None},
        {"usage": Usage.construct(total_cost="much", quantity=1, billable_unit="image")},
        {"usage": Usage.construct(total_cost=1, quantity=1, billable_unit="\ud800")},
        {"deletes_at": "in a year"},
        {"deletes_at": None},
    ],
    ids=ascii,
)
def test_a_picture_is_kept_whatever_else_cannot_be_read(fields: dict[str, object]) -> None:
    usage = Usage(billable_unit="image", quantity=1, unit_price=1, total_cost=1)
    values = {"id": "1", "model": "m", "usage": usage, "deletes_at": datetime(2030, 1, 1, tzinfo=UTC)} | fields
    picture = Data.construct(url="https://getimg.ai/1.png", deletes_at=values.pop("deletes_at"))
    result = read_result(ImageGenerateResponse.construct(data=[picture], **values))
    assert result.url == "https://getimg.ai/1.png"
    result.SerializeToString()
    assert len(result.ListFields()) == 5
