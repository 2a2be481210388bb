"""Where logs go."""

import logging
import os
import sys
from typing import Any

import orjson
import structlog

from image_grpc.correlation import current_correlation_id


def set_up_logs(level: str) -> None:
    """Write logs to standard error: lines for people if that is a terminal, otherwise a JSON object per line.

    The fields of a line are `timestamp`, `level`, `event`, the current `correlation_id`, and those of the event.
    """
    for_people = sys.stderr.isatty()
    shared: list[structlog.types.Processor] = [
        _add_correlation_id,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False) if for_people else _UTC_TIME,
    ]
    factory: Any = structlog.BytesLoggerFactory(file=sys.stderr.buffer)
    structlog.configure(
        processors=[*shared, *(_rendered_for_people() if for_people else _rendered_as_json(orjson.dumps))],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr) if for_people else factory,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *(_rendered_for_people() if for_people else _rendered_as_json()),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Below WARNING, libraries log keys and signed URLs.
    root.setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))
    # pyvips warns about each line of a damaged picture before it raises.
    logging.getLogger("pyvips").setLevel(logging.ERROR)


_UTC_TIME = structlog.processors.TimeStamper(fmt="iso", utc=True)


def _rendered_for_people() -> list[structlog.types.Processor]:
    return [structlog.dev.ConsoleRenderer(colors="NO_COLOR" not in os.environ)]


def _rendered_as_json(*serializer: Any) -> list[structlog.types.Processor]:
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(*serializer)]


def _add_correlation_id(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    if correlation_id := current_correlation_id():
        event["correlation_id"] = correlation_id
    return event
