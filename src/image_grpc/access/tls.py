"""TLS of the server, with certificates that may be replaced while it runs."""

import ssl
import tempfile
from pathlib import Path
from typing import Any

import grpc

from image_grpc.access.reloading_file import ReloadingFile
from image_grpc.settings import AccessSettings


def server_credentials(settings: AccessSettings) -> grpc.ServerCredentials | None:
    """Return the credentials of the server; None without TLS. Raises InvalidSettings.

    Each new connection gets the present certificate; established ones go on with theirs.
    """
    if settings.tls_certificate_file is None or settings.tls_key_file is None:
        return None
    client_ca = settings.tls_client_ca_file
    paths = [settings.tls_certificate_file, settings.tls_key_file, *([client_ca] if client_ca else [])]
    file = ReloadingFile(_configuration, *paths)
    current = file.content()

    def changed() -> grpc.ServerCertificateConfiguration | None:
        nonlocal current
        latest = file.content()
        if latest is current:
            return None
        current = latest
        return latest

    fetch: Any = changed  # None for no change, which the types of gRPC leave out
    return grpc.dynamic_ssl_server_credentials(current, fetch, require_client_authentication=client_ca is not None)


def _configuration(
    certificate: bytes, key: bytes, client_ca: bytes | None = None
) -> grpc.ServerCertificateConfiguration:
    _check_pair(certificate, key, client_ca)
    return grpc.ssl_server_certificate_configuration([(key, certificate)], root_certificates=client_ca)


def _check_pair(certificate: bytes, key: bytes, client_ca: bytes | None) -> None:
    """Raise ValueError if the key does not belong to the certificate: gRPC would fail each connection instead."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:  # ssl reads a chain from files only
        chain = Path(folder, "chain.pem")
        chain.touch(mode=0o600)
        chain.write_bytes(key + b"\n" + certificate)
        try:
            context.load_cert_chain(chain, password="")  # an encrypted key would be asked for
            if client_ca is not None:
                context.load_verify_locations(cadata=client_ca.decode("ascii"))
        except (ssl.SSLError, UnicodeDecodeError) as problem:
            raise ValueError(f"not a certificate with its key: {problem}") from problem
