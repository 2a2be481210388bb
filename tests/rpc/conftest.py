from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from image_grpc.telemetry import set_up_logs


@pytest.fixture
def log_lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What was logged so far, as an operator of the service gets it: a JSON object a line on standard error."""
    root, configured = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    written = io.BytesIO()
    stderr = io.TextIOWrapper(written, write_through=True)
    monkeypatch.setattr(sys, "stderr", stderr)
    set_up_logs("INFO")
    # Loggers are made once and used by all tests: they must not keep this one's standard error.
    structlog.configure(cache_logger_on_first_use=False)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    structlog.configure(**configured)
    root.handlers[:] = handlers
    root.setLevel(level)
