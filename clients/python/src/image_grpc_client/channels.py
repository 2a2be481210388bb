"""Channels to a server: TLS, the caller's token, the retry policy, and a deadline for calls that set none."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc

SERVICE_CONFIG = Path(__file__).with_name("service_config.json")
"""The retry policy for clients in any language. If a call may have been made, only a read is repeated."""

_Options = Sequence[tuple[str, Any]]


def tls(
    ca_file: Path | None = None, certificate_file: Path | None = None, key_file: Path | None = None
) -> grpc.ChannelCredentials:
    """Return credentials for TLS from PEM files: the server's authorities and, for mutual TLS, the client's own.

    Without `ca_file`, the authorities of gRPC are trusted. Raises OSError.
    """
    ca, certificate, key = (
        None if path is None else path.read_bytes() for path in (ca_file, certificate_file, key_file)
    )
    return grpc.ssl_channel_credentials(ca, key, certificate)


def open_channel(
    target: str,
    *,
    token: str = "",
    credentials: grpc.ChannelCredentials | None = None,
    timeout: float | None = None,
    options: _Options = (),
) -> grpc.Channel:
    """Return a channel to the server at `target`, `host:port`.

    Its calls carry `token`, an API key or a JWT. Those that set no timeout end after `timeout` seconds, streams as
    well; None: never. Without `credentials` the connection is not encrypted.
    """
    options = [("grpc.service_config", SERVICE_CONFIG.read_text()), *options]
    if credentials is None:
        channel = grpc.insecure_channel(target, options)
    else:
        channel = grpc.secure_channel(target, credentials, options)
    return grpc.intercept_channel(channel, _Defaults(token, timeout))


def open_async_channel(
    target: str,
    *,
    token: str = "",
    credentials: grpc.ChannelCredentials | None = None,
    timeout: float | None = None,
    options: _Options = (),
) -> grpc.aio.Channel:
    """Return a channel for asyncio. The arguments are those of `open_channel`."""
    options = [("grpc.service_config", SERVICE_CONFIG.read_text()), *options]
    interceptors = [kind(token, timeout) for kind in (_AsyncUnary, _AsyncServerStream, _AsyncClientStream)]
    if credentials is None:
        return grpc.aio.insecure_channel(target, options, interceptors=interceptors)
    return grpc.aio.secure_channel(target, credentials, options, interceptors=interceptors)


class _CallDetails:
    """Adds the token and the timeout to the details of a call."""

    def __init__(self, token: str, timeout: float | None) -> None:
        self._metadata = (("authorization", f"Bearer {token}"),) if token else ()
        self._timeout = timeout

    def _completed(self, details: Any) -> Any:
        timeout = self._timeout if details.timeout is None else details.timeout
        return details._replace(metadata=(*(details.metadata or ()), *self._metadata), timeout=timeout)


class _Defaults(
    _CallDetails, grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor, grpc.StreamUnaryClientInterceptor
):
    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return continuation(self._completed(client_call_details), request)

    def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return continuation(self._completed(client_call_details), request)

    def intercept_stream_unary(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return continuation(self._completed(client_call_details), request_iterator)


# A channel of asyncio uses an interceptor for one kind of call only.


class _AsyncUnary(_CallDetails, grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(self._completed(client_call_details), request)


class _AsyncServerStream(_CallDetails, grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(self._completed(client_call_details), request)


class _AsyncClientStream(_CallDetails, grpc.aio.StreamUnaryClientInterceptor):
    async def intercept_stream_unary(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return await continuation(self._completed(client_call_details), request_iterator)
