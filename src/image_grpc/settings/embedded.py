"""Settings of all programs running in one process."""

from typing import Annotated

from pydantic import Field

from image_grpc.settings.base import Port
from image_grpc.settings.bridge import BridgeSettings
from image_grpc.settings.server import ServerSettings
from image_grpc.settings.storage import StorageServiceSettings


class EmbeddedSettings(StorageServiceSettings, BridgeSettings, ServerSettings):
    """Settings of `up`: those of all programs, and of the stand-in for GetImg.AI."""

    standin_listen: Port = Field("127.0.0.1:0", description="address of the stand-in that `up` starts")
    standin_latency_seconds: Annotated[float, Field(ge=0, le=600)] = Field(
        0.5, description="delay that the stand-in adds to drawing each picture"
    )
