"""Settings of each program."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, AliasChoices, DirectoryPath, Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from image_grpc.settings.access import AccessSettings, HealthSettings
from image_grpc.settings.base import (
    Address,
    Bytes,
    Count,
    EnvironmentSettings,
    PictureBytes,
    Seconds,
    Secret,
    is_loopback,
    valid_in_a_header,
)


class TelemetrySettings(EnvironmentSettings):
    """Logs, traces and metrics."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="minimum severity of log lines")
    telemetry: Literal["none", "console", "otlp"] = Field(
        "none",
        description="where traces and metrics are sent: `console` is standard error, `otlp` is the collector at "
        "`OTEL_EXPORTER_OTLP_ENDPOINT`",
    )
    prometheus_listen: Address | None = Field(
        None, description="address at which a Prometheus server reads the metrics, under `/metrics`"
    )


class HubSettings(EnvironmentSettings):
    """The connection to the Message Hub."""

    hub_url: Annotated[str, Secret] = Field(
        "memory:",
        repr=False,
        description="Message Hub: `amqp://` or `amqps://` URL of a RabbitMQ; `memory:` for a single process",
    )

    hub_key_file: Path | None = Field(
        None,
        description="file of keys, one per line, that sign jobs, storage requests and change events on a RabbitMQ; the "
        "same for all `serve` and `storage` processes; the first key signs",
    )

    @field_validator("hub_url")
    @classmethod
    def _supported_scheme(cls, value: str) -> str:
        if value == "memory:" or value.startswith(("amqp://", "amqps://")):
            return value
        raise ValueError("must be `memory:` or the amqp:// or amqps:// URL of a RabbitMQ")


class ProgramSettings(HubSettings, TelemetrySettings):
    """Settings of every program."""

    page_token_key: Annotated[SecretStr, Secret] = Field(
        SecretStr(""),
        description="secret that signs page tokens, the same for all `serve` and `storage` processes; unsigned if "
        "empty",
    )


class CallSettings(EnvironmentSettings):
    """Time limits that the server and the bridge share."""

    rpc_max_seconds: Seconds = Field(660, description="deadline of unary calls without one, and the longest allowed")
    shutdown_grace_seconds: Seconds = Field(20, description="time for running calls and jobs to finish during shutdown")


class GetimgSettings(EnvironmentSettings):
    """Access to GetImg.AI, its limits, and the default models."""

    getimg_api_key: Annotated[SecretStr | None, Secret, AfterValidator(valid_in_a_header)] = Field(
        None,
        validation_alias=AliasChoices("GETIMG_API_KEY", "getimg_api_key"),
        description="API key of GetImg.AI; without it, `up` uses the stand-in",
    )
    getimg_base_url: str = Field("https://api.getimg.ai", description="URL of the GetImg.AI API; http on loopback only")
    getimg_download_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        ("getimg.ai", "*.getimg.ai"),
        description="hosts to download from, besides that of the API; comma separated, `*.` matches any subdomain",
    )
    getimg_timeout_seconds: Seconds = Field(60, description="timeout of a GetImg.AI request, which is then not retried")
    getimg_max_in_flight: Count = Field(100, description="maximum concurrent GetImg.AI requests of one process")
    getimg_low_balance: Decimal = Field(
        Decimal(10), ge=0, description="balance of GetImg.AI in USD below which status, log and `doctor` warn"
    )
    getimg_download_max_bytes: PictureBytes = Field(50_000_000, description="maximum size of a downloaded picture")
    model_tactical_map: str = Field("seedream-5-lite", description="default model for tactical maps")
    model_planned_map: str = Field(
        "gpt-image-2", description="default model for tactical maps with a layout; must accept reference images"
    )
    model_campaign_map: str = Field("seedream-5-lite", description="default model for campaign maps")
    model_portrait: str = Field("seedream-5-lite", description="default model for portraits")
    model_item: str = Field("seedream-5-lite", description="default model for item illustrations")
    model_apply_theme: str = Field("seedream-5-lite", description="model for ApplyTheme; must accept reference images")

    @field_validator("getimg_download_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @field_validator("getimg_base_url")
    @classmethod
    def _https_or_loopback(cls, value: str) -> str:
        url = urlsplit(value)
        _ = url.port  # raises ValueError if the port is invalid
        if url.hostname and (url.scheme == "https" or (url.scheme == "http" and is_loopback(url.hostname))):
            return value.rstrip("/")
        raise ValueError("must be an https URL (http is allowed for loopback only)")


class ServerSettings(AccessSettings, GetimgSettings, CallSettings, ProgramSettings):
    """Settings of `serve`."""

    limits_file: Path | None = Field(
        None, description="file of the limits of callers, one JSON object per line; see docs/security.md"
    )
    audit_retention_days: Annotated[int, Field(ge=0, le=36_500)] = Field(
        365, description="days that entries of the audit log are kept; 0 writes none"
    )
    rpc_max_concurrent: Count = Field(
        1000, description="maximum concurrent unary calls, not counting health checks and those that wait"
    )
    waits_max_concurrent: Count = Field(4000, description="maximum concurrent calls that wait for a generation")
    streams_max_concurrent: Count = Field(1000, description="maximum concurrent streams, watches and transfers")
    stream_max_seconds: Seconds = Field(3600, description="maximum age of a stream, which its caller then resumes")
    uploads_max_concurrent: Count = Field(8, description="maximum concurrent uploads; each takes its size in memory")
    downloads_max_concurrent: Count = Field(32, description="maximum concurrent ReadImage streams")
    upload_max_bytes: PictureBytes = Field(50_000_000, description="maximum size of a picture that UploadImage accepts")
    heartbeat_seconds: float = Field(15, gt=0, le=15, description="silence on a watch stream before a heartbeat")
    drain_seconds: Annotated[float, Field(ge=0, le=600)] = Field(
        1, description="time at shutdown from reporting NOT_SERVING to rejecting calls, for load balancers to notice"
    )

    generation_concurrency: Count = Field(100, description="maximum concurrent generations of one process")
    generation_max_attempts: Count = Field(4, description="maximum GetImg.AI requests of a generation before it fails")
    generation_timeout_seconds: Seconds = Field(120, description="time limit of generations if GetImg.AI keeps failing")
    stalled_after_seconds: Seconds = Field(
        120, description="time without progress after which the job of a generation is queued again"
    )
    store_concurrency: Count = Field(16, description="maximum generated pictures that one process stores at once")

    storage_timeout_seconds: Seconds = Field(
        10, description="timeout of a Storage Service request, including retries, after it got its turn"
    )
    cache_max_bytes: Bytes = Field(256_000_000, description="memory limit of the read cache for picture data")
    cache_shared: bool = Field(
        False, description="let other services and sources use stored pictures; each gets an image of its own"
    )
    cache_max_records: Count = Field(50_000, description="maximum number of records in the read cache")
    renditions_max_bytes: Bytes = Field(
        128_000_000, description="memory limit of the cache of renditions: composed maps, other formats, thumbnails"
    )
    fonts_dir: DirectoryPath | None = Field(
        None, description="folder of fonts that draw the characters which no shipped font has; see docs/operations.md"
    )
    renditions_concurrency: Count = Field(
        2, description="maximum concurrent renditions; one takes up to 400 MB memory, a large one up to 700 MB"
    )
    c2pa_certificate: Path | None = Field(
        None,
        description="file of the certificate chain, PEM, that signs pictures with Content Credentials (C2PA); see "
        "docs/provenance.md",
    )
    c2pa_key: Path | None = Field(None, repr=False, description="file of the private key of this certificate, PEM")

    @model_validator(mode="after")
    def _certificate_with_key(self) -> Self:
        if self.c2pa_certificate is not None and self.c2pa_key is None:
            raise ValueError("IMAGE_GRPC_C2PA_KEY: required by IMAGE_GRPC_C2PA_CERTIFICATE; set both, or none")
        if self.c2pa_key is not None and self.c2pa_certificate is None:
            raise ValueError("IMAGE_GRPC_C2PA_CERTIFICATE: required by IMAGE_GRPC_C2PA_KEY; set both, or none")
        return self


class BridgeSettings(CallSettings, ProgramSettings):
    """Settings of `bridge`."""

    bridge_concurrency: Annotated[Count, Field(le=10_000)] = Field(
        200, description="maximum concurrent hub requests that do not wait for a generation, and separately events"
    )
    bridge_waits: Annotated[Count, Field(le=40_000)] = Field(
        1000, description="maximum concurrent hub requests that wait; further ones get the current state at once"
    )


class StorageServiceSettings(HealthSettings, ProgramSettings):
    """Settings of `storage`."""

    data_dir: Path = Field(Path("data"), description="data folder: the default location of the database and the blobs")
    database_url: Annotated[SecretStr | None, Secret] = Field(
        None, description="database, `postgresql://…` or `sqlite:///…`; default: in the data folder"
    )
    blob_url: str | None = Field(None, description="object store, `s3://…` or `file:///…`; default: in the data folder")
    blob_part_expiry_seconds: Seconds = Field(3600, description="age at which unreferenced parts of blobs are deleted")
    purge_after_seconds: Seconds = Field(30 * 86_400, description="time that deleted records can be restored")
    request_memory_seconds: Seconds = Field(86_400, description="time that a `storage_correlation_id` is remembered")
    sweep_interval_seconds: Seconds = Field(30, description="interval of the periodic cleanup of expired data")

    @field_validator("database_url")
    @classmethod
    def _supported_database(cls, value: SecretStr | None) -> SecretStr | None:
        url = value.get_secret_value() if value else ""
        if not url or url.startswith(("postgresql://", "postgresql+psycopg://", "sqlite:///")):
            return value
        hint = "; write postgresql:// instead of postgres://" if url.startswith("postgres://") else ""
        raise ValueError(f"must be a postgresql:// or sqlite:/// URL{hint}")

    @field_validator("blob_url")
    @classmethod
    def _supported_object_store(cls, value: str | None) -> str | None:
        if value is None or value.startswith(("s3://", "file:///")):
            return value
        raise ValueError("must be an s3:// or file:/// URL")


def storage_urls(settings: StorageServiceSettings) -> tuple[str, str]:
    """Return the URLs of the database and of the object store, which default to the data folder."""
    folder, database = settings.data_dir.resolve(), settings.database_url
    return (
        database.get_secret_value() if database else f"sqlite:///{folder / 'image_storage.db'}",
        settings.blob_url or (folder / "blobs").as_uri(),
    )


class EmbeddedSettings(StorageServiceSettings, BridgeSettings, ServerSettings):
    """Settings of `up` and `serve`: those of all programs, and of the stand-in for GetImg.AI."""

    standin_listen: Address = Field("127.0.0.1:0", description="address of the stand-in that `up` starts")
    standin_latency_seconds: float = Field(0.5, ge=0, le=600, description="delay that the stand-in adds per picture")
