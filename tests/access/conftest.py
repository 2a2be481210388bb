"""Settings of all tests of callers."""

from __future__ import annotations

import pytest

from image_grpc import reloading_file


@pytest.fixture(autouse=True)
def _reload_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reloading_file, "CHECK_SECONDS", 0.0)
