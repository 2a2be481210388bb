"""The role that each method of the contract requires, and whether it changes something."""

from functools import cache
from typing import cast

from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import MethodOptions
from tabletop.image.v1.access_pb2 import Role
from tabletop.image.v1.access_pb2 import required_role as required_role_option

from image_grpc.messages import enum_label


@cache
def required_role(method: str) -> Role:
    """Return the lowest role that may call a method, such as `tabletop.image.v1.ImageService/GetImage`.

    ROLE_UNSPECIFIED if the contract names none, or has no such method: nobody may call it.
    """
    extensions = _options(method).Extensions
    return cast("Role", extensions[required_role_option])  # type: ignore[index]  # untyped in the stubs


@cache
def changes_something(method: str) -> bool:
    """Return whether a call of a method may change something."""
    reads = _options(method).idempotency_level == MethodOptions.NO_SIDE_EFFECTS
    return required_role(method) > Role.ROLE_READER and not reads


def _options(method: str) -> MethodOptions:
    """Return the options of a method in the contract; none if it has no such method."""
    try:
        return descriptor_pool.Default().FindMethodByName(method.replace("/", ".")).GetOptions()
    except KeyError:
        return MethodOptions()


def role_label(role: Role) -> str:
    """Return the name of a role in files and messages, for example `reader`."""
    return enum_label(Role, role)


def role_of(label: str) -> Role:
    """Return the role with this name. Raises ValueError."""
    roles = {enum_label(Role, role): role for role in Role.values() if role}
    if label not in roles:
        raise ValueError(f"role must be one of {', '.join(roles)}")
    return cast("Role", roles[label])
