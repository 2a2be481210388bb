"""The transport of the API's client: answers are bounded, since a remote system sends them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx

MAX_ANSWER_BYTES = 8 * 1024 * 1024
"""The catalogue is some kilobytes; pictures do not come this way."""


class AnswerTooLarge(httpx.TransportError):
    """An answer that is larger than any of the API's, or packed so that its size cannot be told."""


class BoundedTransport(httpx.AsyncHTTPTransport):
    """Takes answers of up to MAX_ANSWER_BYTES, as they are."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.headers["accept-encoding"] = "identity"
        response = await super().handle_async_request(request)
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            await response.aclose()
            raise AnswerTooLarge("the answer is packed")
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _Bounded(response.stream)
        return response


class _Bounded(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = MAX_ANSWER_BYTES
        async for chunk in self._stream:
            left -= len(chunk)
            if left < 0:
                raise AnswerTooLarge("the answer is too large")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
