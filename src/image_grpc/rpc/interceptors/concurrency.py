"""Stage: limits of concurrent calls."""

from google.protobuf.message import Message

from image_grpc.rpc.admission import CallAdmission, CallLimits, peer_key
from image_grpc.rpc.interceptors.call import Call, Next, Request, Stage


def limit_concurrency(limits: CallLimits) -> Stage:
    """Return the stage that refuses calls beyond these numbers of concurrent ones, or beyond the share of a peer."""
    admission = CallAdmission(limits)

    def wrap(following: Next) -> Next:
        async def stage(call: Call, request: Request) -> Message | None:
            with admission.admit(peer_key(call.context.peer()), stream=call.streaming or call.request_streaming):
                return await following(call, request)

        return stage

    return wrap
