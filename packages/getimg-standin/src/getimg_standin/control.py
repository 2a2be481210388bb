"""`/_standin`: counters, faults and behavior, for a stand-in in another process."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import JSONResponse

from getimg_standin.behavior import apply_changes
from getimg_standin.errors import ApiError
from getimg_standin.faults import fault_from_json
from getimg_standin.workspace import Workspace


class Control:
    """Endpoints that the real API lacks. They require no API key, and each returns the report."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def report(self, _request: Request) -> JSONResponse:
        """Return counters, behavior and active faults."""
        return JSONResponse(self._workspace.report())

    async def put_faults(self, request: Request) -> JSONResponse:
        """Replace the faults with those of a JSON list."""
        value = await _json(request)
        if not isinstance(value, list):
            raise ApiError(400, "The body must be a JSON list of faults.")
        try:
            faults = [fault_from_json(item) for item in value]
        except ValueError as exc:
            raise ApiError(400, str(exc), code="invalid_fault") from exc
        self._workspace.faults.clear()
        for fault in faults:
            self._workspace.faults.add(fault)
        return await self.report(request)

    async def delete_faults(self, request: Request) -> JSONResponse:
        """Remove all faults; requests that already hang continue to hang."""
        self._workspace.faults.clear()
        return await self.report(request)

    async def put_behavior(self, request: Request) -> JSONResponse:
        """Change the settings in the JSON object."""
        value = await _json(request)
        if not isinstance(value, dict):
            raise ApiError(400, "The body must be a JSON object.")
        try:
            self._workspace.behavior = apply_changes(self._workspace.behavior, value)
        except ValueError as exc:
            raise ApiError(400, str(exc), code="invalid_behavior") from exc
        return await self.report(request)

    async def reset(self, request: Request) -> JSONResponse:
        """Set the counters to zero."""
        self._workspace.reset_counters()
        return await self.report(request)


async def _json(request: Request) -> object:
    try:
        return json.loads(await request.body())
    except ValueError:
        raise ApiError(400, "The body is not valid JSON.") from None
