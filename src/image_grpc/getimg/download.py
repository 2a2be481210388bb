"""Downloads generated pictures: allowed URLs only, no redirects, a size limit while streaming, a valid header."""

import asyncio
import re
from collections.abc import Sequence

import httpx
from opentelemetry.trace import Span

from image_grpc import pictures
from image_grpc.errors import ApiError, GenerationError
from image_grpc.getimg.connection import tls_context
from image_grpc.getimg.transport import Transport
from image_grpc.settings import is_loopback
from image_grpc.telemetry import ATTR_HTTP_STATUS, SPAN_GETIMG_DOWNLOAD, Telemetry
from image_grpc.workers import DECODING

SOON = 1.0
_HOST = re.compile(r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*")


class PictureGone(GenerationError):
    """The URL no longer works, so the picture has to be generated again."""


class UrlPolicy:
    """Allows https URLs of the listed hosts, and URLs of the API's own origin (plain http on loopback only).

    A remote system names the URLs of pictures, so they are not trusted.
    """

    def __init__(self, *, base_url: str, allowed_hosts: Sequence[str]) -> None:
        self._api = httpx.URL(base_url)
        self._allowed_hosts = [host.lower() for host in allowed_hosts]

    def check(self, url: str) -> httpx.URL:
        """Return the parsed URL. Raises GenerationError if it must not be fetched."""
        try:
            parsed = httpx.URL(url)
        except (httpx.InvalidURL, ValueError) as error:
            raise GenerationError("the URL of the picture is malformed") from error
        if not self._allows(parsed):
            raise GenerationError(
                f"the URL of the picture is not allowed: {parsed.scheme}://{parsed.host}; "
                "see IMAGE_GRPC_GETIMG_DOWNLOAD_HOSTS"
            )
        return parsed

    def _allows(self, url: httpx.URL) -> bool:
        if url.userinfo:
            return False
        if url.scheme == "https" and url.port is None and self._allows_host(url.host):
            return True
        return _origin(url) == _origin(self._api) and (url.scheme == "https" or is_loopback(url.host))

    def _allows_host(self, host: str) -> bool:
        return _HOST.fullmatch(host) is not None and any(
            host == allowed or (allowed.startswith("*.") and host.endswith(allowed[1:]))
            for allowed in self._allowed_hosts
        )


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


class Downloader:
    """Downloads pictures of up to `max_bytes` from the URLs that the policy allows, within `timeout` seconds."""

    def __init__(self, telemetry: Telemetry, policy: UrlPolicy, *, max_bytes: int, timeout: float) -> None:
        self._telemetry, self._policy = telemetry, policy
        self._max_bytes, self._timeout = max_bytes, timeout
        self._http = httpx.AsyncClient(
            transport=Transport(tls_context()),
            timeout=httpx.Timeout(timeout, connect=5.0),
            follow_redirects=False,
            headers={"Accept-Encoding": "identity"},
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def download(self, url: str) -> bytes:
        """Return the bytes of a picture with a valid header.

        Raises PictureGone, ApiError (with `retry_delay` if the download may be repeated), and GenerationError if
        the URL is not allowed or the content is not a usable picture.
        """
        allowed = self._policy.check(url)
        try:
            with self._telemetry.http_span(SPAN_GETIMG_DOWNLOAD, "GET", url) as span:
                async with asyncio.timeout(self._timeout):
                    data = await self._fetch(allowed, span)
        except (httpx.HTTPError, TimeoutError) as error:
            problem = f"the picture could not be downloaded: {type(error).__name__}"
            raise ApiError(problem, retry_delay=SOON) from error
        await DECODING.run(lambda: pictures.describe(data))  # crafted headers are slow to read
        return data

    async def _fetch(self, url: httpx.URL, span: Span) -> bytes:
        async with self._http.stream("GET", url) as response:
            span.set_attribute(ATTR_HTTP_STATUS, response.status_code)
            _raise_for_status(response)
            data = bytearray()
            async for chunk in response.aiter_raw():
                data += chunk
                if len(data) > self._max_bytes:
                    raise GenerationError(f"the picture exceeds the limit of {self._max_bytes} bytes")
            return bytes(data)


def _raise_for_status(response: httpx.Response) -> None:
    status = response.status_code
    if status == 200:
        return
    if status in (403, 404, 410):
        raise PictureGone(f"the picture is no longer available (HTTP status {status})", retry_delay=0.0)
    if response.is_redirect:
        raise GenerationError("the URL of the picture redirects, which is not allowed")
    raise ApiError(
        f"the download of the picture returned HTTP status {status}",
        metadata={"http_status": str(status)},
        retry_delay=SOON if status >= 500 or status == 429 else None,
    )
