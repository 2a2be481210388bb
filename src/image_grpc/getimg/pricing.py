"""Prices from the model catalog and from billed usage."""

import math
from decimal import Decimal

from getimg.types.usage import Usage
from tabletop.image.v1.generation_pb2 import Cost
from tabletop.image.v1.model_pb2 import Model
from tabletop.image.v1.types_pb2 import Size

from image_grpc.getimg.sizing import fit_to_model


def expected_cost(model: Model, size: Size) -> Cost | None:
    """Return the list price of one picture of this size, or None if the catalog has none."""
    _, resolution = fit_to_model(model, size)
    price = next((price for price in model.prices if price.resolution in ("", resolution)), None)
    if price is None:
        return None
    return Cost(amount=price.amount, currency=price.currency, unit=price.unit, quantity=1)


def billed_cost(usage: Usage) -> Cost | None:
    """Return what a call has cost, or None if the response does not say."""
    if not (math.isfinite(usage.total_cost) and usage.total_cost >= 0 and math.isfinite(usage.quantity)):
        return None
    amount = format(Decimal(str(usage.total_cost)), "f")
    return Cost(amount=amount, currency="USD", unit=usage.billable_unit, quantity=usage.quantity)
