"""The HTTP transport below the SDK. It bounds the size of responses, since a remote system chooses it."""

from collections.abc import AsyncIterator

import httpx

MAX_RESPONSE_BYTES = 8 * 1024 * 1024
"""The catalog has a few kilobytes; pictures are downloaded separately."""


class ResponseTooLarge(httpx.TransportError):
    """The response is too large, or compressed, which hides its size."""


class BoundedTransport(httpx.AsyncHTTPTransport):
    """Accepts uncompressed responses of up to MAX_RESPONSE_BYTES."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.headers["accept-encoding"] = "identity"
        response = await super().handle_async_request(request)
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            await response.aclose()
            raise ResponseTooLarge("the response is compressed")
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _BoundedStream(response.stream)
        return response


class _BoundedStream(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        remaining = MAX_RESPONSE_BYTES
        async for chunk in self._stream:
            remaining -= len(chunk)
            if remaining < 0:
                raise ResponseTooLarge(f"the response exceeds {MAX_RESPONSE_BYTES} bytes")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
