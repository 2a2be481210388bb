"""Reads the comments of the contracts."""

from __future__ import annotations

import re
import tempfile
from functools import cache
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from tools import protos


@cache
def comments() -> dict[str, str]:
    """Return the comment of every message, field, enum value, service and RPC by full name."""
    with tempfile.NamedTemporaryFile() as image:
        protos.image(Path("protos"), Path(image.name))
        files = FileDescriptorSet.FromString(Path(image.name).read_bytes())
    by_name: dict[str, str] = {}
    for file in files.file:
        for location in file.source_code_info.location:
            name = _full_name(file, list(location.path))
            if name and location.leading_comments:
                by_name[name] = " ".join(location.leading_comments.split())
    return by_name


def _full_name(file: FileDescriptorProto, path: list[int]) -> str:
    """Return the full name of the element at a path of the compiler's source information; empty if it has none."""
    if len(path) % 2:  # a reserved statement, a package
        return ""
    names, node = [file.package], file
    for number, index in zip(path[::2], path[1::2], strict=False):
        field = node.DESCRIPTOR.fields_by_number.get(number)
        if field is None or not field.is_repeated or field.message_type is None:
            return ""  # an option
        node = getattr(node, field.name)[index]
        names.append(node.name if hasattr(node, "name") else "")
    return ".".join(names)


def comment_of(full_name: str) -> str:
    """Return the comment of an element; empty if it has none."""
    return comments().get(full_name, "")


def first_sentence(text: str) -> str:
    """Return the first sentence of a comment."""
    return re.split(r"(?<=[.])\s", text, maxsplit=1)[0]
