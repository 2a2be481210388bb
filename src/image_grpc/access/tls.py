"""TLS of the server, with certificates that may be replaced while it runs."""

from typing import Any

import grpc

from image_grpc.reloading_file import ReloadingFile
from image_grpc.settings import AccessSettings


def server_credentials(settings: AccessSettings) -> grpc.ServerCredentials | None:
    """Return the credentials of the server; None without TLS. Raises InvalidSettings.

    Each new connection gets the current certificate; existing connections are unaffected.
    """
    if settings.tls_certificate_file is None or settings.tls_key_file is None:
        return None
    # Imported here: cryptography takes a while, and only TLS needs it.
    from image_grpc.access.certificates import configuration

    client_ca = settings.tls_client_ca_file
    paths = [settings.tls_certificate_file, settings.tls_key_file, *([client_ca] if client_ca else [])]
    file = ReloadingFile(configuration, *paths)
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
