"""Validates messages by the rules of the contract: the `buf.validate` options in the protos."""

from collections.abc import Sequence
from functools import cache

import protovalidate
from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from protovalidate import FieldPathElementPb, FieldPathPb
from tabletop.image.v1 import rules_pb2

from image_grpc.errors import Violation


def find_violations(message: Message) -> list[Violation]:
    """Return all rules that the message breaks, in the order of its fields."""
    return [
        Violation(_path(violation.proto.field), violation.proto.message)
        for violation in protovalidate.collect_violations(message)
    ]


def _path(path: FieldPathPb | None) -> str:
    """Return a field path such as `equipment.items[2]`; empty for the message itself."""
    return ".".join(_path_element(element) for element in path.elements) if path is not None else ""


def _path_element(element: FieldPathElementPb) -> str:
    if element.subscript is None:
        return element.field_name
    key = element.subscript.value
    return f'{element.field_name}["{key}"]' if isinstance(key, str) else f"{element.field_name}[{key}]"


def normalize_uuids(message: Message) -> None:
    """Convert the UUIDs of a message and its submessages to lower case, so that equal ids compare equal."""
    for field in _uuid_fields(message.DESCRIPTOR):
        if field.is_repeated:
            values = getattr(message, field.name)
            values[:] = [value.lower() for value in values]
        elif value := getattr(message, field.name):
            setattr(message, field.name, value.lower())
    for field, value in message.ListFields() if _has_submessages(message.DESCRIPTOR) else ():
        if field.message_type is not None and not field.is_repeated:
            normalize_uuids(value)


@cache
def _uuid_fields(descriptor: Descriptor) -> Sequence[FieldDescriptor]:
    """Return the fields whose rules require a UUID or a list of UUIDs."""
    return [field for field in descriptor.fields if _requires_uuid(field)]


def _requires_uuid(field: FieldDescriptor) -> bool:
    extensions = field.GetOptions().Extensions
    rules: validate_pb2.FieldRules = extensions[validate_pb2.field]  # type: ignore[index]  # untyped in the stubs
    string = rules.string
    return string.uuid or string.Extensions[rules_pb2.request_id] or rules.repeated.items.string.uuid


@cache
def _has_submessages(descriptor: Descriptor) -> bool:
    return any(field.message_type is not None for field in descriptor.fields)
