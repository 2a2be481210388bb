"""The rules that the contracts state, checked. Source: the `buf.validate` options in the protos."""

from __future__ import annotations

from functools import cache
from typing import Any

import protovalidate
from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from image_grpc.errors import Violation


def violations(message: Message) -> list[Violation]:
    """Every rule that the message breaks, in the order of its fields; none if it is valid."""
    return [
        Violation(_path(found.proto.field), found.proto.message)
        for found in protovalidate.collect_violations(message)
    ]


def _path(path: Any) -> str:
    """A field's path as people write it, for example `equipment.items[2]`; empty for the whole message."""
    return ".".join(_name(element) for element in path.elements) if path is not None else ""


def _name(element: Any) -> str:
    subscript = element.subscript
    if subscript is None:
        return str(element.field_name)
    value = subscript.value
    return f'{element.field_name}["{value}"]' if isinstance(value, str) else f"{element.field_name}[{value}]"


def lower_uuids(message: Message) -> None:
    """Writes the UUIDs of a message in lower case, so that one thing has one name. Malformed ones stay."""
    for name, repeated in _uuid_fields(message.DESCRIPTOR):
        if repeated:
            values = getattr(message, name)
            values[:] = [value.lower() for value in values]
        elif value := getattr(message, name):
            setattr(message, name, value.lower())
    for field, value in message.ListFields() if _has_messages(message.DESCRIPTOR) else ():
        if field.message_type is not None and not field.is_repeated:
            lower_uuids(value)


@cache
def _uuid_fields(descriptor: Descriptor) -> list[tuple[str, bool]]:
    """Name of each field whose rule says that it is a UUID, or a list of them, and whether it is a list."""
    found = []
    for field in descriptor.fields:
        rules: Any = field.GetOptions().Extensions[validate_pb2.field]  # type: ignore[index]  # stubs lack it
        if rules.string.uuid or rules.repeated.items.string.uuid:
            found.append((field.name, rules.repeated.items.string.uuid))
    return found


@cache
def _has_messages(descriptor: Descriptor) -> bool:
    return any(field.message_type is not None for field in descriptor.fields)
