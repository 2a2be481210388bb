"""Works around pamqp raising on malformed AMQP properties.

RabbitMQ passes such properties on unchecked. aio-pika then drops the connection, reconnects, and receives the same
message again: a single publisher could stop every consumer. With the patch a malformed property is treated as
missing, and the message is handled or dead-lettered like any other. To be reported upstream:
https://github.com/gmr/pamqp/issues
"""

import struct
from datetime import datetime
from importlib.metadata import version

import structlog
from pamqp import decode
from pamqp.common import FieldTable

log = structlog.get_logger(__name__)

SUPPORTED_VERSION = "4."  # prefix


def apply() -> None:
    """Patch pamqp for this process; applying it again changes nothing. pamqp offers no option for this."""
    if not version("pamqp").startswith(SUPPORTED_VERSION):
        log.warning("pamqp not patched", version=version("pamqp"))
        return
    decode.METHODS |= {"timestamp": decode_timestamp, "shortstr": decode_short_string, "table": decode_table}
    decode.TABLE_MAPPING |= {b"T": decode_timestamp, b"S": decode_long_string}


def decode_timestamp(value: bytes) -> tuple[int, datetime | None]:
    """Decode a timestamp; None if Python cannot represent it, for example after the year 9999."""
    try:
        return decode.timestamp(value)
    except (ValueError, OverflowError, OSError):
        return 8, None


def decode_short_string(value: bytes) -> tuple[int, str]:
    """Decode a short string without its invalid UTF-8 bytes."""
    length = value[0]
    return 1 + length, value[1 : 1 + length].decode("utf-8", "ignore")


def decode_long_string(value: bytes) -> tuple[int, str]:
    """Decode a header's text without its invalid UTF-8 bytes. pamqp returns bytes for it, which it cannot send."""
    (length,) = struct.unpack(">I", value[:4])
    return 4 + length, value[4 : 4 + length].decode("utf-8", "ignore")


def decode_table(value: bytes) -> tuple[int, FieldTable]:
    """Decode headers; empty if they are malformed."""
    try:
        return decode.field_table(value)
    except (ValueError, RecursionError):
        (length,) = struct.unpack(">I", value[:4])
        return 4 + length, {}
