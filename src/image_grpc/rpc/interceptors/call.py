"""A call in progress, and the types of the stages around it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from google.protobuf.message import Message
from tabletop.image.v1.audit_pb2 import AuditedCall

from image_grpc.access import UNKNOWN, Caller
from image_grpc.rpc import Context

REQUEST_ID = "x-request-id"
CORRELATION_ID = "x-correlation-id"


@dataclass(slots=True)
class Call:
    """One call in progress."""

    method: str
    """For example `tabletop.image.v1.ImageService/GetImage`."""
    context: Context
    metadata: Mapping[str, str]
    authorizations: Sequence[str]
    """The values of the metadata `authorization`, which `metadata` would reduce to one."""
    streaming: bool
    """Whether the response is a stream."""
    request_streaming: bool
    """Whether the request is a stream."""
    deserialize: Callable[[bytes], Message]
    """Deserializes the request, or each message of a stream."""
    request_id: str = ""
    correlation_id: str = ""
    caller: Caller = UNKNOWN
    """The caller, once it is known."""

    def audited(self) -> AuditedCall:
        """Return the call as the audit log names it."""
        return AuditedCall(
            caller=self.caller.name,
            service=self.caller.service,
            method=self.method.rpartition(".")[2].replace("/", "."),
            request_id=self.request_id,
            correlation_id=self.correlation_id,
        )

    def id_metadata(self) -> tuple[tuple[str, str], ...]:
        """Return the metadata that every response carries."""
        return ((REQUEST_ID, self.request_id), (CORRELATION_ID, self.correlation_id))


Request = bytes | Message | AsyncIterator[bytes | Message]
"""A message or a stream of messages; serialized until they are decoded."""
Next = Callable[[Call, Request], Awaitable[Message | None]]
"""The following stages and the handler. Returns None for a response stream, whose messages are written."""
Stage = Callable[[Next], Next]
