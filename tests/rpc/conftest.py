from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio
import structlog

from image_grpc.logs import set_up_logs
from tests.service import Service, service


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    async with service(tmp_path_factory.mktemp("rpc")) as it:
        yield it


@pytest.fixture
def log_lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Return a function that parses the JSON lines logged to standard error so far."""
    root, configured = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    written = io.BytesIO()
    stderr = io.TextIOWrapper(written, write_through=True)
    monkeypatch.setattr(sys, "stderr", stderr)
    set_up_logs("INFO")
    # A cached logger would keep writing to this test's standard error in later tests.
    structlog.configure(cache_logger_on_first_use=False)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    structlog.configure(**configured)
    root.handlers[:] = handlers
    root.setLevel(level)
