"""Replies that requests of this process wait for."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from tabletop.hub.v1.envelope_pb2 import Envelope

from image_grpc.errors import HubError


class PendingReplies:
    """Matches incoming replies to waiting requests by a token that is unique to each request."""

    def __init__(self) -> None:
        self._replies: dict[str, asyncio.Future[Envelope]] = {}

    @contextmanager
    def expect(self, token: str) -> Iterator[asyncio.Future[Envelope]]:
        """Accept a reply with this token within the block. The first one counts; late ones are ignored."""
        reply: asyncio.Future[Envelope] = asyncio.get_running_loop().create_future()
        self._replies[token] = reply
        try:
            yield reply
        finally:
            del self._replies[token]
            if not reply.cancel() and not reply.cancelled():
                reply.exception()  # marks it as retrieved: the request may have ended before its reply was read

    def resolve(self, token: str, envelope: Envelope) -> None:
        reply = self._replies.get(token)
        if reply is not None and not reply.done():
            reply.set_result(envelope)

    def fail(self, token: str, error: Exception) -> None:
        reply = self._replies.get(token)
        if reply is not None and not reply.done():
            reply.set_exception(error)

    def fail_all(self, message: str) -> None:
        """Let every waiting request fail with a HubError."""
        for token in self._replies:
            self.fail(token, HubError(message))
