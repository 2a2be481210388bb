"""Typed operations on protobuf messages and enums."""

from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, Self, TypeVar

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp


class MessageLike(Protocol):
    """What copying and hashing need of a message. Protocols of our own messages extend it."""

    @property
    def DESCRIPTOR(self) -> Any: ...
    def CopyFrom(self, other_msg: Self, /) -> None: ...
    def ClearField(self, field_name: str, /) -> None: ...
    def SerializeToString(self, *, deterministic: bool = ...) -> bytes: ...


M = TypeVar("M", bound=MessageLike)


def clone(message: M) -> M:
    """Return a deep copy of a message."""
    copy = type(message)()
    copy.CopyFrom(message)
    return copy


def clone_without(message: M, *fields: str) -> M:
    """Return a deep copy of a message with the named fields cleared; fields that its type lacks are ignored."""
    copy = clone(message)
    for field in fields:
        if field in copy.DESCRIPTOR.fields_by_name:
            copy.ClearField(field)
    return copy


def clear_empty_messages(message: MessageLike) -> None:
    """Clear the fields that contain a message without any field."""
    for field in message.DESCRIPTOR.fields:
        if field.message_type is not None and not field.is_repeated and not getattr(message, field.name).ByteSize():
            message.ClearField(field.name)


def oneof_field(message: Message, group: str) -> str:
    """Return the name of the field that is set in a oneof. Raises ValueError if none is."""
    name: str | None = message.WhichOneof(group)
    if name is None:
        raise ValueError(f"{message.DESCRIPTOR.full_name}.{group} is not set")
    return name


def oneof_value(message: Message, group: str) -> Any:
    """Return the value of the field that is set in a oneof. Raises ValueError if none is."""
    return getattr(message, oneof_field(message, group))


def enum_label(enum: EnumTypeWrapper, value: int) -> str:
    """Return the short lower-case name of an enum value: `map` for IMAGE_TYPE_MAP, empty for UNSPECIFIED."""
    return enum.Name(value).removeprefix(enum_prefix(enum.DESCRIPTOR)).lower() if value else ""


def enum_prefix(enum: EnumDescriptor) -> str:
    """Return what the names of an enum's values begin with. By a rule of the contracts, the first is UNSPECIFIED."""
    name: str = enum.values[0].name
    return name.removesuffix("UNSPECIFIED")


def from_now(time: timedelta) -> Timestamp:
    """Return the time that is this far in the future."""
    timestamp = Timestamp()
    timestamp.FromDatetime(datetime.now(UTC) + time)
    return timestamp


def now() -> Timestamp:
    """Return the current time."""
    timestamp = Timestamp()
    timestamp.GetCurrentTime()
    return timestamp
