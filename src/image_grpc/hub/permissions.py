"""The least permissions of each part on RabbitMQ, as regular expressions for `rabbitmqctl set_permissions`."""

from dataclasses import dataclass

_OWN_QUEUES = r"image\.(reply|changes)\..*"
"""The queues of one connection."""


@dataclass(frozen=True, slots=True)
class Permissions:
    """What a user may do, in the order of the arguments of `rabbitmqctl set_permissions`."""

    configure: str
    write: str
    read: str


def _permissions(*, configure: str = _OWN_QUEUES, write: str, read: str) -> Permissions:
    own = f"{_OWN_QUEUES}|"
    return Permissions(configure=f"^({configure})$", write=f"^({own}{write})$", read=f"^({own}{read})$")


# Jobs, replies and dead letters are published to the default exchange, whose name is amq.default here.
PERMISSIONS = {
    "serve": _permissions(
        write=r"amq\.default|tabletop\.requests|image\.retry\..*",
        read=r"tabletop\.events|image\.generate\..*|image\.store",
    ),
    "storage": _permissions(
        write=r"amq\.default|tabletop\.events|image\.retry\..*", read=r"tabletop\.events|image\.storage"
    ),
    "bridge": _permissions(
        write=r"amq\.default|tabletop\.events|image\.retry\..*", read=r"tabletop\.events|image\.bridge\..*"
    ),
    "declare": _permissions(
        configure=r"(image|tabletop)\..*", write=r"amq\.default|(image|tabletop)\..*", read=r"(image|tabletop)\..*"
    ),
}
"""The permissions of each part, and those that declaring the exchanges and queues takes as well."""
