"""Field types, and the settings that every program has."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def _with_valid_port(address: str) -> str:
    if int(address.rpartition(":")[2]) > 65_535:
        raise ValueError("the port must be 0 to 65535")
    return address


Port = Annotated[str, Field(pattern=r"^(\[[0-9a-fA-F:]+\]|[^\s:]+):\d{1,5}$"), AfterValidator(_with_valid_port)]
"""An address to listen on, `host:port` or `[IPv6]:port`."""
Seconds = Annotated[float, Field(gt=0, le=86_400 * 366)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Bytes = Annotated[int, Field(ge=1_000_000)]


class EnvironmentSettings(BaseSettings):
    """Frozen settings, each read from the environment variable `IMAGE_GRPC_` plus the field name in capitals."""

    model_config = SettingsConfigDict(env_prefix="IMAGE_GRPC_", frozen=True, extra="ignore", hide_input_in_errors=True)


class TelemetrySettings(EnvironmentSettings):
    """Logs, traces and metrics."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="minimum severity of log lines")
    telemetry: Literal["none", "console", "otlp"] = Field(
        "none",
        description="where traces and metrics are sent: `console` is standard error, `otlp` is the collector at "
        "`OTEL_EXPORTER_OTLP_ENDPOINT`",
    )


class HubSettings(EnvironmentSettings):
    """The connection to the Message Hub."""

    hub_url: str = Field(
        "memory:",
        description="Message Hub: the `amqp://` or `amqps://` URL of a RabbitMQ, or `memory:` for a hub within a "
        "single process",
    )

    @field_validator("hub_url")
    @classmethod
    def _supported_scheme(cls, value: str) -> str:
        if value == "memory:" or value.startswith(("amqp://", "amqps://")):
            return value
        raise ValueError("must be `memory:` or the amqp:// or amqps:// URL of a RabbitMQ")


class ProgramSettings(HubSettings, TelemetrySettings):
    """Settings of every program."""


class CallSettings(EnvironmentSettings):
    """Time limits that the server and the bridge share."""

    rpc_max_seconds: Seconds = Field(
        660, description="deadline of unary calls that have none, and the longest deadline allowed"
    )
    shutdown_grace_seconds: Seconds = Field(
        20, description="time that running calls and jobs have to finish during shutdown"
    )
