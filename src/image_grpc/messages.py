"""Typed helpers for protobuf messages."""

from __future__ import annotations

from typing import Any, TypeVar

from google.protobuf.message import Message

M = TypeVar("M", bound=Message)


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


def oneof_field(message: Message, group: str) -> str:
    """Return the name of the field that is set in a oneof. Raises ValueError if none is."""
    name: str | None = message.WhichOneof(group)
    if name is None:
        raise ValueError(f"{message.DESCRIPTOR.full_name}.{group} is not set")
    return name


def oneof_value(message: Message, group: str) -> Any:
    """Return the value of the field that is set in a oneof. Raises ValueError if none is."""
    return getattr(message, oneof_field(message, group))
