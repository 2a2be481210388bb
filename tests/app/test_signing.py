"""The signer that the settings describe: each problem names its setting and says what to do."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from image_grpc.app.signing import picture_signer
from image_grpc.pictures.credentials import Generated, Unsigned
from image_grpc.pictures.manifests import has_manifest
from image_grpc.settings import InvalidSettings, ServerSettings, load
from tests.cli.processes import run
from tests.pictures.certificates import Authority, key_pem, pem
from tests.pictures.test_signing import a_picture

AUTHORITY, KEY = Authority(), ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A certificate and its key, under the names of their settings."""
    paths = {"c2pa_certificate": tmp_path / "chain.pem", "c2pa_key": tmp_path / "secret-place.pem"}
    paths["c2pa_certificate"].write_bytes(pem(AUTHORITY.issue(KEY), AUTHORITY.root))
    paths["c2pa_key"].write_bytes(key_pem(KEY))
    return paths


def problem(files: dict[str, Path]) -> str:
    with pytest.raises(InvalidSettings) as invalid:
        picture_signer(load(ServerSettings, **files))
    return str(invalid.value)


def test_pictures_are_signed_with_the_configured_certificate(files: dict[str, Path]) -> None:
    signed = picture_signer(load(ServerSettings, **files)).sign(a_picture(), Generated(model="m"))
    assert has_manifest(signed)


def test_nothing_is_signed_without_a_certificate() -> None:
    signer = picture_signer(load(ServerSettings))
    assert isinstance(signer, Unsigned)
    assert signer.sign(b"picture", Generated(model="m")) == b"picture"


@pytest.mark.parametrize("setting", ["c2pa_certificate", "c2pa_key"])
def test_a_missing_file_is_reported_without_its_path(setting: str, files: dict[str, Path]) -> None:
    files[setting].unlink()
    text = problem(files)
    assert text.startswith(f"IMAGE_GRPC_{setting.upper()}: the file cannot be read (No such file or directory)")
    assert "correct the path" in text
    assert str(files[setting]) not in text


def test_a_key_of_another_certificate_is_reported(files: dict[str, Path]) -> None:
    files["c2pa_key"].write_bytes(key_pem(ec.generate_private_key(ec.SECP256R1())))
    assert problem(files).startswith("IMAGE_GRPC_C2PA_KEY: the private key does not belong to the first certificate")


def test_an_expired_certificate_is_reported(files: dict[str, Path]) -> None:
    expired = AUTHORITY.issue(KEY, end=-timedelta(days=1))
    files["c2pa_certificate"].write_bytes(pem(expired, AUTHORITY.root))
    text = problem(files)
    assert text.startswith("IMAGE_GRPC_C2PA_CERTIFICATE: the certificate expired on")
    assert text.endswith("renew it")


def test_a_certificate_without_the_purpose_is_reported(files: dict[str, Path]) -> None:
    files["c2pa_certificate"].write_bytes(pem(AUTHORITY.issue(KEY, purposes=())))
    assert problem(files).startswith("IMAGE_GRPC_C2PA_CERTIFICATE: the extended key usage of the certificate must be")


def test_a_chain_in_the_wrong_order_is_reported(files: dict[str, Path]) -> None:
    files["c2pa_certificate"].write_bytes(pem(AUTHORITY.root, AUTHORITY.issue(KEY)))
    assert "put the certificate of this key first" in problem(files)


def test_a_missing_package_is_reported(files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("image_grpc.app.signing.find_spec", lambda name: None)
    assert "install `image-grpc[c2pa]`" in problem(files)


def test_the_library_is_imported_only_with_a_certificate() -> None:
    program = (
        "import sys, image_grpc.app.server, image_grpc.app.signing as signing, image_grpc.pictures.manifests\n"
        "from image_grpc.settings import ServerSettings, load\n"
        "signing.picture_signer(load(ServerSettings))\n"
        "print('c2pa' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


async def test_the_doctor_examines_the_certificate(files: dict[str, Path]) -> None:
    environment = {f"IMAGE_GRPC_{name.upper()}": str(path) for name, path in files.items()}
    for days, level in ((30, "ok"), (3, "warning"), (-1, "error")):
        files["c2pa_certificate"].write_bytes(pem(AUTHORITY.issue(KEY, end=timedelta(days=days))))
        _, out, _ = await run("doctor", **environment)
        [line] = [line for line in out.splitlines() if "C2PA" in line]
        assert level in line
