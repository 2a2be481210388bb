"""Failed calls as errors of a command: text or JSON, and exit codes that scripts can tell apart."""

import json
from typing import IO, Any

import click
import grpc
from google.protobuf import json_format
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from image_grpc.cli.output import printable

EXIT_CODES = {
    grpc.StatusCode.INVALID_ARGUMENT: 2,
    grpc.StatusCode.OUT_OF_RANGE: 2,
    grpc.StatusCode.NOT_FOUND: 3,
    grpc.StatusCode.UNAUTHENTICATED: 4,
    grpc.StatusCode.PERMISSION_DENIED: 4,
    grpc.StatusCode.ALREADY_EXISTS: 5,
    grpc.StatusCode.ABORTED: 5,
    grpc.StatusCode.FAILED_PRECONDITION: 5,
    grpc.StatusCode.UNAVAILABLE: 6,
    grpc.StatusCode.DEADLINE_EXCEEDED: 6,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 6,
}
"""Exit codes by status; all others are 1."""
EXIT_CODE_HELP = """\b
Exit codes:
  0  done
  1  failed, for instance a generation
  2  wrong options or arguments
  3  does not exist
  4  not permitted, or no valid key
  5  in conflict with what exists
  6  unavailable, overloaded or too slow: try again"""

_HINTS = {
    grpc.StatusCode.UNAVAILABLE: "Is the service running? `image-grpc up` starts one; --target selects another.",
    grpc.StatusCode.UNAUTHENTICATED: "Send a key: --api-key-file names the file with it.",
    grpc.StatusCode.DEADLINE_EXCEEDED: "The service did not respond in time; see `image-grpc status`.",
}


class RpcFailure(click.ClickException):
    """A call that failed."""

    def __init__(self, error: Any, *, as_json: bool) -> None:  # the type of RPC errors lacks code() and details()
        super().__init__(_text(error))
        self._error, self._as_json = error, as_json
        self.exit_code = EXIT_CODES.get(error.code(), 1)  # type: ignore[misc]  # click declares a class variable

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the error, in the form of the output."""
        if self._as_json:
            click.echo(json.dumps({"error": _as_dict(self._error)}), err=True)
        else:
            super().show(file)


def _details(error: Any) -> tuple[error_details_pb2.ErrorInfo, error_details_pb2.BadRequest]:
    info, violations = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    status = rpc_status.from_call(error)
    for detail in status.details if status is not None else ():
        _ = detail.Unpack(info) or detail.Unpack(violations)
    return info, violations


def _text(error: Any) -> str:
    info, violations = _details(error)
    code = error.code().name
    reason = f" ({info.reason})" if info.reason not in ("", code) else ""
    fields = [f"  {each.field}: {each.description}" for each in violations.field_violations]
    # The message repeats the fields.
    lines = [f"{code}{reason}:", *fields] if fields else [f"{code}{reason}: {error.details()}"]
    lines += [hint] if (hint := _HINTS.get(error.code())) else []
    return printable("\n".join(lines))


def _as_dict(error: Any) -> dict[str, Any]:
    info, violations = _details(error)
    parts: dict[str, Any] = {"code": error.code().name, "reason": info.reason, "message": error.details()}
    if info.metadata:
        parts["metadata"] = dict(info.metadata)
    if violations.field_violations:
        fields = json_format.MessageToDict(violations, preserving_proto_field_name=True)
        parts["field_violations"] = fields["field_violations"]
    return parts
