"""Stage: the limits of the caller."""

from google.protobuf.message import Message

from image_grpc.quotas import CallerQuotas, limited
from image_grpc.rpc.interceptors.call import Call, Next, Request, Stage


def limit_caller(quotas: CallerQuotas) -> Stage:
    """Return the stage that refuses calls beyond the limits of their caller, and passes these on."""

    def wrap(following: Next) -> Next:
        async def stage(call: Call, request: Request) -> Message | None:
            caller = quotas.of(call.caller.name)
            if caller is None:
                return await following(call, request)
            async with quotas.admit(caller, stream=call.streaming or call.request_streaming):
                with limited(caller):
                    return await following(call, request)

        return stage

    return wrap
