"""An authenticated caller."""

from dataclasses import dataclass

from tabletop.image.v1.access_pb2 import Role

BRIDGE_NAME = "bridge"
"""Of the bridge in the process of a server. No other caller may have it."""
MAX_SERVICE = 100
"""Maximum length of the name of a service."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """An authenticated caller."""

    name: str
    """Of an API key or a certificate's entry, or the subject of a token."""
    role: Role
    service: str = ""
    """The only service whose pictures the caller may use; empty for all."""


def is_usable_name(name: str) -> bool:
    """Return whether callers may have this name: it has printable characters only and is not the bridge's."""
    return name.isprintable() and name != BRIDGE_NAME


UNKNOWN = Caller(name="", role=Role.ROLE_UNSPECIFIED)
"""A caller that is not authenticated yet."""
ANYBODY = Caller(name="", role=Role.ROLE_ADMIN)
"""Every caller of a server without authentication."""
