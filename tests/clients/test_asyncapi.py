"""The tools of AsyncAPI read docs/asyncapi.yaml, and generate code that compiles."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.clients.programs import CLIENTS, run

pytestmark = [pytest.mark.clients, pytest.mark.timeout(1200)]

TOOLS = Path(__file__).parent / "asyncapi"
DOCUMENT = CLIENTS.parent / "docs" / "asyncapi.yaml"
COMPILER = ("--noEmit", "--strict", "--module", "nodenext", "--target", "es2022")


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_the_document_is_parsed_and_its_models_compile(tmp_path: Path) -> None:
    run("npm", "ci", folder=TOOLS)
    print(run("node", "check.js", str(DOCUMENT), str(tmp_path), folder=TOOLS))
    models = sorted(map(str, tmp_path.glob("*.ts")))
    assert tmp_path / "GeneratePortraitRequest.ts" in map(Path, models)
    run("npx", "tsc", *COMPILER, *models, folder=TOOLS)
