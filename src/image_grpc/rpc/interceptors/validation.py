"""Innermost stage: checks the contract's own rules."""

from google.protobuf.message import Message

from image_grpc.errors import InvalidArgument
from image_grpc.rpc.interceptors.call import Call, Next, Request
from image_grpc.validation import find_rule_violations, normalize_uuids, too_long_lists


def validate(following: Next) -> Next:
    """Refuse a request that breaks rules of the contract; the error lists all violations.

    Handlers validate streams of requests themselves.
    """

    async def stage(call: Call, request: Request) -> Message | None:
        if isinstance(request, Message):
            if violations := list(too_long_lists(request)):
                raise InvalidArgument.of(violations)
            normalize_uuids(request)
            if violations := await find_rule_violations(request):
                raise InvalidArgument.of(violations)
        return await following(call, request)

    return stage
