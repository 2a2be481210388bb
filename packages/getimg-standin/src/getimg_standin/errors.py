"""Errors in the format of the API: a status and `{"error": {"message", "code"}}`."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

_BY_STATUS: Mapping[int, tuple[str, str]] = {
    400: ("invalid_request", "The request is not valid."),
    401: ("unauthorized", "The API key is missing or not valid."),
    402: ("insufficient_balance", "The balance does not cover this request."),
    403: ("forbidden", "Access is denied."),
    404: ("not_found", "The resource does not exist."),
    405: ("method_not_allowed", "The method is not allowed."),
    410: ("expired", "This URL has expired."),
    429: ("rate_limit_exceeded", "Too many requests."),
    500: ("internal_error", "Something went wrong on our side."),
    503: ("service_unavailable", "The service is temporarily unavailable."),
}


class ApiError(Exception):
    """An error response; handlers raise it from anywhere."""

    def __init__(
        self, status: int, message: str | None = None, *, code: str | None = None, retry_after: float | None = None
    ) -> None:
        default_code, default_message = _BY_STATUS.get(status, ("error", f"HTTP status {status}."))
        super().__init__(message or default_message)
        self.status = status
        self.message = message or default_message
        self.code = code or default_code
        self.retry_after = retry_after

    def response(self) -> JSONResponse:
        """Return the HTTP response; Retry-After is in seconds, without a fraction if it is whole."""
        headers = {} if self.retry_after is None else {"Retry-After": f"{self.retry_after:g}"}
        body = {"error": {"message": self.message, "code": self.code}}
        return JSONResponse(body, status_code=self.status, headers=headers)


async def handle_api_error(_request: Request, exc: Exception) -> JSONResponse:
    """Convert an ApiError into its response; a Starlette exception handler."""
    assert isinstance(exc, ApiError)
    return exc.response()


async def handle_http_error(_request: Request, exc: Exception) -> JSONResponse:
    """Convert Starlette's own errors (unknown route, wrong method) into the API's format."""
    assert isinstance(exc, HTTPException)
    return ApiError(exc.status_code).response()
