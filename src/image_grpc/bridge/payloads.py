"""Decodes payloads. In JSON, enum values may be given by their short lower-case names."""

import re
from typing import TypeVar

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, EnumDescriptor
from google.protobuf.message import DecodeError, Message
from tabletop.hub.v1.envelope_pb2 import Envelope

from image_grpc.bridge.errors import CallError, invalid_argument
from image_grpc.hub.envelope import JsonValue
from image_grpc.messages import enum_prefix
from image_grpc.validation import find_violations, normalize_uuids

M = TypeVar("M", bound=Message)


def decode_request(envelope: Envelope, message_type: type[M]) -> M:
    """Return a request's payload. Raises CallError that names the invalid field; unknown fields are invalid."""
    return _decode(envelope, message_type, ignore_unknown_fields=False)


def decode_event(envelope: Envelope, message_type: type[M], *, ignore_unknown_fields: bool) -> M:
    """Return an event's valid payload. Raises CallError that names the invalid field."""
    event = _decode(envelope, message_type, ignore_unknown_fields=ignore_unknown_fields)
    if violations := find_violations(event):
        raise _invalid_payload(message_type, violations[0].description, violations[0].field)
    normalize_uuids(event)
    return event


def _decode(envelope: Envelope, message_type: type[M], *, ignore_unknown_fields: bool) -> M:
    try:
        if envelope.WhichOneof("content") == "payload_bytes":
            return message_type.FromString(envelope.payload_bytes)
        data: dict[str, JsonValue] = json_format.MessageToDict(envelope.payload)
        _expand_enums(data, message_type.DESCRIPTOR)  # type: ignore[arg-type]  # the stubs name two classes
        return json_format.ParseDict(data, message_type(), ignore_unknown_fields=ignore_unknown_fields)
    except (json_format.ParseError, DecodeError, ValueError) as error:
        raise _invalid_payload(message_type, str(error), _field_path(str(error))) from error


def _invalid_payload(message_type: type[Message], problem: str, field: str) -> CallError:
    return invalid_argument(f"the payload is not a valid {message_type.DESCRIPTOR.name}: {problem}", field)


def _expand_enums(data: JsonValue, descriptor: Descriptor) -> None:
    """Replace short enum names by those of the contract, for example `map` by `IMAGE_TYPE_MAP`."""
    if not isinstance(data, dict):
        return
    for name, value in data.items():
        field = descriptor.fields_by_name.get(name) or descriptor.fields_by_camelcase_name.get(name)
        values = value if isinstance(value, list) else [value]
        if field is not None and field.message_type is not None:
            for each in values:
                _expand_enums(each, field.message_type)
        elif field is not None and field.enum_type is not None:
            full_names = [_full_name(each, field.enum_type) for each in values]
            data[name] = full_names if isinstance(value, list) else full_names[0]


def _full_name(value: JsonValue, enum: EnumDescriptor) -> JsonValue:
    full_name = f"{enum_prefix(enum)}{value}".upper()
    return full_name if full_name in enum.values_by_name else value


def _field_path(parse_error: str) -> str:
    """Return the field that the JSON parser rejected, for example `size.width`."""
    unknown = re.findall(r'has no field named "(\w+)"', parse_error)
    return ".".join(re.findall(r"Failed to parse (\w+) field", parse_error) + unknown)
