"""The read-only endpoints: models and billing."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from starlette.requests import Request
from starlette.responses import JSONResponse

from getimg_standin.catalog import MODELS
from getimg_standin.errors import ApiError
from getimg_standin.workspace import Workspace

_LONGEST_COST_RANGE = timedelta(days=180)


class Queries:
    """`GET /v2/models`, `/v2/models/{id}`, `/v2/billing/balance` and `/v2/billing/costs`."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def models(self, request: Request) -> JSONResponse:
        """Return all models, or those of `?type=`; all of them are image models."""
        self._authorize(request)
        model_type = request.query_params.get("type", "image")
        if model_type not in ("image", "video"):
            raise ApiError(400, "type must be image or video.", code="invalid_type")
        models = MODELS.values() if model_type == "image" else ()
        return JSONResponse([model.to_json() for model in models])

    async def model(self, request: Request) -> JSONResponse:
        """Return one model."""
        self._authorize(request)
        model = MODELS.get(request.path_params["model"])
        if model is None:
            raise ApiError(404, "The model does not exist.", code="model_not_found")
        return JSONResponse(model.to_json())

    async def balance(self, request: Request) -> JSONResponse:
        """Return the remaining balance."""
        self._authorize(request)
        return JSONResponse({"balance": f"{self._workspace.ledger.balance:f}", "currency": "USD"})

    async def costs(self, request: Request) -> JSONResponse:
        """Return the costs by UTC date from `start` to `end`."""
        self._authorize(request)
        start, end = _time(request, "start"), _time(request, "end")
        if end <= start:
            raise ApiError(400, "end must be after start.", code="invalid_range")
        if end - start > _LONGEST_COST_RANGE:
            raise ApiError(400, "end must be within 180 days of start.", code="invalid_range")
        costs = self._workspace.ledger.daily_costs(start, end)
        response = {
            "currency": "USD",
            "start": start.isoformat(),
            "end": end.isoformat(),
            "data": [{"date": day.isoformat(), "cost": float(cost)} for day, cost in costs.items()],
            "total_cost": float(sum(costs.values(), Decimal(0))),
        }
        return JSONResponse(response)

    def _authorize(self, request: Request) -> None:
        self._workspace.require_key(request.headers.get("authorization"))


def _time(request: Request, name: str) -> datetime:
    try:
        time = datetime.fromisoformat(request.query_params.get(name, ""))
    except ValueError:
        raise ApiError(400, f"{name} must be an ISO 8601 time.", code=f"invalid_{name}") from None
    if time.tzinfo is None:
        raise ApiError(400, f"{name} must include a time zone.", code=f"invalid_{name}")
    return time
