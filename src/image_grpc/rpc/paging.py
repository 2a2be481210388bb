"""Paged lists."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, TypeVar

from image_grpc.errors import InvalidArgument, Violation
from image_grpc.records import content_digest

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 100

T = TypeVar("T")


def page_size(request: Any) -> int:
    """How many to answer: none given is the default, too many is the most."""
    return min(request.page_size or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)


def page_of(items: Sequence[T], request: Any) -> tuple[Sequence[T], str]:
    """A page of a list that is at hand as a whole, and the token of the next one (empty on the last).

    Raises InvalidArgument for a token that was not given for this list.
    """
    start = _open(request, len(items)) if request.page_token else 0
    end = start + page_size(request)
    return items[start:end], token_at(end, request) if end < len(items) else ""


def token_at(start: int, request: Any) -> str:
    """The token of the page that begins with this item of the list that the request asks for."""
    return base64.urlsafe_b64encode(f"{_list_of(request)}:{start}".encode()).decode()


def _list_of(request: Any) -> str:
    """Tells lists apart: what a request asks for, whichever page of it."""
    asked = type(request)()
    asked.CopyFrom(request)
    asked.ClearField("page_size")
    asked.ClearField("page_token")
    return content_digest(asked)[:16]


def _open(request: Any, length: int) -> int:
    try:
        token = base64.b64decode(request.page_token, altchars=b"-_", validate=True).decode("ascii")
        list_, _, start = token.partition(":")
        if list_ == _list_of(request) and start.isdigit() and 0 < int(start) < length:
            return int(start)
    except (binascii.Error, ValueError):
        pass
    raise InvalidArgument.of([Violation("page_token", "is not one that this service gave for this list")])
