"""Errors as the API words them: a status and `{"error": {"message", "code"}}`."""

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
    404: ("not_found", "There is nothing here."),
    405: ("method_not_allowed", "This method is not allowed here."),
    410: ("expired", "This URL has expired."),
    429: ("rate_limit_exceeded", "Too many requests."),
    500: ("internal_error", "Something went wrong on our side."),
    503: ("service_unavailable", "The service is temporarily unavailable."),
}


class ApiError(Exception):
    """An answer other than 200, to be raised anywhere while a request is handled."""

    def __init__(
        self,
        status: int,
        message: str | None = None,
        *,
        code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        usual_code, usual_message = _BY_STATUS.get(status, ("error", f"HTTP status {status}."))
        super().__init__(message or usual_message)
        self.status = status
        self.message = message or usual_message
        self.code = code or usual_code
        self.retry_after = retry_after

    def response(self) -> JSONResponse:
        """The HTTP answer; Retry-After is in seconds, whole ones without a fraction."""
        headers = {} if self.retry_after is None else {"Retry-After": f"{self.retry_after:g}"}
        body = {"error": {"message": self.message, "code": self.code}}
        return JSONResponse(body, status_code=self.status, headers=headers)


async def answer_api_error(_request: Request, exc: Exception) -> JSONResponse:
    """Starlette's handler for `ApiError`."""
    assert isinstance(exc, ApiError)
    return exc.response()


async def answer_http_error(_request: Request, exc: Exception) -> JSONResponse:
    """Starlette's handler for its own errors (unknown route, wrong method), in the API's words."""
    assert isinstance(exc, HTTPException)
    return ApiError(exc.status_code).response()
