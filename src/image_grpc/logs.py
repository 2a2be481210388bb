"""Where logs go."""

import logging
import sys

import orjson
import structlog

from image_grpc.correlation import current_correlation_id


def set_up_logs(level: str) -> None:
    """Write logs to standard error, one JSON object per line.

    Its fields are `timestamp`, `level`, `event`, the current `correlation_id`, and those of the event.
    """
    shared: list[structlog.types.Processor] = [
        _add_correlation_id,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            *shared,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(file=sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Below WARNING, libraries log keys and signed URLs.
    root.setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))
    # pyvips warns about each line of a damaged picture before it raises.
    logging.getLogger("pyvips").setLevel(logging.ERROR)


def _add_correlation_id(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    if correlation_id := current_correlation_id():
        event["correlation_id"] = correlation_id
    return event
