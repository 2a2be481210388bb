"""Properties that RabbitMQ passes on, whatever is in them, and that the client library does not take: it breaks
the connection, again and again, since the broker delivers the message again.

Any publisher could stop every consumer so. Here such a property is as if it were not there, and its message is
handled, or given up on, like any other.
"""

from __future__ import annotations

import struct
from datetime import datetime

from pamqp import decode
from pamqp.common import FieldTable

_timestamp, _table = decode.timestamp, decode.field_table


def timestamp(value: bytes) -> tuple[int, datetime | None]:
    """A time; None if it is none that Python has, such as one after the year 9999."""
    try:
        return _timestamp(value)
    except (ValueError, OverflowError, OSError):
        return 8, None


def short_text(value: bytes) -> tuple[int, str]:
    """Text; what is not UTF-8 in it is left out."""
    length = value[0]
    return 1 + length, value[1 : 1 + length].decode("utf-8", "ignore")


def text(value: bytes) -> tuple[int, str]:
    """Text in headers; what is not UTF-8 in it is left out. The library has bytes for it, which it cannot send."""
    (length,) = struct.unpack(">I", value[:4])
    return 4 + length, value[4 : 4 + length].decode("utf-8", "ignore")


def headers(value: bytes) -> tuple[int, FieldTable]:
    """Headers; none if they cannot be read."""
    try:
        return _table(value)
    except (ValueError, RecursionError):
        (length,) = struct.unpack(">I", value[:4])
        return 4 + length, {}


def be_lenient() -> None:
    """Has the client library read these so, for the whole process: it offers no other way."""
    decode.METHODS |= {"timestamp": timestamp, "shortstr": short_text, "table": headers}
    decode.TABLE_MAPPING |= {b"T": timestamp, b"S": text}
