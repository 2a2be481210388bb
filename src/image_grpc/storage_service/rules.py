"""Rules for requests that their contract does not state."""

from collections.abc import Iterator

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from tabletop.storage.v1.record_pb2 import DESCRIPTOR as CONTRACT

from image_grpc.storage_service.errors import InvalidField


def check_text(request: Message) -> None:
    """Raise InvalidField for the first text with a NUL character, which not every database can store."""
    for path in _texts_with_nul(request, ""):
        raise InvalidField(path, "must not contain NUL characters")


def _texts_with_nul(message: Message, prefix: str) -> Iterator[str]:
    for field, value in message.ListFields():
        path = f"{prefix}{field.name}"
        values = [(f"{path}[{index}]", each) for index, each in enumerate(value)] if field.is_repeated else None
        for each_path, each in values if values is not None else [(path, value)]:
            if field.type == FieldDescriptor.TYPE_STRING and "\0" in each:
                yield each_path
            elif field.message_type is not None and field.message_type.file.package == CONTRACT.package:
                yield from _texts_with_nul(each, f"{each_path}.")
