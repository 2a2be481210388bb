"""Pages of lists."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Generic, Protocol, TypeVar

from google.protobuf.message import Message

from image_grpc import page_tokens
from image_grpc.errors import InvalidArgument, Violation
from image_grpc.idempotency import content_digest
from image_grpc.messages import MessageLike, clone_without

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 100
MAX_PAGE_BYTES = 3 * 1024 * 1024
"""A page ends before an item that would make it larger: clients accept 4 MiB by default."""

T = TypeVar("T")


class PageRequest(MessageLike, Protocol):
    """A List request."""

    page_size: int
    page_token: str


def page_size(request: PageRequest) -> int:
    """Return the number of items per page: the default if none is requested, and at most MAX_PAGE_SIZE."""
    return min(request.page_size or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)


def count_fitting(items: Sequence[Message]) -> int:
    """Return how many items fit into a page; at least one."""
    sizes = itertools.accumulate(item.ByteSize() for item in items)
    return max(1, sum(size <= MAX_PAGE_BYTES for size in sizes))


class Pager(Generic[T]):
    """A page of a list that is in memory as a whole. Raises InvalidArgument for a token of another list."""

    def __init__(self, request: PageRequest, items: Sequence[T]) -> None:
        self._listing = content_digest(clone_without(request, "page_size", "page_token")).encode()
        self._items = items
        self._start = self._position_in(request.page_token) if request.page_token else 0
        self._end = self._start + page_size(request)

    def page(self) -> Iterator[tuple[int, T]]:
        """Yield the items of the page, each with its position in the list."""
        return enumerate(self._items[self._start : self._end], self._start)

    def items(self) -> list[T]:
        """Return the items of the page."""
        return list(self._items[self._start : self._end])

    @property
    def next_page_token(self) -> str:
        """The token of the next page; empty on the last page."""
        return self.token_at(self._end) if self._end < len(self._items) else ""

    def token_at(self, position: int) -> str:
        """Return the token of the page that starts at a position."""
        return page_tokens.encode(str(position).encode(), listing=self._listing)

    def _position_in(self, token: str) -> int:
        try:
            position = page_tokens.decode(token, listing=self._listing)
        except page_tokens.InvalidPageToken as invalid:
            raise _invalid_token(str(invalid)) from invalid
        # Tokens are not secret, so a caller can make one with any position.
        digits = len(str(len(self._items)))
        if not position.isdigit() or len(position) > digits or not 0 < int(position) < len(self._items):
            raise _invalid_token("is past the end of the list")
        return int(position)


def _invalid_token(description: str) -> InvalidArgument:
    return InvalidArgument.of([Violation("page_token", description)])
