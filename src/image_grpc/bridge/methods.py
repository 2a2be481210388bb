"""All unary RPCs of the API, read from the service descriptors: a new RPC needs no change here."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from google.protobuf import message_factory
from google.protobuf.descriptor import FileDescriptor, MethodDescriptor, ServiceDescriptor
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
        """Whether its request has a `request_id`, which makes the call safe to repeat."""
        return "request_id" in self.request.DESCRIPTOR.fields_by_name


def services() -> Iterator[ServiceDescriptor]:
    """Yield the services of the API in alphabetical order."""
    for module in sorted(pkgutil.iter_modules(v1.__path__), key=lambda each: each.name):
        if module.name.endswith("_service_pb2"):
            file: FileDescriptor = importlib.import_module(f"{v1.__name__}.{module.name}").DESCRIPTOR
            yield from file.services_by_name.values()


def is_unary(method: MethodDescriptor) -> bool:
    """Whether a call has one request and one response."""
    return not (method.client_streaming or method.server_streaming)


def _method(descriptor: MethodDescriptor) -> Method:
    service = descriptor.containing_service
    return Method(
        name=f"{service.name}.{descriptor.name}",
        path=f"/{service.full_name}/{descriptor.name}",
        request=message_factory.GetMessageClass(descriptor.input_type),
        response=message_factory.GetMessageClass(descriptor.output_type),
    )


METHODS: Mapping[str, Method] = {
    method.name: method
    for service in services()
    for descriptor in service.methods
    if is_unary(descriptor)
    for method in [_method(descriptor)]
}
"""By name."""
