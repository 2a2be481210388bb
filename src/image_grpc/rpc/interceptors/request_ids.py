"""Stage: request id and correlation id."""

import re
import uuid

from google.protobuf.message import Message

from image_grpc.correlation import correlated
from image_grpc.rpc.interceptors.call import CORRELATION_ID, REQUEST_ID, Call, Next, Request

_VALID_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def adopt_ids(following: Next) -> Next:
    """Adopt the caller's ids, or create them; return them in the trailers and hand them on to all that follows."""

    async def stage(call: Call, request: Request) -> Message | None:
        call.request_id = _valid_or(call.metadata.get(REQUEST_ID), default="") or str(uuid.uuid4())
        call.correlation_id = _valid_or(call.metadata.get(CORRELATION_ID), default=call.request_id)
        call.context.set_trailing_metadata(call.id_metadata())
        with correlated(call.correlation_id):
            return await following(call, request)

    return stage


def _valid_or(id_: str | bytes | None, *, default: str) -> str:
    return id_ if isinstance(id_, str) and _VALID_ID.fullmatch(id_) else default
