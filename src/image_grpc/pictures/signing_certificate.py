"""The certificate and private key that sign pictures, checked.

The rules for certificates: C2PA technical specification 2.2, sections 13.2 and 14.5.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

PURPOSES = {
    "1.3.6.1.4.1.62558.2.1": "C2PA claim signing",
    "1.3.6.1.5.5.7.3.36": "document signing",
    "1.3.6.1.5.5.7.3.4": "email protection",
}
"""Extended key usages, one of which the certificate must have."""
_CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
_MIN_RSA_BITS = 2048
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


class UnusableCertificate(ValueError):
    """The certificate chain cannot sign pictures; the message says why and what to do."""


class UnusableKey(ValueError):
    """The private key cannot sign pictures; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningCertificate:
    """A certificate with its chain and private key."""

    algorithm: str
    """As C2PA names it, in lower case."""
    chain: bytes
    """PEM, the certificate first."""
    issuers: bytes
    """PEM of the chain without its first certificate; may be empty."""
    expires: datetime
    key: bytes = field(repr=False)
    """PEM, PKCS #8."""


def signing_certificate(certificate: bytes, key: bytes) -> SigningCertificate:
    """Check a certificate chain and a private key, both PEM. Raises UnusableCertificate, UnusableKey."""
    private_key = _private_key(key)
    chain = _chain(certificate)
    leaf = chain[0]
    if leaf.public_key() != private_key.public_key():
        raise UnusableKey(
            "the private key does not belong to the first certificate of the chain; configure the key of that "
            "certificate, or put the certificate of this key first"
        )
    _check_period(leaf)
    _check_purpose(leaf)
    pems = [each.public_bytes(Encoding.PEM) for each in chain]
    return SigningCertificate(
        algorithm=_algorithm(private_key),
        chain=b"".join(pems),
        issuers=b"".join(pems[1:]),
        expires=leaf.not_valid_after_utc,
        key=private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )


def _private_key(key: bytes) -> PrivateKey:
    try:
        private_key = load_pem_private_key(key, password=None)
    except TypeError as problem:
        raise UnusableKey("the private key is encrypted; store it without a passphrase") from problem
    except ValueError as problem:
        raise UnusableKey("the file contains no private key in PEM form") from problem
    if not isinstance(private_key, PrivateKey):
        raise UnusableKey("the private key must be of type ECDSA, RSA or Ed25519")
    return private_key


def _algorithm(key: PrivateKey) -> str:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(key, rsa.RSAPrivateKey):
        if key.key_size < _MIN_RSA_BITS:
            raise UnusableKey(f"the RSA key has {key.key_size} bits; use one with at least {_MIN_RSA_BITS}")
        return "ps256"
    if (algorithm := _CURVES.get(key.curve.name)) is None:
        raise UnusableKey(f"the curve of the private key is {key.curve.name}; use P-256, P-384 or P-521")
    return algorithm


def _chain(certificate: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(certificate)
    except ValueError as problem:
        raise UnusableCertificate("the file contains no certificate in PEM form") from problem


def _check_period(leaf: x509.Certificate) -> None:
    now = datetime.now(UTC)
    if leaf.not_valid_after_utc < now:
        raise UnusableCertificate(f"the certificate expired on {leaf.not_valid_after_utc:%Y-%m-%d}; renew it")
    if leaf.not_valid_before_utc > now:
        text = f"the certificate is not valid before {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
        raise UnusableCertificate(f"{text}; check the clock, or wait")


def _check_purpose(leaf: x509.Certificate) -> None:
    try:
        usages = {usage.dotted_string for usage in leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value}
    except x509.ExtensionNotFound:
        usages = set()
    if not usages & PURPOSES.keys():
        allowed = ", ".join(f"{name} ({oid})" for oid, name in PURPOSES.items())
        raise UnusableCertificate(f"the extended key usage of the certificate must be one of {allowed}; order such one")
