"""TLS of the server, with certificates that may be replaced while it runs."""

from typing import Any

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from image_grpc.reloading_file import ReloadingFile
from image_grpc.settings import AccessSettings

CURVES = (ec.SECP256R1, ec.SECP384R1)
"""Elliptic curves that the TLS of gRPC accepts by default."""


def server_credentials(settings: AccessSettings) -> grpc.ServerCredentials | None:
    """Return the credentials of the server; None without TLS. Raises InvalidSettings.

    Each new connection gets the current certificate; existing connections are unaffected.
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
    """Return what gRPC serves. Raises ValueError for what would fail each connection instead."""
    try:
        private_key = load_pem_private_key(key, password=None)
    except (ValueError, TypeError) as problem:  # the latter for an encrypted key
        raise ValueError(f"the private key cannot be read: {problem}") from problem
    if not isinstance(private_key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise ValueError("the private key must be of type RSA or ECDSA")
    if isinstance(private_key, ec.EllipticCurvePrivateKey) and not isinstance(private_key.curve, CURVES):
        raise ValueError("the curve of an ECDSA key must be P-256 or P-384")
    if _certificates(certificate)[0].public_key() != private_key.public_key():
        raise ValueError("the private key does not belong to the certificate")
    if client_ca is not None:
        _certificates(client_ca)
    return grpc.ssl_server_certificate_configuration([(key, certificate)], root_certificates=client_ca)


def _certificates(data: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(data)
    except ValueError as problem:
        raise ValueError(f"no certificate can be read: {problem}") from problem
