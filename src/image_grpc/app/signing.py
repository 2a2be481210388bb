"""What signs pictures, according to the settings."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from image_grpc.pictures.credentials import Unsigned
from image_grpc.settings import InvalidSettings, ServerSettings, variable

if TYPE_CHECKING:
    from image_grpc.pictures.c2pa_signer import C2paSigner


def picture_signer(settings: ServerSettings) -> C2paSigner | Unsigned:
    """Return what signs pictures. Raises InvalidSettings."""
    if settings.c2pa_certificate is None or settings.c2pa_key is None:
        return Unsigned()
    if find_spec("c2pa") is None:
        name = variable("c2pa_certificate")
        raise InvalidSettings(f"{name}: the package c2pa-python is missing; install `image-grpc[c2pa]`")
    # Imported here: the libraries take a while, and only signing needs them.
    from image_grpc.pictures.c2pa_signer import C2paSigner
    from image_grpc.pictures.signing_certificate import UnusableCertificate, UnusableKey

    certificate, key = _read(settings.c2pa_certificate, "c2pa_certificate"), _read(settings.c2pa_key, "c2pa_key")
    try:
        return C2paSigner(certificate, key)
    except UnusableCertificate as problem:
        raise InvalidSettings(f"{variable('c2pa_certificate')}: {problem}") from problem
    except UnusableKey as problem:
        raise InvalidSettings(f"{variable('c2pa_key')}: {problem}") from problem


def _read(path: Path, setting: str) -> bytes:
    """Read a file. The error does not name it: where the key is must not appear in logs."""
    try:
        return path.read_bytes()
    except OSError as problem:
        text = f"the file cannot be read ({problem.strerror}); correct the path or its permissions"
        raise InvalidSettings(f"{variable(setting)}: {text}") from None
