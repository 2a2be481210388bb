"""The work on a picture with the bare libraries: the request to GetImg.AI, and fitting what it returns."""

from __future__ import annotations

import httpx
import pyvips

from benchmarks import servers

API_PATH = "/v2/images/generations"


def api_request() -> dict[str, str]:
    """Return the body of a request for a picture."""
    return {"model": "seedream-5-lite", "prompt": "character portrait", "aspect_ratio": "1:1", "resolution": "1K"}


async def generate(http: httpx.AsyncClient, url: str) -> str:
    """Call the API of GetImg.AI and return the URL of the picture."""
    headers = {"Authorization": f"Bearer {servers.STANDIN_KEY}"}
    response = await http.post(url + API_PATH, json=api_request(), headers=headers, timeout=60)
    return str(response.json()["data"][0]["url"])


def fit(data: bytes, side: int) -> bytes:
    """Decode a picture, fit it into a square, and encode it as PNG."""
    picture = pyvips.Image.new_from_buffer(data, "", access="sequential", fail_on="truncated")
    fitted = picture.thumbnail_image(side, height=side, size="both", crop="centre")
    encoded: bytes = fitted.write_to_buffer(".png", compression=6, keep="none")
    return encoded
