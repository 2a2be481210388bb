"""JSON Schemas of messages in proto3 JSON, with the required fields, bounds and formats of the contract."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from buf.validate import validate_pb2
from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from tools.contracts import comment_of

WELL_KNOWN: dict[str, dict[str, Any]] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?s$"},
    "google.protobuf.FieldMask": {"type": "string"},
    "google.protobuf.Struct": {"type": "object"},
}
INTEGERS = {FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_UINT32}
LONGS = {FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_UINT64}
NUMBERS = {FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT}
_UUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


def parts(messages: Iterable[Descriptor]) -> dict[str, Descriptor | EnumDescriptor]:
    """Return messages, and the messages and enums within them, sorted by short name."""
    by_name: dict[str, Descriptor | EnumDescriptor] = {}
    pending: list[Descriptor | EnumDescriptor] = list(messages)
    while pending:
        each = pending.pop()
        if each.name not in by_name and each.full_name not in WELL_KNOWN:
            by_name[each.name] = each
            pending += () if isinstance(each, EnumDescriptor) else _types(each)
    return dict(sorted(by_name.items()))


def schemas(messages: Iterable[Descriptor]) -> dict[str, Any]:
    """Return the schemas of messages, and of the messages and enums within them, by short name."""
    return {
        name: _described(part.full_name, type="string", enum=[value.name for value in part.values])
        if isinstance(part, EnumDescriptor)
        else _message(part)
        for name, part in parts(messages).items()
    }


def reference(element: Descriptor | EnumDescriptor) -> dict[str, str]:
    """Return a reference to the schema of a message or an enum."""
    return {"$ref": f"#/components/schemas/{element.name}"}


def oneof_notes(message: Descriptor) -> Iterator[str]:
    """Yield a sentence for each group of fields that exclude each other."""
    for oneof in message.oneofs:
        if len(oneof.fields) > 1:
            count = "Exactly" if oneof.GetOptions().Extensions[validate_pb2.oneof].required else "At most"
            yield f"{count} one of {', '.join(f'`{field.name}`' for field in oneof.fields)} is set."


def single_schema(field: FieldDescriptor) -> dict[str, Any]:
    """Return the schema of a field's value, or of one of its values."""
    return _single(field, field.GetOptions().Extensions[validate_pb2.field])


def min_items(field: FieldDescriptor) -> int:
    """Return how many items a list must have at least."""
    return int(field.GetOptions().Extensions[validate_pb2.field].repeated.min_items)


def is_required(field: FieldDescriptor) -> bool:
    """Whether a request must set a field."""
    return field_behavior_pb2.REQUIRED in field.GetOptions().Extensions[field_behavior_pb2.field_behavior]


def is_map(field: FieldDescriptor) -> bool:
    """Whether a field is a map."""
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def map_value(field: FieldDescriptor) -> FieldDescriptor:
    """Return the field of a map's values."""
    return field.message_type.fields_by_name["value"]


def _types(message: Descriptor) -> Iterator[Descriptor | EnumDescriptor]:
    for field in message.fields:
        single = map_value(field) if is_map(field) else field
        if part := single.message_type or single.enum_type:
            yield part


def _message(message: Descriptor) -> dict[str, Any]:
    schema = _described(message.full_name, type="object")
    if notes := " ".join(oneof_notes(message)):
        schema["description"] = f"{schema.get('description', '')} {notes}".strip()
    schema["properties"] = {field.name: _field(field) for field in message.fields}
    if required := [field.name for field in message.fields if is_required(field)]:
        schema["required"] = required
    return schema


def _described(full_name: str, **schema: Any) -> dict[str, Any]:
    return ({"description": comment} if (comment := comment_of(full_name)) else {}) | schema


def _field(field: FieldDescriptor) -> dict[str, Any]:
    rules = field.GetOptions().Extensions[validate_pb2.field]
    if is_map(field):
        value = _single(map_value(field), rules.map.values)
        schema = {"type": "object", "additionalProperties": value, **_bounds(rules.map, max_pairs="maxProperties")}
    elif field.is_repeated:
        counts = _bounds(rules.repeated, min_items="minItems", max_items="maxItems", unique="uniqueItems")
        schema = {"type": "array", "items": _single(field, rules.repeated.items), **counts}
    else:
        schema = _single(field, rules)
    return _described(field.full_name, **schema)  # JSON Schema ignores a description next to a reference; people do not


def _single(field: FieldDescriptor, rules: validate_pb2.FieldRules) -> dict[str, Any]:
    """Return the schema of a field's value, or of one of its values. A reply contains empty values as well."""
    may_be_empty = rules.ignore != validate_pb2.IGNORE_UNSPECIFIED
    if field.message_type is not None:
        if rules.ignore == validate_pb2.IGNORE_ALWAYS:  # the rules of the message do not hold here
            return {"type": "object", "title": f"Part of {field.message_type.name}"}
        return WELL_KNOWN.get(field.message_type.full_name) or reference(field.message_type)
    if field.enum_type is not None:
        names = _allowed_names(field.enum_type, rules.enum)
        if not names:
            return reference(field.enum_type)
        # Generators of code name the type by its $id.
        name = f"{field.containing_type.name}{field.name.title().replace('_', '')}Value"
        return {"$id": name, "type": "string", "enum": names}
    if field.type in INTEGERS:
        return {"type": "integer", "format": "int32", **_range(rules.int32, may_be_empty)}
    if field.type in LONGS:
        return {"type": ["string", "integer"], "format": "int64", **_range(rules.int64, may_be_empty)}
    if field.type in NUMBERS:
        return {"type": "number", "format": "double", **_range(rules.double, may_be_empty)}
    if field.type == FieldDescriptor.TYPE_BOOL:
        return {"type": "boolean"}
    if field.type == FieldDescriptor.TYPE_BYTES:
        return {"type": "string", "contentEncoding": "base64"}
    return {"type": "string", **_text(rules.string, may_be_empty)}


def _bounds(rules: Any, **keywords: str) -> dict[str, Any]:
    """Return the rules that are set, by their keywords in JSON Schema."""
    return {keyword: getattr(rules, name) for name, keyword in keywords.items() if rules.HasField(name)}


def _allowed_names(enum: EnumDescriptor, rules: validate_pb2.EnumRules) -> list[str]:
    """Return the values that a field may have, if these are not all."""
    allowed = getattr(rules, "in")
    names = [value.name for value in enum.values if value.number in allowed or not allowed]
    excluded = {value.name for value in enum.values if value.number in rules.not_in}
    return [name for name in names if name not in excluded] if allowed or excluded else []


def _range(rules: Any, may_be_empty: bool) -> dict[str, Any]:
    bounds = _bounds(rules, gte="minimum", lte="maximum", gt="exclusiveMinimum", lt="exclusiveMaximum")
    if may_be_empty:  # JSON Schema has no simple way to say "0, or at least 16"
        bounds.pop("exclusiveMinimum", None)
        bounds["minimum"] = 0
    return bounds


def _text(rules: validate_pb2.StringRules, may_be_empty: bool) -> dict[str, Any]:
    bounds = _bounds(rules, min_len="minLength", max_len="maxLength")
    if rules.uuid:
        return bounds | ({"pattern": f"^({_UUID})?$"} if may_be_empty else {"format": "uuid", "pattern": f"^{_UUID}$"})
    if rules.HasField("pattern"):
        bounds["pattern"] = f"^$|{rules.pattern}" if may_be_empty else rules.pattern
    return bounds
