"""The stand-in for GetImg.AI that `up` starts when there is no API key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog
from pydantic import SecretStr

from image_grpc.settings import EmbeddedSettings, InvalidSettings

if TYPE_CHECKING:
    from getimg_standin import Standin

log = structlog.get_logger(__name__)


@asynccontextmanager
async def run_standin(settings: EmbeddedSettings) -> AsyncIterator[EmbeddedSettings]:
    """Within the block, a stand-in listens. Yields the settings with its URL and its API key.

    The data folder must be locked: it keeps the port number across restarts.
    """
    try:
        from getimg_standin import Behavior, Standin
    except ImportError as error:
        raise InvalidSettings(
            "GETIMG_API_KEY is not set, and the stand-in is not installed: pip install 'image-grpc[embedded]'"
        ) from error
    standin = Standin(behavior=Behavior(latency=settings.standin_latency_seconds))
    async with AsyncExitStack() as stack:
        url = await _listen(stack, standin, settings)
        log.info("GETIMG_API_KEY is not set, using the stand-in", url=url)
        yield settings.model_copy(update={"getimg_base_url": url, "getimg_api_key": SecretStr(standin.api_key)})


async def _listen(stack: AsyncExitStack, standin: Standin, settings: EmbeddedSettings) -> str:
    """Listen on the previous port if any port will do: pictures generated before a crash keep their URLs."""
    host, _, port = settings.standin_listen.rpartition(":")
    if port != "0":
        return await stack.enter_async_context(standin.listen(host, int(port)))
    port_file = settings.data_dir / "standin-port"
    try:
        url = await stack.enter_async_context(standin.listen(host, int(port_file.read_text())))
    except (OSError, ValueError):  # no previous port, or another program uses it
        url = await stack.enter_async_context(standin.listen(host))
    port_file.write_text(str(urlsplit(url).port))
    return url
