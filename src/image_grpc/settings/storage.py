"""Settings of the Storage Service."""

from pathlib import Path

from pydantic import Field, SecretStr

from image_grpc.settings.base import Port, ProgramSettings, Seconds


class StorageServiceSettings(ProgramSettings):
    """Settings of `storage`."""

    data_dir: Path = Field(Path("data"), description="data folder: the default location of the database and the blobs")
    database_url: SecretStr | None = Field(
        None, description="database, `postgresql://…` or `sqlite:///…`; default: in the data folder"
    )
    blob_url: str | None = Field(None, description="object store, `s3://…` or `file:///…`; default: in the data folder")
    health_listen: Port | None = Field(None, description="address at which `storage` serves the gRPC health service")
    blob_part_expiry_seconds: Seconds = Field(3600, description="age at which unreferenced parts of blobs are deleted")
    purge_after_seconds: Seconds = Field(30 * 86_400, description="time that deleted records can be restored")
    request_memory_seconds: Seconds = Field(
        86_400, description="time that a repeated `storage_correlation_id` is recognized"
    )
    sweep_interval_seconds: Seconds = Field(30, description="interval of the periodic cleanup of expired data")


def storage_urls(settings: StorageServiceSettings) -> tuple[str, str]:
    """Return the URLs of the database and of the object store, which default to the data folder."""
    folder, database = settings.data_dir.resolve(), settings.database_url
    return (
        database.get_secret_value() if database else f"sqlite:///{folder / 'image_storage.db'}",
        settings.blob_url or (folder / "blobs").as_uri(),
    )
