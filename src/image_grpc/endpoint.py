"""How clients of this project reach a server: its address, TLS, and the caller's own credentials."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from image_grpc.settings import ClientSettings, InvalidSettings

SERVICE_CONFIG = Path(__file__).with_name("service_config.json")
"""The retry policy for clients in any language. If a call may have been made, only a read is repeated."""


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
            ca, certificate, key = (
                path.read_bytes() if path is not None else None
                for path in (settings.ca_file, settings.client_certificate_file, settings.client_key_file)
            )
        except OSError as problem:
            raise InvalidSettings(str(problem)) from problem
        api_key = settings.api_key.get_secret_value() if settings.api_key else ""
        secure = settings.tls or ca is not None or certificate is not None
        credentials = grpc.ssl_channel_credentials(ca, key, certificate) if secure else None
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
        """Return a channel whose calls carry the `metadata`."""
        options = [("grpc.service_config", SERVICE_CONFIG.read_text())]
        if self.credentials is None:
            channel = grpc.insecure_channel(self.target, options)
        else:
            channel = grpc.secure_channel(self.target, self.credentials, options)
        return grpc.intercept_channel(channel, _Identification(self.metadata)) if self.metadata else channel


class _Identification(
    grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor, grpc.StreamUnaryClientInterceptor
):
    """Adds the caller's metadata to each call."""

    def __init__(self, metadata: Sequence[tuple[str, str]]) -> None:
        self._metadata = metadata

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return continuation(self._identified(client_call_details), request)

    def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return continuation(self._identified(client_call_details), request)

    def intercept_stream_unary(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return continuation(self._identified(client_call_details), request_iterator)

    def _identified(self, details: Any) -> Any:
        return details._replace(metadata=[*(details.metadata or ()), *self._metadata])
