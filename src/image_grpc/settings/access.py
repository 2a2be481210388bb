"""Settings of who may call a server, and of how clients reach one."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from image_grpc.settings.base import Address, EnvironmentSettings, Secret, is_loopback, valid_in_a_header


class HealthSettings(EnvironmentSettings):
    """Probes."""

    health_listen: Address | None = Field(
        None, description="address of the gRPC health service alone, which never needs TLS or credentials"
    )


class AccessSettings(HealthSettings):
    """Where the server listens, and to whom."""

    listen: Address = Field("127.0.0.1:50051", description="address of the gRPC server; port 0 selects a free one")
    listen_shared: bool = Field(False, description="share the port with other servers; set by `serve --workers`")
    admin_listen: Address | None = Field(
        None, description="address of the channelz service, which shows who is connected; for operators only"
    )
    api_keys_file: Path | None = Field(
        None, description="file of callers with their API keys or client certificates; see `image-grpc api-key create`"
    )
    tls_certificate_file: Path | None = Field(None, description="certificate chain of the server, PEM; turns TLS on")
    tls_key_file: Path | None = Field(None, description="private key of the certificate, PEM")
    tls_client_ca_file: Path | None = Field(
        None, description="certificate authorities of client certificates, PEM; each client then needs one"
    )
    jwt_issuer: str = Field("", description="issuer of accepted tokens (claim `iss`)")
    jwt_audience: str = Field("", description="audience of accepted tokens (claim `aud`)")
    jwt_jwks: str = Field("", description="key set that verifies tokens: a path, or an https URL (http on loopback)")
    reflection: Literal["", "open", "authenticated", "off"] = Field(
        "", description="who may use server reflection; default: `authenticated` with authentication, otherwise `open`"
    )
    insecure: bool = Field(False, description="accept everybody on addresses other than loopback; for trusted networks")

    @property
    def authenticates(self) -> bool:
        """Whether callers need credentials."""
        jwt = self.jwt_issuer or self.jwt_audience or self.jwt_jwks
        return self.api_keys_file is not None or self.tls_client_ca_file is not None or bool(jwt)

    @field_validator("jwt_jwks")
    @classmethod
    def _path_or_secure_url(cls, value: str) -> str:
        if "://" not in value:
            return value
        url = urlsplit(value)
        _ = url.port  # raises ValueError if the port is invalid
        if not url.hostname or not (url.scheme == "https" or (url.scheme == "http" and is_loopback(url.hostname))):
            raise ValueError("must be a path or an https URL (http is allowed for loopback only)")
        if not value.isprintable() or "@" in url.netloc or url.query:
            raise ValueError("must be a URL without user, password and query, because it is logged")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.tls_certificate_file is None) != (self.tls_key_file is None):
            raise ValueError("IMAGE_GRPC_TLS_CERTIFICATE_FILE and IMAGE_GRPC_TLS_KEY_FILE belong together")
        if self.tls_client_ca_file is not None and self.tls_certificate_file is None:
            raise ValueError("IMAGE_GRPC_TLS_CLIENT_CA_FILE requires IMAGE_GRPC_TLS_CERTIFICATE_FILE")
        if len({bool(self.jwt_issuer), bool(self.jwt_audience), bool(self.jwt_jwks)}) > 1:
            raise ValueError("IMAGE_GRPC_JWT_ISSUER, IMAGE_GRPC_JWT_AUDIENCE and IMAGE_GRPC_JWT_JWKS belong together")
        if self.insecure:
            return self
        if not is_loopback(_host(self.listen)) and not self.authenticates:
            raise ValueError(
                f"IMAGE_GRPC_LISTEN: everybody who reaches {self.listen} could call the service; set "
                "IMAGE_GRPC_API_KEYS_FILE, IMAGE_GRPC_JWT_ISSUER or IMAGE_GRPC_TLS_CLIENT_CA_FILE, or "
                "IMAGE_GRPC_INSECURE=true if the network is safe"
            )
        if self.admin_listen is not None and not is_loopback(_host(self.admin_listen)):
            raise ValueError(
                f"IMAGE_GRPC_ADMIN_LISTEN: everybody who reaches {self.admin_listen} could see all connections; "
                "use a loopback address, or set IMAGE_GRPC_INSECURE=true if the network is safe"
            )
        return self


def _host(address: str) -> str:
    return address.rpartition(":")[0].strip("[]")


class ClientSettings(EnvironmentSettings):
    """How the client commands and `bridge` reach the server."""

    target: str = Field("127.0.0.1:50051", description="address of the server, `host:port`")
    tls: bool = Field(False, description="connect with TLS, to a server with a certificate that this host trusts")
    ca_file: Path | None = Field(None, description="connect with TLS; certificate authorities of the server, PEM")
    api_key: Annotated[SecretStr | None, Secret, AfterValidator(valid_in_a_header)] = Field(
        None, description="API key or token to send"
    )
    client_certificate_file: Path | None = Field(None, description="certificate chain of the client, PEM")
    client_key_file: Path | None = Field(None, description="private key of the client's certificate, PEM")

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if (self.client_certificate_file is None) != (self.client_key_file is None):
            raise ValueError("IMAGE_GRPC_CLIENT_CERTIFICATE_FILE and IMAGE_GRPC_CLIENT_KEY_FILE belong together")
        return self
