"""How clients of this project reach a server: its address, TLS, and the caller's own credentials."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc

from image_grpc.settings import ClientSettings, InvalidSettings
from image_grpc_client import open_channel, tls


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """A server, and what its caller needs."""

    target: str
    """Address, `host:port`."""
    api_key: str = field(default="", repr=False)
    """An API key or a token; empty for none."""
    credentials: grpc.ChannelCredentials | None = None
    """TLS; None for a plaintext connection."""

    @classmethod
    def of(cls, settings: ClientSettings) -> "Endpoint":
        """Return the server that settings name. Raises InvalidSettings."""
        try:
            files = settings.ca_file, settings.client_certificate_file, settings.client_key_file
            credentials = tls(*files) if settings.tls or any(files) else None
        except OSError as problem:
            raise InvalidSettings(str(problem)) from problem
        api_key = settings.api_key.get_secret_value() if settings.api_key else ""
        return cls(target=settings.target, api_key=api_key, credentials=credentials)

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """Return the metadata that identifies the caller."""
        return (("authorization", f"Bearer {self.api_key}"),) if self.api_key else ()

    def open_async(self, options: Sequence[tuple[str, Any]] = ()) -> grpc.aio.Channel:
        """Return a channel, whose calls still need the `metadata`."""
        if self.credentials is None:
            return grpc.aio.insecure_channel(self.target, options=options)
        return grpc.aio.secure_channel(self.target, self.credentials, options=options)

    def open(self) -> grpc.Channel:
        """Return a channel whose calls carry the `metadata`, with the retry policy for clients."""
        return open_channel(self.target, token=self.api_key, credentials=self.credentials)
