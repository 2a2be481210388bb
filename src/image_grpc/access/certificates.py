"""What a TLS server serves, checked."""

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

CURVES = (ec.SECP256R1, ec.SECP384R1)
"""Elliptic curves that the TLS of gRPC accepts by default."""


def configuration(
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
