"""Who may call, certificates, and keys."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from image_grpc.access import Authenticator, server_credentials
from image_grpc.app.doctor.findings import Finding, error, ok, warning
from image_grpc.app.signing import picture_signer
from image_grpc.hub.signatures import Signatures
from image_grpc.pictures.credentials import Unsigned
from image_grpc.settings import EmbeddedSettings, InvalidSettings, variable

CERTIFICATE_DAYS = 14


def examine_access(settings: EmbeddedSettings) -> Iterator[Finding]:
    """Yield what is found about callers and TLS."""
    try:
        Authenticator(settings)
        server_credentials(settings)
    except InvalidSettings as problem:
        yield error("access", str(problem), "correct or replace the file; see docs/security.md")
        return
    if settings.authenticates:
        yield ok("access", f"callers of {settings.listen} need credentials")
    elif settings.insecure:
        text = f"everybody who reaches {settings.listen} may call the service"
        yield warning("access", text, f"set {variable('api_keys_file')} unless the network protects itself")
    else:
        yield ok("access", f"everybody on this host may call {settings.listen}")
    if settings.tls_certificate_file is not None:
        expires = x509.load_pem_x509_certificates(settings.tls_certificate_file.read_bytes())[0].not_valid_after_utc
        yield _expiry("TLS", expires, settings.tls_certificate_file)
    elif settings.authenticates:
        text = "credentials travel without encryption"
        yield warning("TLS", text, f"set {variable('tls_certificate_file')} and {variable('tls_key_file')}")


def examine_content_credentials(settings: EmbeddedSettings) -> Iterator[Finding]:
    """Yield what is found about the certificate that signs pictures."""
    try:
        signer = picture_signer(settings)
    except InvalidSettings as problem:
        yield error("C2PA", str(problem), "correct the setting or the file; see docs/provenance.md")
        return
    if settings.c2pa_certificate is None or isinstance(signer, Unsigned):
        yield ok("C2PA", "pictures are marked with XMP only: there is no certificate")
    else:
        yield _expiry("C2PA", signer.expires, settings.c2pa_certificate)


def _expiry(subject: str, expires: datetime, path: Path) -> Finding:
    left = expires - datetime.now(UTC)
    text = f"the certificate is valid until {expires:%Y-%m-%d %H:%M} UTC"
    if left < timedelta():
        return error(subject, f"the certificate expired on {expires:%Y-%m-%d}", f"replace {path}")
    near = left < timedelta(days=CERTIFICATE_DAYS)
    return warning(subject, text, f"replace {path}") if near else ok(subject, text)


def examine_keys(settings: EmbeddedSettings) -> Iterator[Finding]:
    """Yield what is found about the keys that the processes of the service share."""
    if settings.hub_key_file is not None:
        try:
            Signatures(settings.hub_key_file)
            yield ok("hub key", "messages of the service to itself are signed")
        except InvalidSettings as problem:
            yield error("hub key", str(problem), "write one key per line, from `openssl rand -hex 32`")
    elif settings.hub_url != "memory:":
        text = "whoever may publish on the virtual host can change everything that is stored"
        yield warning("hub key", text, f"set {variable('hub_key_file')} for all processes")
    if settings.hub_url != "memory:" and not settings.page_token_key.get_secret_value():
        text = "page tokens are not signed"
        yield warning("page tokens", text, f"set {variable('page_token_key')} to the same secret for all processes")
