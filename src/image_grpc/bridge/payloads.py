"""JSON payloads as other services write them: enum values by their short names in lower case."""

from __future__ import annotations

import re
from typing import Any, TypeVar

from google.protobuf import json_format
from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.message import DecodeError, Message
from tabletop.hub.v1.envelope_pb2 import Envelope

from image_grpc.bridge.calls import invalid
from image_grpc.validation import normalize_uuids, violations

M = TypeVar("M", bound=Message)


def read_request(envelope: Envelope, kind: type[M]) -> M:
    """A request's payload. A field that is not known is a mistake, which its sender wants to know of. Raises
    Failure (INVALID_ARGUMENT) that names the field."""
    return _read(envelope, kind, ignore_unknown=False)


def read_event(envelope: Envelope, kind: type[M]) -> M:
    """An event's payload, which keeps the rules of its contract. A field that is not known is of a newer
    publisher. Raises Failure (INVALID_ARGUMENT) that names the field."""
    event = _read(envelope, kind, ignore_unknown=True)
    if broken := violations(event):
        raise invalid(f"the payload is no {kind.DESCRIPTOR.name}: {broken[0].description}", broken[0].field)
    normalize_uuids(event)
    return event


def _read(envelope: Envelope, kind: type[M], *, ignore_unknown: bool) -> M:
    try:
        if envelope.WhichOneof("content") == "payload_bytes":
            return kind.FromString(envelope.payload_bytes)
        data = json_format.MessageToDict(envelope.payload)
        _name_enums(data, kind.DESCRIPTOR)
        return json_format.ParseDict(data, kind(), ignore_unknown_fields=ignore_unknown)
    except json_format.ParseError as problem:
        raise invalid(f"the payload is no {kind.DESCRIPTOR.name}: {problem}", _path(str(problem))) from problem
    except (DecodeError, ValueError) as problem:
        raise invalid(f"the payload is no {kind.DESCRIPTOR.name}: {problem}") from problem


def _name_enums(data: Any, descriptor: Any) -> None:
    """Puts the contract's names in place of short ones, for example `IMAGE_TYPE_MAP` for `map`."""
    for name, value in data.items() if isinstance(data, dict) else ():
        field = descriptor.fields_by_name.get(name) or descriptor.fields_by_camelcase_name.get(name)
        if field is None:
            continue
        if field.message_type is not None:
            for each in value if isinstance(value, list) else [value]:
                _name_enums(each, field.message_type)
        elif field.enum_type is not None:
            data[name] = (
                [_full_name(each, field.enum_type) for each in value]
                if isinstance(value, list)
                else _full_name(value, field.enum_type)
            )


def _full_name(value: Any, enum: EnumDescriptor) -> Any:
    if not isinstance(value, str):
        return value
    full = _prefix(enum) + value.upper()
    return full if full in enum.values_by_name else value


def _prefix(enum: EnumDescriptor) -> str:
    """What all its values' names begin with: by the contracts' rules, the first is `…_UNSPECIFIED`."""
    return enum.values[0].name.removesuffix("UNSPECIFIED")


def _path(problem: str) -> str:
    """The field that the JSON parser's complaint is about, for example `size.width`."""
    unknown = re.findall(r'has no field named "(\w+)"', problem)
    return ".".join(re.findall(r"Failed to parse (\w+) field", problem) + unknown)
