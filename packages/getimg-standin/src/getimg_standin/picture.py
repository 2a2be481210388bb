"""The short description of a picture from which any stand-in can redraw it."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from getimg_standin.art import Brief, Following

_MAX_SIDE = 8192
_FORMATS = ("png", "jpeg", "webp")


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """Everything that determines the bytes of a picture."""

    brief: Brief
    seed: int
    width: int
    height: int
    format: str
    """png, jpeg or webp."""
    following: Following | None = None
    """The layout that it follows. Only the stand-in that got the layout can draw it."""

    @property
    def mime_type(self) -> str:
        return f"image/{self.format}"


def to_token(picture: Picture) -> str:
    """Return the description as a short string that is safe in a URL path."""
    following = asdict(picture.following) if picture.following is not None else None
    values = [*picture.brief.to_values(), picture.seed, picture.width, picture.height, picture.format, following]
    packed = zlib.compress(json.dumps(values, separators=(",", ":")).encode(), 9)
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def from_token(token: str) -> Picture:
    """Return the description in a token of `to_token`. Raises ValueError for other strings."""
    try:
        packed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        values = json.loads(zlib.decompress(packed))
        *brief, seed, width, height, image_format, following = values
        picture = Picture(
            brief=Brief.from_values(brief),
            seed=int(seed),
            width=int(width),
            height=int(height),
            format=image_format,
            following=_following(following),
        )
    except (binascii.Error, zlib.error, KeyError, TypeError, ValueError) as exc:
        raise ValueError("not a picture token") from exc
    if not (0 < picture.width <= _MAX_SIDE and 0 < picture.height <= _MAX_SIDE and image_format in _FORMATS):
        raise ValueError("not a picture token")
    return picture


def _following(values: Mapping[str, Any] | None) -> Following | None:
    if values is None:
        return None
    missing = values["missing"]
    return Following(**{**values, "missing": tuple(missing) if missing is not None else None})
