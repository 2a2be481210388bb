"""Group commit: requests that arrive while a transaction runs share the next one."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from image_grpc.background import end_tasks

Q = TypeVar("Q")
R = TypeVar("R")

Commit = Callable[[Sequence[Q]], Awaitable[Sequence[R | Exception]]]
"""Handles a group of requests; returns the result, or the error, of each."""


class GroupCommit(Generic[Q, R]):
    """Commits groups of requests, one group after the other. A group costs little more to commit than one request."""

    def __init__(self, commit: Commit[Q, R], *, max_requests: int, max_bytes: int, size: Callable[[Q], int]) -> None:
        """A group has at most `max_requests`, and at most `max_bytes` unless it is a single request."""
        self._commit, self._size = commit, size
        self._max_requests, self._max_bytes = max_requests, max_bytes
        self._waiting: deque[tuple[Q, asyncio.Future[R]]] = deque()
        self._unfinished: set[asyncio.Future[R]] = set()
        self._committing: asyncio.Task[None] | None = None

    @property
    def unfinished(self) -> int:
        """The number of requests without a result yet."""
        return len(self._unfinished)

    async def submit(self, request: Q) -> R:
        """Commit a request with others, and return its result. Cancelling the caller does not withdraw the request."""
        result: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._unfinished.add(result)
        result.add_done_callback(self._unfinished.discard)
        self._waiting.append((request, result))
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit_all(), name="group commit")
        return await result

    async def stop(self) -> None:
        """Cancel the callers whose requests are not committed yet."""
        if self._committing is not None:
            await end_tasks([self._committing])
        self._waiting.clear()
        for result in list(self._unfinished):
            result.cancel()

    async def _commit_all(self) -> None:
        try:
            while self._waiting:
                group = self._next_group()
                try:
                    results = await self._commit([request for request, _ in group])
                except Exception as failure:
                    results = [failure] * len(group)
                for (_, future), result in zip(group, results, strict=True):
                    _set(future, result)
        finally:
            self._committing = None

    def _next_group(self) -> list[tuple[Q, asyncio.Future[R]]]:
        group, room = list[tuple[Q, asyncio.Future[R]]](), self._max_bytes
        while self._waiting and len(group) < self._max_requests:
            room -= self._size(self._waiting[0][0])
            if group and room < 0:
                break
            group.append(self._waiting.popleft())
        return group


def _set(future: asyncio.Future[R], result: R | Exception) -> None:
    if future.done():  # its caller was cancelled
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
