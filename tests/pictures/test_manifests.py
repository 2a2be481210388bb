"""Manifests are found without being read."""

from __future__ import annotations

import struct

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from image_grpc.pictures.c2pa_signer import C2paSigner
from image_grpc.pictures.credentials import CONVERTED, Derived, Generated
from image_grpc.pictures.manifests import has_manifest, manifest_size, signable_media_type
from tests.pictures.certificates import Authority, key_pem, pem
from tests.pictures.samples import JPEG
from tests.pictures.test_metadata import private_picture
from tests.pictures.test_signing import SUFFIXES, a_picture

KEY = ec.generate_private_key(ec.SECP256R1())
SIGNER = C2paSigner(pem(Authority().issue(KEY)), key_pem(KEY))
SIGNED = {name: SIGNER.sign(a_picture(suffix), Generated(model="m")) for name, suffix in SUFFIXES.items()}
HEADS = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xeb", b"RIFF\0\0\0\0WEBP", b"\0\0\0\x10ftypavif"]


@pytest.mark.parametrize("name", SUFFIXES)
def test_a_manifest_is_found_in_each_format(name: str) -> None:
    picture = a_picture(SUFFIXES[name])
    assert signable_media_type(picture) == f"image/{name}"
    assert not has_manifest(picture)
    added = len(SIGNED[name]) - len(picture)
    assert added - 200 < manifest_size(SIGNED[name]) <= added


def test_a_manifest_in_many_segments_of_a_jpeg_is_measured() -> None:
    signed, picture = SIGNED["jpeg"], a_picture(".jpg")
    for _ in range(28):
        signed = SIGNER.sign(picture, Derived(parent=signed, changes=(CONVERTED,)))
    assert len(signed) - len(picture) > 2 * 65_536
    assert manifest_size(signed) == pytest.approx(len(signed) - len(picture), abs=100)


def test_chunks_of_odd_length_are_padded_in_webp() -> None:
    odd = b"TEST" + struct.pack("<I", 3) + b"abc\0"
    assert manifest_size(b"RIFF\x1c\0\0\0WEBP" + odd + b"C2PA" + struct.pack("<I", 4) + b"abcd") == 4


def test_other_metadata_is_no_manifest() -> None:
    assert not has_manifest(private_picture(JPEG))
    other_jumbf = SIGNED["jpeg"].replace(bytes.fromhex("6332706100110010"), bytes(8))
    assert not has_manifest(other_jumbf)


@pytest.mark.parametrize("name", SUFFIXES)
def test_truncated_pictures_are_harmless(name: str) -> None:
    for length in range(0, len(SIGNED[name]), 7):
        manifest_size(SIGNED[name][:length])


@given(st.sampled_from(HEADS), st.binary(max_size=200))
def test_any_bytes_are_harmless(head: bytes, rest: bytes) -> None:
    assert manifest_size(head + rest) >= 0
    assert manifest_size(rest) >= 0
