"""The key sets of identity providers (RFC 7517), in a file or at a URL."""

import asyncio
import time
from pathlib import Path
from typing import Protocol

import httpx
import structlog
from joserfc.jwk import KeySet

from image_grpc.access.json_web_keys import KeySetParser
from image_grpc.errors import IdentityProviderError
from image_grpc.reloading_file import ReloadingFile
from image_grpc.retry import SOON

MAX_AGE_SECONDS = 300.0
"""A key set is fetched again after this time, so that a withdrawn key is not accepted for longer."""
RETRY_SECONDS = 10.0
"""Pause after an attempt to fetch an old key set that failed."""
MIN_INTERVAL_SECONDS = 1.0
"""Minimum time between two attempts, whatever tokens arrive."""
FETCH_SECONDS = 5.0
MAX_BYTES = 1_000_000

log = structlog.get_logger(__name__)


class Keys(Protocol):
    """A key set that may change."""

    async def current(self) -> KeySet:
        """Return the keys. Raises IdentityProviderError."""

    async def renewed(self) -> KeySet:
        """Return the keys as of now, for a token that does not fit the current ones."""


class FileKeys:
    """The key set in a file."""

    def __init__(self, path: Path) -> None:
        """Raises InvalidSettings."""
        self._file = ReloadingFile(KeySetParser().parse, path)

    async def current(self) -> KeySet:
        """Return the keys."""
        return self._file.content()

    async def renewed(self) -> KeySet:
        """Return the keys as of now."""
        return self._file.content(fresh=True)


class RemoteKeys:
    """The key set at a URL. While it cannot be fetched, the previous one is kept."""

    def __init__(self, url: str) -> None:
        self._url, self._parser = url, KeySetParser()
        self._keys: KeySet | None = None
        self._fetched = self._tried = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    async def current(self) -> KeySet:
        """Return the keys, fetched within MAX_AGE_SECONDS if that is possible. Raises IdentityProviderError."""
        now = time.monotonic()
        if self._keys is None:
            await asyncio.shield(self._start())
        elif now - self._fetched > MAX_AGE_SECONDS:
            if self._tried <= self._fetched:
                await asyncio.shield(self._start())
            elif now - self._tried > RETRY_SECONDS:  # the provider is down: do not make calls wait for it
                self._start()
        if self._keys is None:
            raise IdentityProviderError("the keys of the identity provider could not be fetched", retry_delay=SOON)
        return self._keys

    async def renewed(self) -> KeySet:
        """Return the keys after an attempt to fetch them that begins now. Raises IdentityProviderError."""
        if self._fetching is not None:  # may have begun before the provider published a new key
            await asyncio.shield(self._fetching)
        await asyncio.shield(self._start())
        return await self.current()

    def _start(self) -> "asyncio.Task[None]":
        """Return the running attempt to fetch the keys, which all calls share, or a new one."""
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch(), name="key set")
        return self._fetching

    async def _fetch(self) -> None:
        try:
            await asyncio.sleep(max(0.0, self._tried + MIN_INTERVAL_SECONDS - time.monotonic()))
            self._tried = time.monotonic()
            async with asyncio.timeout(FETCH_SECONDS):
                self._keys = self._parser.parse(await _download(self._url))
            self._fetched = time.monotonic()
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, ValueError) as problem:
            text = str(problem) or type(problem).__name__
            log.error("keys of the identity provider not fetched", url=self._url, problem=text)
        finally:
            self._fetching = None


async def _download(url: str) -> bytes:
    data = bytearray()
    async with (
        httpx.AsyncClient(timeout=FETCH_SECONDS, follow_redirects=False) as http,
        http.stream("GET", url, headers={"accept-encoding": "identity"}) as response,
    ):
        response.raise_for_status()
        async for part in response.aiter_raw():
            data += part
            if len(data) > MAX_BYTES:
                raise ValueError(f"more than {MAX_BYTES} bytes")
    return bytes(data)
