"""Settings: frozen, read from the environment once; all problems are reported together."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _with_real_port(address: str) -> str:
    if int(address.rpartition(":")[2]) > 65_535:
        raise ValueError("the port must be 0 to 65535")
    return address


Port = Annotated[str, Field(pattern=r"^(\[[0-9a-fA-F:]+\]|[^\s:]+):\d{1,5}$"), AfterValidator(_with_real_port)]
Seconds = Annotated[float, Field(gt=0, le=86_400 * 366)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Bytes = Annotated[int, Field(ge=1_000_000)]


class InvalidSettings(Exception):
    """Settings are missing or wrong; the message has a line for each."""


class Settings(BaseSettings):
    """All settings. Each is the environment variable `IMAGE_GRPC_` and the field's name in capitals, but for
    `GETIMG_API_KEY`. `docs/settings.md` is generated from these fields."""

    model_config = SettingsConfigDict(
        env_prefix="IMAGE_GRPC_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    listen: Port = Field("127.0.0.1:50051", description="address of the gRPC server; port 0: any free one")
    listen_shared: bool = Field(
        False,
        description="let other servers of this machine have the same port, which then share its connections; "
        "`serve --workers` sets it",
    )
    health_listen: Port | None = Field(
        None, description="address at which `storage` answers the gRPC health service, and nothing else"
    )
    admin_listen: Port | None = Field(
        None,
        description="address at which `serve` and `up` answer channelz, which shows who is connected: for "
        "operators alone",
    )
    data_dir: Path = Field(
        Path("data"), description="folder of the embedded Storage Service (`up`): database and blobs"
    )
    hub_url: str = Field(
        "memory:",
        description="Message Hub: `amqp://` or `amqps://` of a RabbitMQ; `memory:` is inside of one process",
    )
    database_url: SecretStr | None = Field(
        None,
        description="Storage Service: its database, `postgresql://…` or `sqlite:///…`; default: the data folder",
    )
    blob_url: str | None = Field(
        None, description="Storage Service: its object store, `s3://…` or `file:///…`; default: the data folder"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="least severe log lines to write"
    )
    telemetry: Literal["none", "console", "otlp"] = Field(
        "none",
        description="where traces and metrics go: `console` is standard error; `otlp` is a collector, at "
        "`OTEL_EXPORTER_OTLP_ENDPOINT`",
    )

    getimg_api_key: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("GETIMG_API_KEY", "getimg_api_key"),
        description="key of the GetImg.AI API; without it `up` uses the stand-in",
    )
    getimg_base_url: str = Field(
        "https://api.getimg.ai", description="GetImg.AI API; plain http is taken for loopback only"
    )
    getimg_download_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        ("getimg.ai", "*.getimg.ai"),
        description="hosts that pictures may be downloaded from, besides that of the API; comma separated, "
        "`*.` for any subdomain",
    )
    getimg_timeout_seconds: Seconds = Field(
        60, description="longest wait for one answer of GetImg.AI, which is then not asked again"
    )
    getimg_max_in_flight: Count = Field(100, description="calls of GetImg.AI at once, of this process")
    getimg_download_max_bytes: Bytes = Field(
        50_000_000, le=256 * 1024 * 1024, description="largest picture that is downloaded"
    )
    model_tactical_map: str = Field("seedream-5-lite", description="default model of tactical maps")
    model_campaign_map: str = Field("seedream-5-lite", description="default model of campaign maps")
    model_portrait: str = Field("seedream-5-lite", description="default model of portraits")
    model_item: str = Field("seedream-5-lite", description="default model of item illustrations")

    model_apply_theme: str = Field(
        "seedream-5-lite", description="model that gives a picture another theme; it must take reference images"
    )

    generation_concurrency: Count = Field(100, description="generations drawn at once, of this process")
    store_concurrency: Count = Field(8, description="drawn pictures stored at once, of this process")
    generation_max_attempts: Count = Field(
        4, description="calls of GetImg.AI for one picture before it is given up"
    )
    generation_timeout_seconds: Seconds = Field(
        120, description="time after which a generation that GetImg.AI keeps failing is given up"
    )

    cache_max_bytes: Bytes = Field(256_000_000, description="memory of the read cache for bytes of pictures")
    cache_max_records: Count = Field(50_000, description="records in the read cache")
    renditions_max_bytes: Bytes = Field(
        128_000_000, description="memory of finished renditions: composed maps, other formats, thumbnails"
    )
    renditions_concurrency: Count = Field(
        2, description="renditions made at once; each may take 300 MB at 4096 x 4096"
    )
    upload_max_bytes: Bytes = Field(
        50_000_000, le=256 * 1024 * 1024, description="largest picture that UploadImage takes"
    )
    storage_timeout_seconds: Seconds = Field(
        10, description="longest wait for the Storage Service, retries included"
    )

    rpc_max_seconds: Seconds = Field(
        660, description="deadline of a unary call that has none, and the longest that is granted"
    )
    rpc_max_concurrent: Count = Field(1000, description="calls at once; health checks are not counted")
    downloads_max_concurrent: Count = Field(32, description="ReadImage streams at once")
    bridge_concurrency: Count = Field(
        200, description="hub requests, and events, that the bridge has in hand at once"
    )
    heartbeat_seconds: Annotated[float, Field(gt=0, le=15)] = Field(
        15, description="longest silence of a watch stream"
    )
    drain_seconds: Annotated[float, Field(ge=0, le=600)] = Field(
        1, description="at a stop, time between NOT_SERVING and refusing calls, for load balancers to notice"
    )
    shutdown_grace_seconds: Seconds = Field(20, description="at a stop, time for calls and jobs to finish")

    blob_part_expiry_seconds: Seconds = Field(
        3600, description="Storage Service: age at which parts of blobs that nothing names are thrown away"
    )
    purge_after_seconds: Seconds = Field(
        30 * 86_400, description="Storage Service: time that deleted records can be restored"
    )
    request_memory_seconds: Seconds = Field(
        86_400, description="Storage Service: time that a repeated `storage_correlation_id` is recognised"
    )
    sweep_interval_seconds: Seconds = Field(
        30, description="Storage Service: time between two clean-ups of what has expired"
    )

    standin_listen: Port = Field("127.0.0.1:0", description="address of the stand-in that `up` starts")
    standin_latency_seconds: Annotated[float, Field(ge=0, le=600)] = Field(
        0.5, description="time that the stand-in takes to draw, besides the drawing itself"
    )

    @field_validator("getimg_download_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @field_validator("getimg_api_key")
    @classmethod
    def _usable_key(cls, value: SecretStr | None) -> SecretStr | None:
        key = value.get_secret_value().strip() if value else ""
        if not all("!" <= character <= "~" for character in key):
            raise ValueError("must be printable ASCII characters without blanks")
        return SecretStr(key) if key else None

    @field_validator("getimg_base_url")
    @classmethod
    def _safe_url(cls, value: str) -> str:
        url = urlsplit(value)
        _ = url.port  # raises ValueError for one that is none
        if url.hostname and (url.scheme == "https" or (url.scheme == "http" and is_loopback(url.hostname))):
            return value.rstrip("/")
        raise ValueError("must be an https URL (http is taken for loopback only)")

    @field_validator("hub_url")
    @classmethod
    def _known_hub(cls, value: str) -> str:
        if value == "memory:" or value.startswith(("amqp://", "amqps://")):
            return value
        raise ValueError("must be `memory:`, or the amqp:// or amqps:// URL of a RabbitMQ")


def is_loopback(host: str | None) -> bool:
    """Whether a URL's host is this machine by name or by address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def load(**overrides: object) -> Settings:
    """Settings from the environment; `overrides` that are not None go first.

    Raises InvalidSettings with every problem, each under the name of its environment variable.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]  # pydantic checks the values
    except ValidationError as problem:
        lines = [f"  {variable(str(each['loc'][0]))}: {each['msg']}" for each in problem.errors()]
        raise InvalidSettings("invalid settings:\n" + "\n".join(lines)) from problem


def storage_urls(settings: Settings) -> tuple[str, str]:
    """Where the Storage Service keeps records and blobs: in the data folder, unless other places are set."""
    folder, database = settings.data_dir.resolve(), settings.database_url
    return (
        database.get_secret_value() if database else f"sqlite:///{folder / 'image_storage.db'}",
        settings.blob_url or (folder / "blobs").as_uri(),
    )


def variable(field: str) -> str:
    """The environment variable of a field."""
    return "GETIMG_API_KEY" if field.upper() == "GETIMG_API_KEY" else f"IMAGE_GRPC_{field.upper()}"
