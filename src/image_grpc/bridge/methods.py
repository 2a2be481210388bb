"""Every unary RPC of the API, as its service descriptors have it: a new one needs no line here."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from tabletop.image import v1


@dataclass(frozen=True, kw_only=True, slots=True)
class Method:
    """A unary RPC."""

    name: str
    """For example `ImageService.GetImage`."""
    path: str
    """For example `/tabletop.image.v1.ImageService/GetImage`."""
    request: type[Message]
    response: type[Message]

    @property
    def takes_request_id(self) -> bool:
        """Whether its request has a `request_id`, so that it can be sent again."""
        return "request_id" in self.request.DESCRIPTOR.fields_by_name


def services() -> Iterator[ServiceDescriptor]:
    """The services of the API, by name."""
    for module in sorted(pkgutil.iter_modules(v1.__path__), key=lambda each: each.name):
        if module.name.endswith("_service_pb2"):
            descriptor: Any = importlib.import_module(f"{v1.__name__}.{module.name}").DESCRIPTOR
            yield from descriptor.services_by_name.values()


def is_unary(method: MethodDescriptor) -> bool:
    """Whether one request gets one answer."""
    return not (method.client_streaming or method.server_streaming)


def _method(method: MethodDescriptor) -> Method:
    service = method.containing_service
    return Method(
        name=f"{service.name}.{method.name}",
        path=f"/{service.full_name}/{method.name}",
        request=message_factory.GetMessageClass(method.input_type),
        response=message_factory.GetMessageClass(method.output_type),
    )


METHODS: Mapping[str, Method] = {
    made.name: made
    for service in services()
    for method in service.methods
    if is_unary(method)
    for made in [_method(method)]
}
"""By name."""

BY_REQUEST: Mapping[type[Message], Method] = {method.request: method for method in METHODS.values()}
"""By the type of its request, which no other has."""
