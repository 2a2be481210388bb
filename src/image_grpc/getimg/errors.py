"""Translates the exceptions of the SDK into errors of the service. The API key appears in none of them."""

import getimg
import httpx

from image_grpc.errors import ApiError

MIN_RETRY_SECONDS = 1.0
"""Shortest delay before a call that failed is repeated."""

_ADVICE = {
    401: "GetImg.AI rejected the API key: check GETIMG_API_KEY",
    402: "the GetImg.AI balance is exhausted: top it up",
    403: "the GetImg.AI API key lacks permission for this call",
    404: "GetImg.AI has no such model or path",
    429: "the GetImg.AI rate limit is reached",
}


class CallNotSent(ApiError):
    """The request never reached GetImg.AI, so it cannot have been billed. `retry_delay` is always set."""


class ResponseTooLarge(httpx.TransportError):
    """The response is too large, or compressed, which hides its size."""


def is_server_failure(error: Exception) -> bool:
    """Whether GetImg.AI itself failed, as opposed to having rejected the request."""
    return not isinstance(error, getimg.APIStatusError) or error.status_code >= 500


def needs_attention(error: Exception) -> bool:
    """Whether operators should see the failure in the status: GetImg.AI failed, or it is the key or the balance."""
    return is_server_failure(error) or getattr(error, "status_code", None) in (401, 402, 403)


def translate(error: Exception, *, api_key: str, retry_delay: float | None) -> ApiError:
    """Return our error for an exception raised by a call of the SDK.

    `retry_delay` applies to status errors. No other error has one unless the request was not sent: the call may
    have been billed.
    """
    cause = error.__cause__
    match error:
        case getimg.APIStatusError():
            return _translate_status(error, api_key, retry_delay)
        case getimg.APITimeoutError() if isinstance(cause, httpx.ConnectTimeout):
            return CallNotSent("could not connect to GetImg.AI in time", retry_delay=MIN_RETRY_SECONDS)
        case getimg.APITimeoutError() | TimeoutError():  # the latter: a response that arrives too slowly
            return ApiError("GetImg.AI did not respond in time; the call may have been billed and is not repeated")
        case getimg.APIConnectionError() if isinstance(cause, httpx.ConnectError):
            return CallNotSent("could not connect to GetImg.AI", retry_delay=MIN_RETRY_SECONDS)
        case getimg.APIConnectionError() if not isinstance(cause, ResponseTooLarge):
            return ApiError("the connection to GetImg.AI broke; the call may have been billed and is not repeated")
        case _:  # among them ValueError: a body that is not JSON or does not match the schema
            return ApiError("unexpected response from GetImg.AI")


def as_unbilled(failure: ApiError) -> ApiError:
    """Return the failure of a call that is free of charge, so that it may be repeated even if it was sent."""
    if failure.metadata:  # GetImg.AI responded
        return failure
    delay = failure.retry_delay or MIN_RETRY_SECONDS
    return CallNotSent("the GetImg.AI model catalog could not be read", retry_delay=delay)


def _translate_status(error: getimg.APIStatusError, api_key: str, retry_delay: float | None) -> ApiError:
    status = error.status_code
    code, detail = (_sanitize(text, api_key) for text in _parse_body(error.body))
    advice = _ADVICE.get(status, f"GetImg.AI returned HTTP status {status}")
    return ApiError(
        f"{advice}: {detail}" if detail else advice,
        metadata={"http_status": str(status), **({"provider_code": code} if code else {})},
        retry_delay=retry_delay,
    )


def _parse_body(body: object) -> tuple[str, str]:
    """Return code and message of an error body {"error": {"message", "code"}}; empty strings if it lacks them."""
    error = body.get("error", body) if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return "", ""
    return str(error.get("code") or "")[:100], str(error.get("message") or "")[:300]


def _sanitize(text: str, api_key: str) -> str:
    """Remove the API key and unpaired surrogates, which cannot be encoded in UTF-8."""
    return text.replace(api_key, "***").encode(errors="replace").decode()
