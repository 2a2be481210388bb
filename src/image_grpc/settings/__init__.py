"""Settings: environment variables, read once at startup into one frozen object per program."""

from image_grpc.settings.base import HubSettings, ProgramSettings, TelemetrySettings
from image_grpc.settings.bridge import BridgeSettings
from image_grpc.settings.embedded import EmbeddedSettings
from image_grpc.settings.getimg import GetimgSettings, is_loopback
from image_grpc.settings.loading import InvalidSettings, load, variable
from image_grpc.settings.server import ServerSettings
from image_grpc.settings.storage import StorageServiceSettings, storage_urls

__all__ = [
    "BridgeSettings",
    "EmbeddedSettings",
    "GetimgSettings",
    "HubSettings",
    "InvalidSettings",
    "ProgramSettings",
    "ServerSettings",
    "StorageServiceSettings",
    "TelemetrySettings",
    "is_loopback",
    "load",
    "storage_urls",
    "variable",
]
