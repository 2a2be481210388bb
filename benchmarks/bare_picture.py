"""The work on a picture with the bare libraries: the request to GetImg.AI, and fitting what it returns."""

from __future__ import annotations

import pyvips

API_PATH = "/v2/images/generations"


def api_request() -> dict[str, str]:
    """Return the body of a request for a picture."""
    return {"model": "seedream-5-lite", "prompt": "character portrait", "aspect_ratio": "1:1", "resolution": "1K"}


def fit(data: bytes, side: int) -> bytes:
    """Decode a picture, fit it into a square, and encode it as PNG."""
    picture = pyvips.Image.new_from_buffer(data, "", access="sequential", fail_on="truncated")
    fitted = picture.thumbnail_image(side, height=side, size="both", crop="centre")
    encoded: bytes = fitted.write_to_buffer(".png", compression=6, keep="none")
    return encoded
