"""With a certificate, whatever is stored and read is signed, and says what it was made from."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import ec
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import ImageLayer
from tabletop.image.v1.map_service_pb2 import ExportSceneRequest, SceneFormat

from getimg_standin.gallery import Gallery
from getimg_standin.picture import Picture
from image_grpc.pictures.c2pa_signer import C2paSigner
from image_grpc.pictures.credentials import Claim, Generated, SigningFailed
from image_grpc.pictures.manifests import has_manifest
from image_grpc.pictures.provenance import COMPOSED, COMPOSED_GENERATED, GENERATED
from tests.pictures.certificates import Authority, key_pem, pem
from tests.pictures.samples import AVIF, JPEG, PNG, WEBP, png
from tests.pictures.test_metadata import private_picture
from tests.pictures.test_signing import Verified, verify
from tests.service import Service, element, new_id, picture_bytes, portrait, service, tactical_map

pytestmark = pytest.mark.asyncio(loop_scope="module")

AUTHORITY, PROVIDER = Authority(), Authority("Provider")
KEY = ec.generate_private_key(ec.SECP256R1())
COMPOSED_LAYER = ImageLayer.IMAGE_LAYER_COMPOSED
every_format = pytest.mark.parametrize("format_", [PNG, JPEG, WEBP, AVIF], ids=["png", "jpg", "webp", "avif"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def signing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    folder = tmp_path_factory.mktemp("signing")
    async with service(folder / "data", **certificate_files(folder)) as it:
        yield it


def certificate_files(folder: Path) -> dict[str, Path]:
    certificate, key = folder / "chain.pem", folder / "key.pem"
    certificate.write_bytes(pem(AUTHORITY.issue(KEY), AUTHORITY.root))
    key.write_bytes(key_pem(KEY))
    return {"c2pa_certificate": certificate, "c2pa_key": key}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def battlefield(signing: Service) -> Image:
    """A generated map with a token."""
    image = (await signing.generate(tactical_map(grid={"enabled": True, "size": 20}))).image
    await signing.create_overlay(image.id, element("orc", 1, 1))
    return image


def actions(verified: Verified) -> list[str]:
    return [each["action"] for each in verified.actions]


def parent_manifest(verified: Verified) -> dict[str, Any]:
    """Return the manifest of the picture that another one was made from."""
    assert verified.ingredient["relationship"] == "parentOf"
    manifest: dict[str, Any] = verified.manifests[verified.ingredient["active_manifest"]]
    return manifest


@pytest.mark.parametrize("format_", [PNG, JPEG, WEBP], ids=["png", "jpg", "webp"])
async def test_a_stored_picture_is_signed(signing: Service, format_: int) -> None:
    image = (await signing.generate(portrait(format=format_))).image
    data = await signing.read(image.id)
    assert len(data) == image.content.byte_size
    verified = verify(data, AUTHORITY)
    assert (verified.state, verified.failures) == ("Trusted", set())
    created = verified.actions[0]
    assert (created["action"], created["digitalSourceType"]) == ("c2pa.created", GENERATED)
    assert created["softwareAgent"]["name"] == f"GetImg.AI {image.metadata.generation_params.model}"


@every_format
@pytest.mark.parametrize(
    ("fields", "changes"),
    [
        ({"max_side": 50}, ["c2pa.resized.proportional"]),
        ({"region": {"width": 40, "height": 40}}, ["c2pa.cropped"]),
        ({"region": {"width": 40, "height": 40}, "max_side": 20}, ["c2pa.cropped", "c2pa.resized.proportional"]),
        ({}, []),
    ],
    ids=["smaller", "part", "smaller part", "whole"],
)
async def test_a_rendition_names_the_stored_picture(
    signing: Service, battlefield: Image, format_: int, fields: dict[str, Any], changes: list[str]
) -> None:
    verified = verify(await signing.read(battlefield.id, format=format_, **fields), AUTHORITY)
    assert (verified.state, verified.failures) == ("Trusted", set())
    converted = [] if format_ == battlefield.content.format else ["c2pa.converted"]
    if not changes and not converted:
        return  # the stored picture itself
    assert actions(verified) == ["c2pa.opened", *changes, *converted]
    parent = parent_manifest(verified)
    assert parent["assertions"][0]["data"]["actions"][0]["action"] == "c2pa.created"


@every_format
async def test_a_composed_map_names_the_stored_picture(signing: Service, battlefield: Image, format_: int) -> None:
    verified = verify(await signing.read(battlefield.id, format=format_, layer=COMPOSED_LAYER), AUTHORITY)
    assert (verified.state, verified.failures) == ("Trusted", set())
    [drawing] = [each for each in verified.actions if each["action"] == "c2pa.drawing"]
    assert drawing["digitalSourceType"] == COMPOSED_GENERATED
    assert parent_manifest(verified)["claim_generator_info"][0]["name"] == "image-grpc"


@every_format
async def test_a_flipped_byte_is_noticed(signing: Service, battlefield: Image, format_: int) -> None:
    data = await signing.read(battlefield.id, format=format_, layer=COMPOSED_LAYER)
    # Near the end are pixels: manifests precede them, except in WebP, which has the manifest last.
    place = len(data) // 40 if format_ == WEBP else len(data) - 60
    flipped = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
    verified = verify(flipped, AUTHORITY)
    assert verified.state == "Invalid"
    assert any("mismatch" in failure for failure in verified.failures)


async def test_the_manifest_of_the_provider_becomes_an_ingredient(
    signing: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = C2paSigner(pem(PROVIDER.issue(KEY), PROVIDER.root), key_pem(KEY))
    encoded = Gallery.encoded

    async def signed(gallery: Gallery, picture: Picture) -> bytes:
        return provider.sign(await encoded(gallery, picture), Generated(model="the provider's own"))

    monkeypatch.setattr(Gallery, "encoded", signed)
    image = (await signing.generate(portrait(details=new_id()))).image
    verified = verify(await signing.read(image.id), AUTHORITY)
    assert verified.failures == set()
    assert actions(verified)[:2] == ["c2pa.created", "c2pa.placed"]
    assert verified.ingredient["relationship"] == "componentOf"
    manifest = verified.manifests[verified.ingredient["active_manifest"]]
    assert "the provider's own" in json.dumps(manifest)


async def test_a_rendition_that_memory_does_not_hold_is_read_in_parts(tmp_path: Path) -> None:
    async with service(tmp_path / "data", renditions_max_bytes=1_000_000, **certificate_files(tmp_path)) as it:
        image = await it.upload(png(1600))
        content, whole = await it.read_with_description(image.id, format=PNG, max_side=1500)
        assert content.byte_size > 2**20
        middle = len(whole) // 2
        for offset, limit in ((0, middle), (middle, 0)):
            request = {"format": PNG, "max_side": 1500, "offset": offset, "limit": limit}
            described, part = await it.read_with_description(image.id, **request)
            assert described == content
            assert part == (whole[offset : offset + limit] if limit else whole[offset:])


async def test_a_rendition_that_could_not_be_signed_is_signed_the_next_time(
    signing: Service, battlefield: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_signer: C2paSigner, _data: bytes, _claim: Claim) -> bytes:
        raise SigningFailed("for this test")

    with monkeypatch.context() as patched:
        patched.setattr(C2paSigner, "sign", fail)
        assert not has_manifest(await signing.read(battlefield.id, format=WEBP, max_side=33))
        stored = (await signing.generate(portrait(details=new_id()))).image
        assert not has_manifest(await signing.read(stored.id)), "it has been paid for"
    assert has_manifest(await signing.read(battlefield.id, format=WEBP, max_side=33))


async def test_a_rendition_is_the_same_in_another_process(tmp_path: Path) -> None:
    """Signing a picture again gives other bytes, and a reader may go on elsewhere."""
    read = {"format": PNG, "layer": COMPOSED_LAYER}
    files = certificate_files(tmp_path)
    async with service(tmp_path / "data", **files) as first:
        image = await first.upload(png(1600))
        before = await first.read(image.id, **read)
    async with service(tmp_path / "data", **files) as second:
        assert await second.read(image.id, **read) == before
        await second.create_overlay(image.id, element("orc", 1, 1))
        assert await second.read(image.id, **read) != before
    async with service(tmp_path / "data", **certificate_files(tmp_path)) as with_another_certificate:
        assert await with_another_certificate.read(image.id, **read) != before


async def test_a_normalized_upload_is_signed_and_says_nothing_of_its_original(signing: Service) -> None:
    image = await signing.upload(private_picture(JPEG))
    data = await signing.read(image.id)
    verified = verify(data, AUTHORITY)
    assert (verified.state, verified.failures) == ("Trusted", set())
    assert actions(verified) == ["c2pa.opened", "c2pa.edited.metadata"]
    composed = verify(await signing.read(image.id, format=PNG, layer=COMPOSED_LAYER), AUTHORITY)
    assert composed.state == "Trusted"
    [drawing] = [each for each in composed.actions if each["action"] == "c2pa.drawing"]
    assert drawing["digitalSourceType"] == COMPOSED


async def test_a_clean_upload_stays_as_it_is_and_its_renditions_are_signed(signing: Service) -> None:
    data = png(64)
    image = await signing.upload(data)
    assert await signing.read(image.id) == data
    assert verify(await signing.read(image.id, format=WEBP), AUTHORITY).state == "Trusted"


@pytest.mark.parametrize("fields", [{}, {"preserve_original": True}], ids=["normalized", "preserved"])
async def test_the_manifest_of_an_upload_does_not_leave_in_renditions(signing: Service, fields: dict[str, Any]) -> None:
    camera = C2paSigner(pem(PROVIDER.issue(KEY), PROVIDER.root), key_pem(KEY))
    data = camera.sign(picture_bytes(64, 64), Generated(model="of jane@home.example"))
    image = await signing.upload(data, **fields)
    assert (await signing.read(image.id) == data) is bool(fields)
    for read in ({"format": WEBP}, {"max_side": 40}, {"layer": COMPOSED_LAYER}):
        rendition = await signing.read(image.id, **read)
        assert verify(rendition, AUTHORITY).state == "Trusted"
        assert b"jane@home.example" not in rendition


async def test_a_scene_has_a_signed_picture(signing: Service, battlefield: Image) -> None:
    request = ExportSceneRequest(map_id=battlefield.id, format=SceneFormat.SCENE_FORMAT_UNIVERSAL_VTT)
    data = b"".join([part.data async for part in signing.maps.ExportScene(request)])
    picture = base64.b64decode(json.loads(data)["image"])
    verified = verify(picture, AUTHORITY)
    assert verified.state == "Trusted"
    assert parent_manifest(verified)


async def test_what_is_signed_is_accepted_as_an_upload(signing: Service, battlefield: Image) -> None:
    for format_ in (PNG, JPEG, WEBP, AVIF):
        data = await signing.read(battlefield.id, format=format_, max_side=64)
        image = await signing.upload(data)
        stored = await signing.read(image.id)
        assert has_manifest(stored)
        assert verify(stored, AUTHORITY).state == "Trusted"
