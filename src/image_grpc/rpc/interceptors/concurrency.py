"""Stage: limit of concurrent calls."""

from google.protobuf.message import Message

from image_grpc.errors import Overloaded
from image_grpc.retry import SOON
from image_grpc.rpc.interceptors.call import Call, Next, Request, Stage


def limit_concurrency(limit: int) -> Stage:
    """Return the stage that refuses calls beyond this number of concurrent ones."""
    in_progress = 0

    def wrap(following: Next) -> Next:
        async def stage(call: Call, request: Request) -> Message | None:
            nonlocal in_progress
            if in_progress >= limit:
                raise Overloaded(f"too many concurrent calls (limit {limit})", retry_delay=SOON)
            in_progress += 1
            try:
                return await following(call, request)
            finally:
                in_progress -= 1

        return stage

    return wrap
