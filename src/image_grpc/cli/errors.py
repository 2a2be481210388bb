"""Failed calls as errors of a command: text or JSON, and exit codes that scripts can tell apart."""

import json
from dataclasses import asdict
from typing import IO, Any

import click
import grpc

from image_grpc.cli.output import printable
from image_grpc_client import Failure, failure_of

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

    def __init__(self, error: grpc.RpcError, *, as_json: bool) -> None:
        failure = failure_of(error)
        super().__init__(_text(failure))
        self._failure, self._as_json = failure, as_json
        self.exit_code = EXIT_CODES.get(failure.code, 1)  # type: ignore[misc]  # click declares a class variable

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the error, in the form of the output."""
        if self._as_json:
            click.echo(json.dumps({"error": _as_dict(self._failure)}), err=True)
        else:
            super().show(file)


def _text(failure: Failure) -> str:
    code = failure.code.name
    reason = f" ({failure.reason})" if failure.reason not in ("", code) else ""
    fields = [f"  {each.field}: {each.description}" for each in failure.violations]
    # The message repeats the fields.
    lines = [f"{code}{reason}:", *fields] if fields else [f"{code}{reason}: {failure.message}"]
    lines += [hint] if (hint := _HINTS.get(failure.code)) else []
    return printable("\n".join(lines))


def _as_dict(failure: Failure) -> dict[str, Any]:
    parts: dict[str, Any] = {"code": failure.code.name, "reason": failure.reason, "message": failure.message}
    if failure.metadata:
        parts["metadata"] = failure.metadata
    if failure.violations:
        parts["field_violations"] = [asdict(violation) for violation in failure.violations]
    return parts
