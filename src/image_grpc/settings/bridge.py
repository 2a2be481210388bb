"""Settings of the hub bridge."""

from pydantic import Field

from image_grpc.settings.base import CallSettings, Count, ProgramSettings


class BridgeSettings(CallSettings, ProgramSettings):
    """Settings of `bridge`."""

    bridge_concurrency: Count = Field(
        200, description="maximum hub requests, and separately events, that the bridge handles at once"
    )
