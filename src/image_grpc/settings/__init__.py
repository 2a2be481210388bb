"""Settings: environment variables, read once at startup into one frozen object per program."""

from image_grpc.settings.access import AccessSettings, ClientSettings, HealthSettings
from image_grpc.settings.base import EnvironmentSettings, InvalidSettings, is_loopback, is_secret, load, variable
from image_grpc.settings.programs import (
    BridgeSettings,
    CallSettings,
    EmbeddedSettings,
    GetimgSettings,
    HubSettings,
    ProgramSettings,
    ServerSettings,
    StorageServiceSettings,
    TelemetrySettings,
    storage_urls,
)

__all__ = [
    "AccessSettings",
    "BridgeSettings",
    "CallSettings",
    "ClientSettings",
    "EmbeddedSettings",
    "EnvironmentSettings",
    "GetimgSettings",
    "HealthSettings",
    "HubSettings",
    "InvalidSettings",
    "ProgramSettings",
    "ServerSettings",
    "StorageServiceSettings",
    "TelemetrySettings",
    "is_loopback",
    "is_secret",
    "load",
    "storage_urls",
    "variable",
]
