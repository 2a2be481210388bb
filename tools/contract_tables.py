"""Tables of the messages and enums of the contracts, in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from tools.contracts import comment_of
from tools.json_schemas import is_map, map_value, oneof_notes


def cell(text: str) -> str:
    """Return text as the content of a cell."""
    return text.replace("|", chr(92) + "|")


def comment_cell(field: FieldDescriptor) -> str:
    """Return the comment of a field as the content of a cell."""
    return cell(comment_of(field.full_name))


def enum_table(enum: EnumDescriptor) -> list[str]:
    """Return the lines of the table of an enum's values."""
    names = ((value.name, f"{enum.full_name}.{value.name}") for value in enum.values)
    rows = [f"| `{name}` | {cell(comment_of(full_name))} |" for name, full_name in names]
    return ["| value | description |", "|---|---|", *rows, ""]


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageTables:
    """How a page shows the fields of messages."""

    scalars: Mapping[int, str]
    """The names of the scalar types."""
    map_of: str
    """The type of a map; `{}` is that of its values."""
    link: Callable[[Descriptor | EnumDescriptor], str]
    """Returns the name of a message or an enum, with a link if the site describes it."""
    describe: Callable[[FieldDescriptor], str] = comment_cell

    def table(self, message: Descriptor) -> list[str]:
        """Return the lines of the table of a message's fields, and which of them exclude each other."""
        if not message.fields:
            return ["No fields.", ""]
        rows = [f"| `{field.name}` | {self.type_of(field)} | {self.describe(field)} |" for field in message.fields]
        notes = [line for note in oneof_notes(message) for line in (note, "")]
        return ["| field | type | description |", "|---|---|---|", *rows, "", *notes]

    def type_of(self, field: FieldDescriptor) -> str:
        """Return the type of a field's value."""
        if is_map(field):
            return self.map_of.format(self.type_of(map_value(field)))
        part = field.message_type or field.enum_type
        name = self.scalars[field.type] if part is None else self.link(part)
        return f"list of {name}" if field.is_repeated else name
