"""GetImg.AI: the key, the balance, and the clock."""

from collections.abc import AsyncIterator
from dataclasses import replace

from image_grpc.app.doctor.clocks import judge_clock
from image_grpc.app.doctor.findings import Finding, error, ok, warning
from image_grpc.errors import ServiceError
from image_grpc.getimg import GetimgClient, GetimgConfig
from image_grpc.getimg.clock import clock_skew
from image_grpc.settings import EmbeddedSettings, variable
from image_grpc.telemetry import Telemetry

TIMEOUT_SECONDS = 10.0


async def examine_getimg(settings: EmbeddedSettings) -> AsyncIterator[Finding]:
    """Yield what is found about GetImg.AI."""
    if settings.getimg_api_key is None:
        yield warning("GetImg.AI", "there is no API key", f"set {variable('getimg_api_key')}; `up` uses the stand-in")
        return
    client = GetimgClient(Telemetry(), replace(GetimgConfig.of(settings), timeout=TIMEOUT_SECONDS))
    try:
        balance = await client.balance()
    except ServiceError as problem:
        yield error("GetImg.AI", problem.message, f"check {variable('getimg_api_key')} and the network")
        return
    finally:
        await client.close()
    text = f"the balance is {balance:f} USD"
    yield warning("GetImg.AI", text, "top it up") if balance < settings.getimg_low_balance else ok("GetImg.AI", text)
    if (skew := await clock_skew(settings.getimg_base_url, timeout=TIMEOUT_SECONDS)) is not None:
        yield judge_clock("GetImg.AI", skew)
