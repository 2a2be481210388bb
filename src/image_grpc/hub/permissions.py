"""The least permissions of each part on RabbitMQ, as regular expressions for `rabbitmqctl set_permissions`."""

from dataclasses import dataclass

_REPLIES = r"image\.reply\..*"
"""The queue of a connection for replies."""
_CHANGES = r"image\.changes\..*"
"""The queue of a connection for the change feed, which only `serve` reads."""


@dataclass(frozen=True, slots=True)
class Permissions:
    """What a user may do, in the order of the arguments of `rabbitmqctl set_permissions`."""

    configure: str
    write: str
    read: str

    def __or__(self, other: "Permissions") -> "Permissions":
        """Return the permissions to do both."""
        pairs = zip((self.configure, self.write, self.read), (other.configure, other.write, other.read), strict=True)
        return Permissions(*(f"{one}|{another}" for one, another in pairs))


def _permissions(own: str, *, write: str, read: str) -> Permissions:
    """Return the permissions of a part with queues of its own, which it declares, binds and reads."""
    return Permissions(configure=f"^({own})$", write=f"^({own}|{write})$", read=f"^({own}|{read})$")


# Jobs, replies and dead letters are published to the default exchange, whose name is amq.default here.
PERMISSIONS = {
    "serve": _permissions(
        f"{_REPLIES}|{_CHANGES}",
        write=r"amq\.default|tabletop\.requests|image\.retry\..*",
        read=r"tabletop\.changes|image\.generate\..*|image\.store",
    ),
    "storage": _permissions(
        _REPLIES, write=r"amq\.default|tabletop\.(events|changes)|image\.retry\..*", read=r"image\.storage"
    ),
    "bridge": _permissions(
        _REPLIES, write=r"amq\.default|tabletop\.events|image\.retry\..*", read=r"image\.bridge\..*"
    ),
    "declare": _permissions(r"(image|tabletop)\..*", write=r"amq\.default", read=r"(image|tabletop)\..*"),
}
"""The permissions of each part, and those that declaring the exchanges and queues takes as well."""
