"""Metadata fields of libvips."""

import pyvips


def blob(picture: pyvips.Image, field: str) -> bytes:
    """Return the bytes of a field; none if there is no such field, or it has no bytes."""
    if picture.get_typeof(field) != pyvips.GValue.blob_type:
        return b""
    try:
        return bytes(picture.get(field))
    except RuntimeError:  # pyvips cannot read an empty field
        return b""
