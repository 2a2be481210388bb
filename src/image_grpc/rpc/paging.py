"""Paged lists."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, TypeVar

from image_grpc.errors import InvalidArgument, Violation

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 100

T = TypeVar("T")


def page_size(request: Any) -> int:
    """How many to answer: none given is the default, too many is the most."""
    return min(request.page_size or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)


def page_of(items: Sequence[T], request: Any) -> tuple[Sequence[T], str]:
    """A page of a list that is at hand as a whole, and the token of the next one (empty on the last).

    Raises InvalidArgument for a token that is not ours.
    """
    start = _open(request.page_token, len(items)) if request.page_token else 0
    end = start + page_size(request)
    return items[start:end], token_at(end) if end < len(items) else ""


def token_at(start: int) -> str:
    """The token of the page that begins with this item."""
    return base64.urlsafe_b64encode(f"at:{start}".encode()).decode()


def _open(token: str, length: int) -> int:
    try:
        kind, _, start = base64.b64decode(token, altchars=b"-_", validate=True).decode("ascii").partition(":")
        if kind == "at" and start.isdigit() and 0 < int(start) < length:
            return int(start)
    except (binascii.Error, ValueError):
        pass
    raise InvalidArgument.of([Violation("page_token", "is not one that this service gave")])
