"""Decides which URLs pictures may be downloaded from. A remote system names the URLs, so they are not trusted."""

import re
from collections.abc import Sequence

import httpx

from image_grpc.errors import GenerationError
from image_grpc.settings import is_loopback

_HOST = re.compile(r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*")


class UrlPolicy:
    """Allows https URLs of the listed hosts, and URLs of the API's own origin (plain http on loopback only)."""

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
