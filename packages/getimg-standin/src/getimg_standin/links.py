"""Signed, expiring picture URLs that contain the description of their picture."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from getimg_standin.errors import ApiError
from getimg_standin.picture import Picture, from_token, to_token


class Links:
    """Signs and verifies paths below `/files/`.

    The secret is derived from the API key, so that URLs survive a restart.
    """

    def __init__(self, api_key: str) -> None:
        self._secret = hmac.digest(api_key.encode(), b"image-grpc stand-in, picture URLs", hashlib.sha256)

    def signed_path(self, picture: Picture, expires: int) -> str:
        """Return path and query of the picture's URL, valid until `expires` (seconds since the epoch)."""
        path = f"/files/{to_token(picture)}.{picture.format}"
        return f"{path}?expires={expires}&signature={self._signature(path, expires)}"

    def open(self, path: str, query: Mapping[str, str], now: float) -> Picture:
        """Return the picture of a signed path. Raises ApiError 403 (invalid signature) or 410 (expired)."""
        try:
            expires = int(query.get("expires", ""))
        except ValueError:
            raise ApiError(403, "The signature is not valid.") from None
        signature = query.get("signature", "").encode()
        if not hmac.compare_digest(signature, self._signature(path, expires).encode()):
            raise ApiError(403, "The signature is not valid.")
        if now >= expires:
            raise ApiError(410)
        try:
            return from_token(path.removeprefix("/files/").rpartition(".")[0])
        except ValueError:
            # Signed by another version of the stand-in.
            raise ApiError(404) from None

    def _signature(self, path: str, expires: int) -> str:
        return hmac.new(self._secret, f"{path}\n{expires}".encode(), hashlib.sha256).hexdigest()
