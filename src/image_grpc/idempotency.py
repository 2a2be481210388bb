"""Identifiers and digests that make repeated requests recognizable."""

import hashlib
import uuid

from tabletop.image.v1.theme_pb2 import Theme

from image_grpc import tenancy
from image_grpc.messages import MessageLike, clone_without

_NAMESPACE = uuid.UUID("5a1d0f0e-6a0c-5c3f-9d53-0d6f2f1c7b11")


def derived_id(*parts: str) -> str:
    """Return the UUID that the given parts always have, so that repeated work gets the same ids."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(parts)))


def requested_id(operation: str, request_id: str) -> str:
    """Return the UUID of what a request with this `request_id` does. Each bound service has ids of its own."""
    return derived_id(operation, *filter(None, [tenancy.bound_service()]), request_id)


def content_digest(request: MessageLike) -> str:
    """Return a SHA-256 that detects a `request_id` that is reused with other content, in hexadecimal digits.

    The time to wait and the version that the caller saw last are not content: a repeated request may differ in them.
    """
    content = clone_without(request, "wait_for", "version")
    theme = getattr(content, "theme", None)
    if isinstance(theme, Theme):
        theme.ClearField("version")
    type_name = f"{content.DESCRIPTOR.full_name}:".encode()
    return hashlib.sha256(type_name + content.SerializeToString(deterministic=True)).hexdigest()
