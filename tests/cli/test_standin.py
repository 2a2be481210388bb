"""`image-grpc standin` without the distribution that implements it."""

from __future__ import annotations

import sys

import pytest
from click.testing import CliRunner

from image_grpc.cli import main


def test_it_names_the_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "getimg_standin.cli", None)
    result = CliRunner().invoke(main, ["standin", "--latency", "0"])
    assert result.exit_code == 1
    assert "pip install 'image-grpc[standin]'" in result.output
