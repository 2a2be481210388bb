"""Generates docs/reference: the RPCs, messages, enums and error reasons of the contracts.

python -m tools.api_reference FOLDER     writes the pages into a folder
"""

from __future__ import annotations

import pkgutil
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

from google.protobuf.descriptor import (
    Descriptor,
    EnumDescriptor,
    FieldDescriptor,
    FileDescriptor,
    MethodDescriptor,
    ServiceDescriptor,
)
from tabletop.image import v1
from tabletop.image.v1.error_reason_pb2 import ErrorReason

from image_grpc.access import required_role, role_label
from image_grpc.bridge.client import services
from tools.contract_tables import MessageTables, cell, enum_table
from tools.contracts import comment_of, first_sentence
from tools.json_schemas import WELL_KNOWN, is_required

GENERATED = "<!-- Generated from protos/ by `make docs`. -->"

ELSEWHERE = {"model": "generation"}
"""Files that are on the page of a service with another name."""
TYPES = "types"
"""The page of the files that belong to no service."""

INDEX = """# API reference

The package `tabletop.image.v1`, as the contracts in [`protos/`](../../protos/tabletop/image/v1) define it. All services
are on the same port. A caller needs the [role](types.md#role) of the RPC, or one that includes it
([who may call](../security.md#who-may-call)).

- *Timestamp*, *Duration* and *FieldMask* are messages of `google.protobuf`. A UUID is a string of 36 characters.
- A field that is not marked as **required** may be left out; its description names the default.
- [Error reasons](errors.md) tell programs why a call failed; the comment of a service says which of its RPCs fail with
  what. [Errors and retries](../guides/errors-and-retries.md) shows how to read them.
- What services can do over RabbitMQ instead is in [the hub](../hub.md).
"""

ERRORS = """# Error reasons

{comment} [Errors and retries](../guides/errors-and-retries.md) shows how to read a reason, and what to do.

| reason | status of gRPC, and when |
|---|---|"""

PREFIX = "ERROR_REASON_"


def pages() -> dict[str, str]:
    """Return the content of each page by the name of its file."""
    texts = {"index": [INDEX, *_index()], "errors": _errors(), TYPES: _page(TYPES, "Shared types")}
    for service in _services():
        texts[_page_of(service.file)] = _page(_page_of(service.file), service.name, service)
    return {f"{page}.md": "\n".join([GENERATED, "", *lines]).rstrip() + "\n" for page, lines in texts.items()}


def _index() -> Iterator[str]:
    for service in _services():
        page = _page_of(service.file)
        yield from (f"## [{service.name}]({page}.md)", "", "| RPC | role | |", "|---|---|---|")
        for method in service.methods:
            summary = cell(first_sentence(comment_of(method.full_name)))
            yield f"| [{method.name}]({page}.md#{_anchor(method)}) | {_role(method)} | {summary} |"
        yield ""


def _errors() -> list[str]:
    lines = [ERRORS.format(comment=comment_of(ErrorReason.DESCRIPTOR.full_name))]
    for value in ErrorReason.DESCRIPTOR.values:
        if value.number:
            reason = value.name.removeprefix(PREFIX)
            comment = comment_of(f"{ErrorReason.DESCRIPTOR.full_name}.{value.name}")
            when = re.sub(r"\b([A-Z]+(?:_[A-Z]+)*)(?=[:,] )", r"`\1`", comment)
            lines.append(f'| <a id="{reason.lower()}"></a>`{reason}` | {cell(when)} |')
    return lines


def _page(page: str, title: str, service: ServiceDescriptor | None = None) -> list[str]:
    lines = [f"# {title}", ""]
    if service is not None:
        comment = comment_of(service.full_name).replace(" Errors of ", "\n\nErrors of ")
        lines += [_linked(comment), "", "## RPCs", ""]
        for method in service.methods:
            lines += _method(method)
    parts = [part for part in _parts() if _page_of(part.file) == page and part.full_name not in _of_methods()]
    if service is not None and parts:
        lines += ["## Messages and enums", ""]
    heading = "##" if service is None else "###"
    for part in parts:
        lines += [f"{heading} {part.name}", "", *_part(part)]
    return lines


def _method(method: MethodDescriptor) -> list[str]:
    kinds = {
        (False, False): "",
        (True, False): "The request is a stream.",
        (False, True): "The response is a stream.",
        (True, True): "Request and response are streams.",
    }
    facts = f"Role: {_role(method)}. {kinds[method.client_streaming, method.server_streaming]}".rstrip()
    lines = [f"### {method.name}", "", _linked(comment_of(method.full_name)), "", facts, ""]
    for message in (method.input_type, method.output_type):
        comment = comment_of(message.full_name)
        details = comment.removeprefix(first_sentence(comment)).strip()  # the first sentence names the RPC
        lines += [f"#### {message.name}", "", *([_linked(details), ""] if details else []), *TABLES.table(message)]
    return lines


def _part(part: Descriptor | EnumDescriptor) -> list[str]:
    table = enum_table(part) if isinstance(part, EnumDescriptor) else TABLES.table(part)
    return [_linked(comment_of(part.full_name)), "", *table]


def _role(method: MethodDescriptor) -> str:
    return role_label(required_role(f"{method.containing_service.full_name}/{method.name}"))


@cache
def _services() -> tuple[ServiceDescriptor, ...]:
    return tuple(services())


@cache
def _parts() -> tuple[Descriptor | EnumDescriptor, ...]:
    """Return the messages and enums of all pages, by name."""
    parts: dict[str, Descriptor | EnumDescriptor] = {}
    for module in pkgutil.iter_modules(v1.__path__):
        if module.name.endswith("_pb2"):
            file: FileDescriptor = import_module(f"{v1.__name__}.{module.name}").DESCRIPTOR
            parts |= dict(file.message_types_by_name) | dict(file.enum_types_by_name)
    del parts[ErrorReason.DESCRIPTOR.name]  # has a page of its own
    return tuple(parts[name] for name in sorted(parts))


@cache
def _of_methods() -> frozenset[str]:
    """Return the full names of the requests and responses, which are next to their RPCs."""
    methods = [method for service in _services() for method in service.methods]
    return frozenset(type_.full_name for method in methods for type_ in (method.input_type, method.output_type))


def _page_of(file: FileDescriptor) -> str:
    """Return the page of a file: that of the service whose name its name begins with."""
    stem = Path(file.name).stem
    stem = ELSEWHERE.get(stem, stem)
    names = [Path(service.file.name).stem.removesuffix("_service") for service in _services()]
    matching = [name for name in names if f"{stem}_".startswith(f"{name}_")]
    return f"{max(matching, key=len)}_service".replace("_", "-") if matching else TYPES


@cache
def _methods() -> dict[str, str]:
    """Return the address of each RPC by its name in comments, for example `ThemeService.GetTheme`."""
    return {
        f"{service.name}.{method.name}": f"{_page_of(service.file)}.md#{_anchor(method)}"
        for service in _services()
        for method in service.methods
    }


def _anchor(element: Descriptor | EnumDescriptor | MethodDescriptor) -> str:
    return element.name.lower()


def _link(part: Descriptor | EnumDescriptor) -> str:
    if part.full_name in WELL_KNOWN:
        return part.name
    return f"[{part.name}]({_page_of(part.file)}.md#{_anchor(part)})"


def _linked(text: str) -> str:
    """Return a comment with links to the RPCs and reasons that it names."""
    reasons = {name.removeprefix(PREFIX) for name in ErrorReason.DESCRIPTOR.values_by_name}
    text = re.sub(r"\b\w+Service\.\w+\b", lambda name: _method_link(name[0]), text)
    return re.sub(
        r"reason `(\w+)`",
        lambda name: f"reason [`{name[1]}`](errors.md#{name[1].lower()})" if name[1] in reasons else name[0],
        text,
    )


def _method_link(name: str) -> str:
    return f"[{name}]({_methods()[name]})" if name in _methods() else name


def _description(field: FieldDescriptor) -> str:
    comment = comment_of(field.full_name)
    if is_required(field):
        comment = f"**Required.** {re.sub(r' Required[.]', '', comment)}"
    return cell(_linked(comment))


TABLES = MessageTables(
    scalars={
        FieldDescriptor.TYPE_STRING: "string",
        FieldDescriptor.TYPE_BOOL: "bool",
        FieldDescriptor.TYPE_BYTES: "bytes",
        FieldDescriptor.TYPE_DOUBLE: "double",
        FieldDescriptor.TYPE_INT32: "int32",
        FieldDescriptor.TYPE_INT64: "int64",
    },
    map_of="map of string to {}",
    link=_link,
    describe=_description,
)


if __name__ == "__main__":
    [folder] = map(Path, sys.argv[1:])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text)
