"""Innermost stage: the contract's own rules."""

from google.protobuf.message import DecodeError, Message

from image_grpc.errors import InvalidArgument
from image_grpc.rpc.interceptors.call import Call, Next, Request
from image_grpc.validation import find_violations, normalize_uuids


def validate(following: Next) -> Next:
    """Deserialize the request and refuse it if it breaks rules of the contract; the error lists all violations.

    Handlers validate streams of requests themselves.
    """

    async def stage(call: Call, request: Request) -> Message | None:
        if call.deserialize is None or not isinstance(request, bytes):
            return await following(call, request)
        try:
            message = call.deserialize(request)
        except (DecodeError, ValueError) as error:
            raise InvalidArgument("the request is not a message of the method's type") from error
        normalize_uuids(message)
        if violations := find_violations(message):
            raise InvalidArgument.of(violations)
        return await following(call, message)

    return stage
