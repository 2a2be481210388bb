"""Where logs go."""

import logging
import os
import sys
from contextlib import suppress
from typing import IO, Any, BinaryIO, TextIO, cast

import orjson
import structlog

from image_grpc.correlation import current_correlation_id

_UTC_TIME = structlog.processors.TimeStamper(fmt="iso", utc=True)
_LOCAL_TIME = structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False)


class _Stream:
    """A stream whose reader may be gone: what cannot be written is lost, so that logging never fails."""

    def __init__(self, stream: IO[Any]) -> None:
        self._stream = stream

    def write(self, text: str | bytes) -> None:
        """Write a text if possible."""
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        """Flush the stream if possible."""
        with suppress(OSError):
            self._stream.flush()


def set_up_logs(level: str) -> None:
    """Write logs to standard error: lines for people if that is a terminal, otherwise a JSON object per line.

    The fields of a line are `timestamp`, `level`, `event`, the current `correlation_id`, and those of the event.
    """
    for_people = sys.stderr.isatty()
    shared: list[structlog.types.Processor] = [
        _add_correlation_id,
        structlog.processors.add_log_level,
        _LOCAL_TIME if for_people else _UTC_TIME,
    ]
    logger_factory: structlog.PrintLoggerFactory | structlog.BytesLoggerFactory
    if for_people:
        logger_factory, rendered = structlog.PrintLoggerFactory(file=cast("TextIO", _Stream(sys.stderr))), _for_people()
        rendered_by_logging = rendered
    else:
        logger_factory = structlog.BytesLoggerFactory(file=cast("BinaryIO", _Stream(sys.stderr.buffer)))
        rendered = _as_json(structlog.processors.JSONRenderer(serializer=orjson.dumps))
        rendered_by_logging = _as_json(structlog.processors.JSONRenderer())
    structlog.configure(
        processors=[*shared, *rendered],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=logger_factory,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendered_by_logging],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Below WARNING, libraries log keys and signed URLs.
    root.setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))
    # pyvips warns about each line of a damaged picture before it raises.
    logging.getLogger("pyvips").setLevel(logging.ERROR)


def _for_people() -> list[structlog.types.Processor]:
    # The default formatter of exceptions shows local variables, which include keys.
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=not os.environ.get("NO_COLOR"), exception_formatter=plain)]


def _as_json(renderer: structlog.types.Processor) -> list[structlog.types.Processor]:
    return [structlog.processors.format_exc_info, renderer]


def _add_correlation_id(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    if correlation_id := current_correlation_id():
        event["correlation_id"] = correlation_id
    return event
