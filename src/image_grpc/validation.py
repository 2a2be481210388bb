"""Validates messages by the rules of the contract: the `buf.validate` options in the protos."""

from collections.abc import Iterator, Sequence
from functools import cache

import protovalidate
from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from protovalidate import FieldPathElementPb, FieldPathPb

from image_grpc.errors import Violation
from image_grpc.workers import Workers

VALIDATION = Workers("validate", 1)

_SECONDS, _NANOS = range(-62_135_596_800, 253_402_300_800), range(1_000_000_000)
"""Of a timestamp that exists."""

_WORDING = {"enum.not_in": "is required"}
"""Descriptions of violations of rules whose own would not help; enums have only the rule that they are not 0."""

LARGE_BYTES = 64 * 1024
"""Of a larger message, only the first violation is looked for: it may have one in each of its thousands of parts."""


def find_violations(message: Message) -> list[Violation]:
    """Return all rules that the message breaks, in the order of its fields.

    Lists that are too long come first and alone, so that their items need not be looked at.
    """
    return list(too_long_lists(message)) or _rule_violations(message)


async def find_rule_violations(message: Message) -> list[Violation]:
    """Return what `find_violations` does, for a message of any size whose lists are known not to be too long."""
    if message.ByteSize() <= LARGE_BYTES:
        return _rule_violations(message)
    return await VALIDATION.run(lambda: _rule_violations(message))


def _rule_violations(message: Message) -> list[Violation]:
    violations = protovalidate.collect_violations(message, fail_fast=message.ByteSize() > LARGE_BYTES)
    return [
        *(
            Violation(_path(each.proto.field), _WORDING.get(each.proto.rule_id, each.proto.message))
            for each in violations
        ),
        *_unusable_values(message, ""),
    ]


def too_long_lists(message: Message, prefix: str = "") -> Iterator[Violation]:
    """Yield a violation for each list that has more items than allowed, without looking at them."""
    for field, max_items in _nested_fields(message.DESCRIPTOR):
        path = f"{prefix}{field.name}"
        if not field.is_repeated:
            if message.HasField(field.name):
                yield from too_long_lists(getattr(message, field.name), f"{path}.")
            continue
        items = getattr(message, field.name)
        if max_items and len(items) > max_items:
            yield Violation(path, f"must contain no more than {max_items} item(s)")
        elif field.message_type is not None and _nested_fields(field.message_type):
            for index, item in enumerate(items):
                yield from too_long_lists(item, f"{path}[{index}].")


@cache
def _nested_fields(descriptor: Descriptor) -> Sequence[tuple[FieldDescriptor, int]]:
    """Return the fields that are lists, or contain any, with the longest length allowed; 0 if there is no limit."""
    return [
        (field, _rules_of(field).repeated.max_items)
        for field in descriptor.fields
        if not _is_map(field)
        and (field.is_repeated or (field.message_type is not None and _contains_lists(field.message_type)))
    ]


@cache
def _contains_lists(descriptor: Descriptor) -> bool:
    """Whether a message of the contract contains a list. Messages of other packages have no rules."""
    if not descriptor.full_name.startswith("tabletop."):
        return False
    return any(
        field.is_repeated or (field.message_type not in (None, descriptor) and _contains_lists(field.message_type))
        for field in descriptor.fields
    )


def _unusable_values(message: Message, prefix: str) -> Iterator[Violation]:
    """Yield texts with a NUL character, which not every database can store, and times that do not exist."""
    for field in _checked_fields(message.DESCRIPTOR):
        path = f"{prefix}{field.name}"
        if field.is_repeated:
            values = [(f"{path}[{index}]", each) for index, each in enumerate(getattr(message, field.name))]
        elif field.message_type is not None and not message.HasField(field.name):
            continue
        else:
            values = [(path, getattr(message, field.name))]
        for each_path, each in values:
            if isinstance(each, Timestamp):
                if each.seconds not in _SECONDS or each.nanos not in _NANOS:
                    yield Violation(each_path, "must be a time in the years 1 to 9999")
            elif isinstance(each, Message):
                yield from _unusable_values(each, f"{each_path}.")
            elif "\0" in each:
                yield Violation(each_path, "must not contain NUL characters")


@cache
def _checked_fields(descriptor: Descriptor) -> Sequence[FieldDescriptor]:
    """Return the fields that are texts or times, or messages of the same package that contain some."""

    def is_checked(field: FieldDescriptor) -> bool:
        if field.message_type is None:
            return field.type == FieldDescriptor.TYPE_STRING
        if field.message_type is Timestamp.DESCRIPTOR:
            return True
        own = field.message_type.file.package == descriptor.file.package and field.message_type is not descriptor
        return own and not _is_map(field) and bool(_checked_fields(field.message_type))

    return [field for field in descriptor.fields if is_checked(field)]


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _rules_of(field: FieldDescriptor) -> validate_pb2.FieldRules:
    extensions = field.GetOptions().Extensions
    return extensions[validate_pb2.field]  # type: ignore[index]  # untyped in the stubs


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
    rules = _rules_of(field)
    return rules.string.uuid or rules.repeated.items.string.uuid


@cache
def _has_submessages(descriptor: Descriptor) -> bool:
    return any(field.message_type is not None for field in descriptor.fields)
