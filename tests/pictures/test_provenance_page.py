"""The commands in docs/provenance.md work."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from image_grpc.app.signing import picture_signer
from image_grpc.pictures.credentials import Generated
from image_grpc.settings import ServerSettings, load
from tests.pictures.test_signing import a_picture

PAGE = (Path(__file__).parents[2] / "docs" / "provenance.md").read_text()


def code(language: str) -> str:
    block = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[0]
    assert isinstance(block, str)
    return block


def test_a_picture_that_was_signed_with_the_test_certificate_is_trusted(tmp_path: Path) -> None:
    subprocess.run(["bash", "-euc", code("sh")], cwd=tmp_path, check=True, capture_output=True)
    files = {"c2pa_certificate": tmp_path / "chain.pem", "c2pa_key": tmp_path / "signing.key"}
    signed = picture_signer(load(ServerSettings, **files)).sign(a_picture(), Generated(model="m"))
    (tmp_path / "map.png").write_bytes(signed)
    command = [sys.executable, "-c", code("python")]
    printed = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert printed.startswith("Trusted\n")
