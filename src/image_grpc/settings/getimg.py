"""Settings of the GetImg.AI client."""

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from image_grpc.settings.base import Bytes, Count, EnvironmentSettings, Seconds


class GetimgSettings(EnvironmentSettings):
    """Access to GetImg.AI, its limits, and the default models."""

    getimg_api_key: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("GETIMG_API_KEY", "getimg_api_key"),
        description="API key of GetImg.AI; without it, `up` uses the stand-in",
    )
    getimg_base_url: str = Field(
        "https://api.getimg.ai", description="URL of the GetImg.AI API; plain http is allowed for loopback only"
    )
    getimg_download_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        ("getimg.ai", "*.getimg.ai"),
        description="hosts that pictures may be downloaded from, in addition to the host of the API; comma "
        "separated, `*.` matches any subdomain",
    )
    getimg_timeout_seconds: Seconds = Field(
        60, description="timeout of one GetImg.AI request; a request that timed out is not repeated"
    )
    getimg_max_in_flight: Count = Field(100, description="maximum concurrent GetImg.AI requests of one process")
    getimg_download_max_bytes: Bytes = Field(
        50_000_000, le=256 * 1024 * 1024, description="maximum size of a downloaded picture"
    )
    model_tactical_map: str = Field("seedream-5-lite", description="default model for tactical maps")
    model_campaign_map: str = Field("seedream-5-lite", description="default model for campaign maps")
    model_portrait: str = Field("seedream-5-lite", description="default model for portraits")
    model_item: str = Field("seedream-5-lite", description="default model for item illustrations")
    model_apply_theme: str = Field(
        "seedream-5-lite",
        description="model that applies a theme to an existing picture; it must accept reference images",
    )

    @field_validator("getimg_download_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @field_validator("getimg_api_key")
    @classmethod
    def _valid_in_a_header(cls, value: SecretStr | None) -> SecretStr | None:
        key = value.get_secret_value().strip() if value else ""
        if not all("!" <= character <= "~" for character in key):
            raise ValueError("must consist of printable ASCII characters without spaces")
        return SecretStr(key) if key else None

    @field_validator("getimg_base_url")
    @classmethod
    def _https_or_loopback(cls, value: str) -> str:
        url = urlsplit(value)
        _ = url.port  # raises ValueError if the port is invalid
        if url.hostname and (url.scheme == "https" or (url.scheme == "http" and is_loopback(url.hostname))):
            return value.rstrip("/")
        raise ValueError("must be an https URL (http is allowed for loopback only)")


def is_loopback(host: str | None) -> bool:
    """Whether a URL's host is `localhost` or a loopback address. Other names are not resolved."""
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
