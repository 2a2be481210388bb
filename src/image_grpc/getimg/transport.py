"""The transport of httpx: aiohttp, which takes a fraction of the CPU time of httpcore with many connections.

A call that may be billed must not be repeated once it was sent, so ConnectError and ConnectTimeout of a POST mean that
nothing was sent. (A GET is repeated once by aiohttp if the connection breaks that it used again.)
"""

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from io import BytesIO

import aiohttp
import httpx
from yarl import URL

KEEPALIVE_SECONDS = 2.0
"""How long an idle connection is kept for further requests: not as long as servers keep it, because a call on a
connection that its server has just closed counts as billed."""


class Transport(httpx.AsyncBaseTransport):
    """Sends requests; the number of concurrent ones is not limited."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return the response, whose body is still to be read. Raises httpx.TransportError."""
        if self._session is None:
            self._session = self._new_session()
        timeout = request.extensions.get("timeout", {})
        with _translated_errors(request):
            response = await self._session.request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=request.headers.multi_items(),
                data=BytesIO(body) if (body := await request.aread()) else None,  # aiohttp warns of long bytes
                allow_redirects=False,
                # Resolving the name, connecting and TLS together: no request waits for the pool.
                timeout=aiohttp.ClientTimeout(connect=timeout.get("connect"), sock_read=timeout.get("read")),
            )
        return httpx.Response(response.status, headers=response.raw_headers, stream=_Body(response, request))

    def _new_session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._context, limit=0, keepalive_timeout=KEEPALIVE_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent"),
        )

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse, request: httpx.Request) -> None:
        self._response, self._request = response, request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _translated_errors(self._request):
            async for chunk in self._response.content.iter_any():
                yield chunk

    async def aclose(self) -> None:
        self._response.release()  # closes the connection if the body was not read to its end


@contextmanager
def _translated_errors(request: httpx.Request) -> Iterator[None]:
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise httpx.ConnectTimeout(str(error), request=request) from error
    except aiohttp.ClientConnectorError as error:
        raise httpx.ConnectError(str(error), request=request) from error
    except aiohttp.ServerTimeoutError as error:
        raise httpx.ReadTimeout(str(error), request=request) from error
    except (aiohttp.ClientError, OSError) as error:
        raise httpx.ReadError(str(error) or repr(error), request=request) from error
