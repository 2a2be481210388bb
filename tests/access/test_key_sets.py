"""Key sets with keys that this service cannot use (RFC 7517, section 5)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import OctKey, OKPKey, RSAKey
from structlog.testing import capture_logs

from image_grpc.access import key_sets
from image_grpc.access.json_web_keys import KeySetParser
from image_grpc.settings import InvalidSettings
from tests.access.calls import jwt_settings, list_themes, refused, signing_key, token
from tests.access.key_servers import file_server
from tests.service import service
from tests.statuses import failed_call

EC = signing_key("unusable").as_dict(private=False)
RSA = RSAKey.generate_key(2048, {"kid": "unusable"}).as_dict(private=False)


def changed(key: Mapping[str, Any], **members: Any) -> dict[str, Any]:
    return {name: value for name, value in {**key, **members}.items() if value is not None}


UNUSABLE = {
    "an unknown curve": changed(EC, crv="BP-256"),
    "an unknown curve of an unknown pairing": {"kty": "OKP", "crv": "BLS12381G2", "x": "AAAA", "kid": "unusable"},
    "an unknown type": {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA", "kid": "unusable"},
    "a type that is no text": changed(EC, kty=["EC"]),
    "no type": changed(EC, kty=None),
    "an unknown use": changed(EC, use="signing"),
    "a key for encryption": changed(EC, use="enc"),
    "a key for key agreement": changed(OKPKey.generate_key("X25519").as_dict(private=False), kid="unusable"),
    "an algorithm for encryption": changed(RSA, alg="RSA-OAEP"),
    "operations without verification": changed(EC, use=None, key_ops=["sign"]),
    "a shared secret": changed(OctKey.generate_key(256).as_dict(private=True), kid="unusable"),
    "a modulus that is not base64": changed(RSA, n="!!!"),
    "a modulus that is a number": changed(RSA, n=7),
    "a modulus of zero": changed(RSA, n="AAAA"),
    "no exponent": changed(RSA, e=None),
    "a point beside the curve": changed(EC, x=EC["y"]),
    "a certificate that is a number": changed(EC, x5c=7),
    "a kid that is a number": changed(EC, kid=7),
    "text": "unusable",
    "null": None,
}
"""Keys by what is wrong with them."""
SIGNING = signing_key("good")


def write_keys(file: Path, *keys: Any) -> None:
    temporary = file.with_suffix(".new")
    temporary.write_text(json.dumps({"keys": keys}))
    temporary.replace(file)


@asynccontextmanager
async def source_of(kind: str, file: Path) -> AsyncIterator[Path | str]:
    """Yield the setting of a key set in a file, or of the same at a URL."""
    if kind == "file":
        yield file
        return
    async with file_server(file) as url:
        yield url


@pytest.mark.parametrize("wrong", UNUSABLE)
def test_a_key_that_cannot_verify_tokens_is_ignored(wrong: str) -> None:
    for keys in ([UNUSABLE[wrong], SIGNING.as_dict(private=False)], [SIGNING.as_dict(private=False), UNUSABLE[wrong]]):
        with capture_logs() as logs:
            usable = KeySetParser().parse(json.dumps({"keys": keys}).encode())
        assert [key.kid for key in usable] == ["good"]
        assert [entry["event"] for entry in logs] == ["key of the identity provider ignored"]
        assert logs[0]["reason"]
        with pytest.raises(ValueError, match="no usable key in the JSON Web Key Set"):
            KeySetParser().parse(json.dumps({"keys": [UNUSABLE[wrong]]}).encode())


@pytest.mark.parametrize("kind", ["file", "URL"])
async def test_a_good_key_works_next_to_unusable_ones(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_sets, "MIN_INTERVAL_SECONDS", 0.0)
    file = tmp_path / "jwks.json"
    write_keys(file, *UNUSABLE.values(), SIGNING.as_dict(private=False))
    with capture_logs() as logs:
        async with source_of(kind, file) as source, service(tmp_path / "data", **jwt_settings(source)) as running:
            await list_themes(running.channel, token(SIGNING))
            await list_themes(running.channel, token(SIGNING, with_kid=False))  # it is the only usable key
            other = signing_key("other")
            write_keys(file, changed(EC, kid="later", crv="BP-384"), other.as_dict(private=False), *UNUSABLE.values())
            await list_themes(running.channel, token(other))
            await refused(running.channel, token(SIGNING))
    lines = [(entry["kid"], entry["reason"]) for entry in logs if entry["event"].endswith("provider ignored")]
    assert len(lines) == len(set(lines)), "a key is logged when it first occurs, not each time the set is read"
    assert ("unusable", "unsupported value 'BP-256'") in lines
    assert ("later", "unsupported value 'BP-384'") in lines


async def test_a_file_without_a_usable_key_is_an_error_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    for content in ('{"keys": []}', "[]", '{"keys": {}}', "nonsense"):
        file.write_text(content)
        with pytest.raises(InvalidSettings, match=r"jwks\.json"):
            async with service(tmp_path / "data", **jwt_settings(file)):
                pass
    write_keys(file, changed(EC, crv="BP-256"))
    with pytest.raises(InvalidSettings, match=r"no usable key .* 'unusable': unsupported value 'BP-256'"):
        async with service(tmp_path / "data", **jwt_settings(file)):
            pass


async def test_a_url_without_a_usable_key_keeps_the_previous_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_sets, "MIN_INTERVAL_SECONDS", 0.0)
    file = tmp_path / "jwks.json"
    write_keys(file, *UNUSABLE.values())
    with capture_logs() as logs:
        async with file_server(file) as url, service(tmp_path / "data", **jwt_settings(url)) as running:
            status = await failed_call(list_themes(running.channel, token(SIGNING)))
            assert status.reason == "IDENTITY_PROVIDER_ERROR"
            write_keys(file, SIGNING.as_dict(private=False))
            await list_themes(running.channel, token(SIGNING))
            write_keys(file, *UNUSABLE.values())
            await refused(running.channel, token(signing_key("good")))
            await list_themes(running.channel, token(SIGNING))
    problems = [entry["problem"] for entry in logs if entry["event"].endswith("not fetched")]
    assert problems
    assert all(problem.startswith("no usable key in the JSON Web Key Set") for problem in problems)
