"""Reads the contracts: comments of the protos, JSON Schemas, and example messages in proto3 JSON."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from tools import protos

UUID = "0f6ed0d2-9d0a-4d0e-9c51-3f6e6f7e1234"
TIME = "2026-11-23T20:15:00Z"
_WELL_KNOWN: dict[str, tuple[dict[str, Any], Any]] = {
    "google.protobuf.Timestamp": ({"type": "string", "format": "date-time"}, TIME),
    "google.protobuf.Duration": ({"type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?s$"}, "30s"),
    "google.protobuf.FieldMask": ({"type": "string"}, "details"),
    "google.protobuf.Struct": ({"type": "object"}, {"hair": "silver"}),
}
_INTEGERS = {FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_UINT32}
_LONGS = {FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_UINT64}
_NUMBERS = {FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT}


@cache
def comments() -> dict[str, str]:
    """Return the comment of every message, field, enum value, service and RPC by full name."""
    with tempfile.NamedTemporaryFile() as image:
        protos.image(Path("protos"), Path(image.name))
        files = FileDescriptorSet.FromString(Path(image.name).read_bytes())
    by_name: dict[str, str] = {}
    for file in files.file:
        for location in file.source_code_info.location:
            if location.leading_comments:
                by_name[_full_name(file, list(location.path))] = " ".join(location.leading_comments.split())
    return by_name


def _full_name(file: FileDescriptorProto, path: list[int]) -> str:
    """Return the full name of the element at a path of the compiler's source information."""
    names, node = [file.package], file
    for number, index in zip(path[::2], path[1::2], strict=False):
        field = node.DESCRIPTOR.fields_by_number.get(number)
        if field is None or not field.is_repeated or field.message_type is None:
            break
        node = getattr(node, field.name)[index]
        names.append(node.name if hasattr(node, "name") else "")
    return ".".join(names)


def comment_of(full_name: str) -> str:
    """Return the comment of an element; empty if it has none."""
    return comments().get(full_name, "")


def first_sentence(text: str) -> str:
    """Return the first sentence of a comment."""
    return re.split(r"(?<=[.])\s", text, maxsplit=1)[0]


def schemas(messages: Iterable[Descriptor]) -> dict[str, Any]:
    """Return the JSON Schemas of messages and of the messages within them, by short name."""
    by_name: dict[str, Any] = {}
    pending = list(messages)
    while pending:
        message = pending.pop()
        if message.name in by_name or message.full_name in _WELL_KNOWN:
            continue
        by_name[message.name] = {
            "type": "object",
            "description": comment_of(message.full_name),
            "properties": {field.name: _schema(field) for field in message.fields},
        }
        pending += [field.message_type for field in message.fields if field.message_type and not _is_map(field)]
        pending += [
            value.message_type
            for field in message.fields
            if _is_map(field)
            for value in [_value(field)]
            if value.message_type
        ]
    return dict(sorted(by_name.items()))


def _schema(field: FieldDescriptor) -> dict[str, Any]:
    description = {"description": comment} if (comment := comment_of(field.full_name)) else {}
    if _is_map(field):
        return {"type": "object", "additionalProperties": _single(_value(field))} | description
    if field.is_repeated:
        return {"type": "array", "items": _single(field)} | description
    single = _single(field)
    # JSON Schema ignores properties next to a reference.
    return {"allOf": [single]} | description if "$ref" in single else single | description


def _single(field: FieldDescriptor) -> dict[str, Any]:
    if field.message_type is not None:
        name = field.message_type
        return _WELL_KNOWN[name.full_name][0] if name.full_name in _WELL_KNOWN else reference(name)
    if field.enum_type is not None:
        return {"type": "string", "enum": [value.name for value in field.enum_type.values]}
    if field.type in _INTEGERS:
        return {"type": "integer"}
    if field.type in _LONGS:
        return {"type": ["string", "integer"], "format": "int64"}
    if field.type in _NUMBERS:
        return {"type": "number"}
    if field.type == FieldDescriptor.TYPE_BOOL:
        return {"type": "boolean"}
    return (
        {"type": "string", "contentEncoding": "base64"}
        if field.type == FieldDescriptor.TYPE_BYTES
        else {"type": "string"}
    )


def reference(message: Descriptor) -> dict[str, str]:
    """Return a reference to the schema of a message."""
    return {"$ref": f"#/components/schemas/{message.name}"}


def example(message: Descriptor, depth: int = 3) -> Any:
    """Return example values for the fields of a message; a oneof has its first field set."""
    if message.full_name in _WELL_KNOWN:
        return _WELL_KNOWN[message.full_name][1]
    values: dict[str, Any] = {}
    for field in message.fields:
        oneof = field.containing_oneof
        if oneof is not None and oneof.fields[0] is not field:
            continue
        if field.message_type is not None and not depth and field.message_type.full_name not in _WELL_KNOWN:
            continue
        if _is_map(field):
            values[field.name] = {"name": _value_example(_value(field), depth)}
        elif field.is_repeated:
            values[field.name] = [_value_example(field, depth)]
        else:
            values[field.name] = _value_example(field, depth)
    return values


def _value_example(field: FieldDescriptor, depth: int) -> Any:
    comment = comment_of(field.full_name)
    if field.message_type is not None:
        return example(field.message_type, depth - 1)
    if field.enum_type is not None:
        return field.enum_type.values[min(1, len(field.enum_type.values) - 1)].name
    if field.type in _INTEGERS | _NUMBERS:
        return 1
    if field.type in _LONGS:
        return "1"
    if field.type == FieldDescriptor.TYPE_BOOL:
        return True
    if field.type == FieldDescriptor.TYPE_BYTES:
        return "AAEC"
    if "UUID" in comment:
        return UUID
    quoted = re.search(r"for example `([^`]+)`", comment)
    return quoted[1] if quoted else "fantasy" if "theme" in field.name else ""


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _value(field: FieldDescriptor) -> FieldDescriptor:
    return field.message_type.fields_by_name["value"]
