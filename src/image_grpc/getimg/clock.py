"""The clock of GetImg.AI."""

import time
from email.utils import parsedate_to_datetime

import httpx

from image_grpc.getimg.connection import tls_context


async def clock_skew(base_url: str, *, timeout: float) -> float | None:
    """Return how far the clock of the API is ahead of this host's, in seconds with a tolerance of one; None if unknown.

    Any response has the time, in whole seconds, so the request needs no key.
    """
    begin = time.time()
    try:
        async with httpx.AsyncClient(verify=tls_context(), timeout=timeout) as http:
            response = await http.head(base_url)
        sent = parsedate_to_datetime(response.headers["date"]).timestamp()
    except (httpx.HTTPError, httpx.InvalidURL, KeyError, ValueError):
        return None
    if sent + 1 < begin:
        return sent + 1 - begin
    return max(0.0, sent - time.time())
