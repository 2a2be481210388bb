"""Downloads what GetImg.AI has drawn. The URL comes from outside, so it is not trusted."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

import httpx

from image_grpc import pictures
from image_grpc.errors import ApiError, GenerationError
from image_grpc.settings import is_loopback
from image_grpc.telemetry import SPAN_GETIMG_DOWNLOAD, Telemetry

RETRY_SECONDS = 1.0

_HOST = re.compile(r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*")


class PictureGone(GenerationError):
    """The URL no longer works, so the picture has to be drawn again."""


class Downloader:
    """Takes https URLs of allowed hosts; http only of the API itself, when that is on this machine."""

    def __init__(
        self, telemetry: Telemetry, *, base_url: str, allowed_hosts: Sequence[str], max_bytes: int, timeout: float
    ) -> None:
        self._telemetry = telemetry
        self._base = httpx.URL(base_url)
        self._allowed_hosts = [host.lower() for host in allowed_hosts]
        self._max_bytes, self._timeout = max_bytes, timeout
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(timeout, connect=5.0),
            follow_redirects=False,
            headers={"Accept-Encoding": "identity"},
        )

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def download(self, url: str) -> bytes:
        """The bytes of a picture whose header was found sane.

        Raises PictureGone, ApiError (with a `retry_delay` when it may be tried again), GenerationError when
        what is there is no picture or must not be fetched.
        """
        checked = self._check(url)
        try:
            async with asyncio.timeout(self._timeout):
                with self._telemetry.span(SPAN_GETIMG_DOWNLOAD):
                    data = await self._fetch(checked)
        except (httpx.HTTPError, TimeoutError) as problem:
            raise ApiError(
                f"the picture could not be downloaded: {type(problem).__name__}", retry_delay=RETRY_SECONDS
            ) from problem
        await asyncio.to_thread(pictures.describe, data)  # headers can be made slow to read
        return data

    async def _fetch(self, url: httpx.URL) -> bytes:
        async with self._http.stream("GET", url) as response:
            status = response.status_code
            if status in (403, 404, 410):
                raise PictureGone(f"GetImg.AI no longer has the picture (HTTP status {status})", retry_delay=0.0)
            if response.is_redirect:
                raise GenerationError("the picture's URL leads to another place, which is not followed")
            if status != 200:
                delay = RETRY_SECONDS if status >= 500 or status == 429 else None
                raise ApiError(
                    f"downloading the picture was answered with HTTP status {status}",
                    metadata={"http_status": str(status)},
                    retry_delay=delay,
                )
            data = bytearray()
            async for chunk in response.aiter_raw():
                data += chunk
                if len(data) > self._max_bytes:
                    raise GenerationError(f"the picture has more than {self._max_bytes} bytes")
            return bytes(data)

    def _check(self, url: str) -> httpx.URL:
        """The URL as it will be fetched. Raises GenerationError for one that must not be."""
        try:
            parsed = httpx.URL(url)
        except (httpx.InvalidURL, ValueError) as problem:
            raise GenerationError("the picture's URL is malformed") from problem
        if not parsed.userinfo:
            if parsed.scheme == "https" and parsed.port is None and self._allows(parsed.host):
                return parsed
            if _origin(parsed) == _origin(self._base) and (parsed.scheme == "https" or is_loopback(parsed.host)):
                return parsed
        raise GenerationError(
            f"the picture's URL names a place that is not allowed: {parsed.scheme}://{parsed.host}; "
            "see IMAGE_GRPC_GETIMG_DOWNLOAD_HOSTS"
        )

    def _allows(self, host: str) -> bool:
        return _HOST.fullmatch(host) is not None and any(
            host == allowed or (allowed.startswith("*.") and host.endswith(allowed[1:]))
            for allowed in self._allowed_hosts
        )


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
