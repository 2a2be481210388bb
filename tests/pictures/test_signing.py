"""Signed pictures, verified with the C2PA library and the root certificate of the test."""

from __future__ import annotations

import io
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import c2pa
import pytest
import pyvips
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from structlog.testing import capture_logs

from image_grpc.pictures import c2pa_signer, xmp
from image_grpc.pictures.c2pa_signer import C2paSigner
from image_grpc.pictures.claims import try_to_sign
from image_grpc.pictures.credentials import (
    CONVERTED,
    CROPPED,
    METADATA_REMOVED,
    RESIZED,
    TURNED,
    Derived,
    Generated,
    SigningFailed,
    drawn,
)
from image_grpc.pictures.manifests import manifest_size, signable_media_type
from image_grpc.pictures.provenance import COMPOSED_GENERATED, GENERATED
from image_grpc.pictures.signing_certificate import PURPOSES, UnusableCertificate, UnusableKey
from tests.pictures.certificates import EMAIL_PROTECTION, Authority, PrivateKey, key_pem, pem
from tests.pictures.samples import decoded

SUFFIXES = {"png": ".png", "jpeg": ".jpg", "webp": ".webp", "avif": ".avif[effort=0]"}
every_format = pytest.mark.parametrize("suffix", SUFFIXES.values(), ids=SUFFIXES)
SEEDREAM = Generated(model="seedream-5-lite")
MAX_ADDED = 20_000
AUTHORITY, PROVIDER = Authority(), Authority("Another authority")
KEYS: dict[str, PrivateKey] = {
    "es256": ec.generate_private_key(ec.SECP256R1()),
    "es384": ec.generate_private_key(ec.SECP384R1()),
    "es512": ec.generate_private_key(ec.SECP521R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
    "ps256": rsa.generate_private_key(65537, 2048),
}
KEY = KEYS["es256"]


def a_signer(authority: Authority = AUTHORITY, key: PrivateKey = KEY) -> C2paSigner:
    return C2paSigner(pem(authority.issue(key), authority.root), key_pem(key))


@cache
def a_picture(suffix: str = ".png") -> bytes:
    noise = pyvips.Image.gaussnoise(96, 64, mean=128, sigma=40).cast("uchar")
    picture = noise.bandjoin([noise, noise]).copy(interpretation="srgb")
    packet = xmp.packet({"xmpMM:VersionID": ("3",)}).replace(b'VersionID="3"', b'InstanceID="xmp:iid:secret-instance"')
    picture.set_type(pyvips.GValue.blob_type, "xmp-data", packet)
    data: bytes = picture.write_to_buffer(suffix, keep="xmp")
    return data


def with_changed_pixel(signed: bytes, picture: bytes) -> bytes:
    """Change a byte in the middle of what was signed, which is one of the pixels."""
    middle = len(picture) // 2
    place = signed.index(picture[middle : middle + 32])
    return signed[:place] + bytes([signed[place] ^ 1]) + signed[place + 1 :]


class Verified(NamedTuple):
    """What a verifier sees."""

    state: str
    failures: set[str]
    manifests: dict[str, Any]
    active: dict[str, Any]

    @property
    def actions(self) -> list[dict[str, Any]]:
        [assertion] = [each for each in self.active["assertions"] if each["label"] == "c2pa.actions.v2"]
        assert assertion["created"]
        actions: list[dict[str, Any]] = assertion["data"]["actions"]
        return actions

    @property
    def ingredient(self) -> dict[str, Any]:
        [ingredient] = self.active["ingredients"]
        assert isinstance(ingredient, dict)
        return ingredient


def verify(data: bytes, authority: Authority = AUTHORITY) -> Verified:
    trust = {"user_anchors": pem(authority.root).decode(), "trust_config": "\n".join(PURPOSES)}
    settings = {"version": 1, "trust": trust, "verify": {"remote_manifest_fetch": False}}
    with c2pa.Reader(signable_media_type(data), io.BytesIO(data), context=c2pa.Context.from_dict(settings)) as reader:
        report = json.loads(reader.json())
    failures = {failure["code"] for failure in report["validation_results"]["activeManifest"]["failure"]}
    manifests = report["manifests"]
    return Verified(report["validation_state"], failures, manifests, manifests[report["active_manifest"]])


@every_format
def test_a_signed_picture_is_trusted_and_says_what_generated_it(suffix: str) -> None:
    picture = a_picture(suffix)
    signed = a_signer().sign(picture, SEEDREAM)
    verified = verify(signed)
    assert (verified.state, verified.failures) == ("Trusted", set())
    [created] = verified.actions
    assert (created["action"], created["digitalSourceType"]) == ("c2pa.created", GENERATED)
    assert created["softwareAgent"] == {"name": "GetImg.AI seedream-5-lite"}
    assert verified.active["claim_generator_info"][0]["name"] == "image-grpc"
    assert "thumbnail" not in verified.active
    assert 0 < len(signed) - len(picture) < MAX_ADDED


@every_format
def test_signing_changes_neither_pixels_nor_xmp(suffix: str) -> None:
    picture = a_picture(suffix)
    before, after = decoded(picture), decoded(a_signer().sign(picture, SEEDREAM))
    assert (before == after).min() == 255
    assert before.get("xmp-data") == after.get("xmp-data")


@every_format
def test_one_changed_byte_of_the_pixels_invalidates_the_signature(suffix: str) -> None:
    verified = verify(with_changed_pixel(a_signer().sign(picture := a_picture(suffix), SEEDREAM), picture))
    assert verified.state == "Invalid"
    assert verified.failures & {"assertion.dataHash.mismatch", "assertion.bmffHash.mismatch"}


@pytest.mark.parametrize("algorithm", KEYS)
def test_the_algorithm_is_that_of_the_key(algorithm: str) -> None:
    signer = a_signer(key=KEYS[algorithm])
    assert signer.algorithm == algorithm
    verified = verify(signer.sign(a_picture(), SEEDREAM))
    assert verified.state == "Trusted"
    assert verified.active["signature_info"]["alg"].lower() == algorithm


def test_a_picture_of_another_signer_is_not_trusted() -> None:
    verified = verify(a_signer(PROVIDER).sign(a_picture(), SEEDREAM))
    assert "signingCredential.untrusted" in verified.failures


def test_no_model_is_named_if_it_is_unknown() -> None:
    [created] = verify(a_signer().sign(a_picture(), Generated(model=""))).actions
    assert created["softwareAgent"]["name"] == "image-grpc"


@every_format
def test_a_composed_map_names_the_stored_picture_as_its_parent(suffix: str) -> None:
    signer, picture = a_signer(), a_picture(suffix)
    stored = signer.sign(a_picture(), SEEDREAM)
    changes = (drawn(COMPOSED_GENERATED), RESIZED, CONVERTED)
    signed = signer.sign(picture, Derived(parent=stored, changes=changes))
    verified = verify(signed)
    assert (verified.state, verified.failures) == ("Trusted", set())
    opened, drawing, *others = verified.actions
    assert opened["action"] == "c2pa.opened"
    assert "digitalSourceType" not in opened
    assert (drawing["action"], drawing["digitalSourceType"]) == ("c2pa.drawing", COMPOSED_GENERATED)
    assert [action["action"] for action in others] == ["c2pa.resized.proportional", "c2pa.converted"]
    assert verified.ingredient["relationship"] == "parentOf"
    assert verified.ingredient["active_manifest"] == verify(stored).active["label"]
    assert not verified.ingredient["validation_results"]["activeManifest"]["failure"]
    parent = verified.manifests[verified.ingredient["active_manifest"]]
    assert GENERATED in json.dumps(parent)
    assert len(signed) - len(picture) < MAX_ADDED


def test_the_type_of_a_parent_without_a_manifest_is_claimed_by_its_rendition() -> None:
    claim = Derived(parent=a_picture(), parent_type=GENERATED, changes=(RESIZED,))
    verified = verify(a_signer().sign(a_picture(".webp"), claim))
    assert verified.state == "Trusted"
    assert verified.actions[0]["digitalSourceType"] == GENERATED
    assert verified.ingredient["relationship"] == "parentOf"
    assert "active_manifest" not in verified.ingredient


def test_an_upload_is_opened_and_edited_and_its_metadata_stays_out() -> None:
    original = a_signer(PROVIDER).sign(a_picture(".jpg"), SEEDREAM)
    signed = a_signer().sign(a_picture(), Derived(parent=original, changes=(TURNED, CONVERTED, METADATA_REMOVED)))
    verified = verify(signed)
    assert verified.state == "Trusted"
    assert [action["action"] for action in verified.actions] == [
        "c2pa.opened",
        "c2pa.orientation",
        "c2pa.converted",
        "c2pa.edited.metadata",
    ]
    assert "secret-instance" not in json.dumps(verified.active)
    assert len(verified.manifests) == 2


def test_the_service_stands_by_actions_and_ingredients() -> None:
    signer = a_signer()
    stored = signer.sign(a_picture(), SEEDREAM)
    signed = signer.sign(a_picture(), Derived(parent=stored, changes=(CONVERTED,)))
    with c2pa.Reader("image/png", io.BytesIO(signed), context=c2pa.Context()) as reader:
        report = json.loads(reader.detailed_json())
    claim = report["manifests"][report["active_manifest"]]["claim"]
    labels = {assertion["url"].rpartition("/")[2] for assertion in claim["created_assertions"]}
    assert labels == {"c2pa.actions.v2", "c2pa.ingredient.v3", "c2pa.hash.data"}


def test_an_invalid_manifest_never_leaves_the_signer(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = {"label": "c2pa.actions.v2", "data": {"actions": [{"action": "c2pa.opened"}]}}
    signer = a_signer()
    monkeypatch.setattr(c2pa_signer, "definition", lambda claim, with_manifest: {"assertions": [opened]})
    with pytest.raises(SigningFailed, match="ingredient"):
        signer.sign(a_picture(), Derived(parent=a_picture(), changes=(CONVERTED,)))


def test_the_parent_may_be_a_gif_or_left_out() -> None:
    gif = pyvips.Image.black(8, 8, bands=3).copy(interpretation="srgb").write_to_buffer(".gif")
    for parent in (gif, b""):
        verified = verify(a_signer().sign(a_picture(), Derived(parent=parent, changes=(CONVERTED,))))
        assert verified.state == "Trusted"
        assert verified.ingredient["relationship"] == "parentOf"


@every_format
def test_the_manifest_of_the_provider_becomes_an_ingredient(suffix: str) -> None:
    downloaded = a_signer(PROVIDER).sign(a_picture(suffix), SEEDREAM)
    claim = Generated(model="seedream-5-lite", provider_picture=downloaded, changes=(CROPPED, RESIZED, CONVERTED))
    verified = verify(a_signer().sign(a_picture(), claim))
    assert (verified.state, verified.failures) == ("Trusted", set())
    created, placed, *_ = verified.actions
    assert (created["action"], created["digitalSourceType"]) == ("c2pa.created", GENERATED)
    assert placed["action"] == "c2pa.placed"
    assert placed["parameters"]["ingredients"]
    assert verified.ingredient["relationship"] == "componentOf"
    assert verified.ingredient["active_manifest"] == verify(downloaded, PROVIDER).active["label"]


def test_a_provider_picture_without_a_manifest_is_no_ingredient() -> None:
    verified = verify(a_signer().sign(a_picture(), Generated(model="m", provider_picture=a_picture())))
    assert "ingredients" not in verified.active


def test_a_tampered_provider_picture_becomes_an_ingredient_with_its_failure() -> None:
    downloaded = with_changed_pixel(a_signer(PROVIDER).sign(picture := a_picture(".jpg"), SEEDREAM), picture)
    verified = verify(a_signer().sign(a_picture(), Generated(model="m", provider_picture=downloaded)))
    assert verified.state == "Trusted"
    failures = verified.ingredient["validation_results"]["activeManifest"]["failure"]
    assert "assertion.dataHash.mismatch" in {failure["code"] for failure in failures}


@pytest.mark.parametrize("part", [b"c2pa.assertions", b"c2pa.created", b"instanceID", b"jumdc2cl"])
def test_an_unreadable_manifest_is_left_out_and_logged(part: bytes) -> None:
    downloaded = a_signer(PROVIDER).sign(a_picture(".jpg"), SEEDREAM)
    assert part in downloaded
    broken = downloaded.replace(part, b"\xff" * len(part))
    signer = a_signer()
    with capture_logs() as logs:
        created = verify(signer.sign(a_picture(), Generated(model="m", provider_picture=broken)))
        opened = verify(signer.sign(a_picture(), Derived(parent=broken, changes=(CONVERTED,))))
    assert [line["event"] for line in logs] == ["unusable manifest left out"] * 2
    assert (created.state, opened.state) == ("Trusted", "Trusted")
    assert "ingredients" not in created.active
    assert opened.ingredient["relationship"] == "parentOf"


def test_a_manifest_that_is_too_large_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    downloaded = a_signer(PROVIDER).sign(a_picture(), SEEDREAM)
    monkeypatch.setattr(c2pa_signer, "MAX_INGREDIENT_BYTES", manifest_size(downloaded) - 1)
    verified = verify(a_signer().sign(a_picture(), Generated(model="m", provider_picture=downloaded)))
    assert "ingredients" not in verified.active


def test_signing_again_replaces_the_manifest() -> None:
    signer = a_signer()
    once = signer.sign(a_picture(), SEEDREAM)
    twice = signer.sign(once, SEEDREAM)
    assert abs(len(twice) - len(once)) < 100
    assert len(verify(twice).manifests) == 1


def test_what_is_no_picture_cannot_be_signed() -> None:
    for data in (b"", b"nothing", a_picture()[:20], a_picture(".webp")[:20]):
        with pytest.raises(SigningFailed):
            a_signer().sign(data, SEEDREAM)


def test_threads_share_a_signer() -> None:
    signer = a_signer()
    stored = signer.sign(a_picture(), SEEDREAM)

    def rendition(number: int) -> str:
        suffix = list(SUFFIXES.values())[number % 4]
        return verify(signer.sign(a_picture(suffix), Derived(parent=stored, changes=(CONVERTED,)))).state

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(rendition, range(48))) == {"Trusted"}


@contextmanager
def listener() -> Iterator[tuple[str, list[object]]]:
    """Yield the URL of a server that accepts connections and closes them, and a list with an item for each."""
    connections: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connection, peer = server.accept()
                except OSError:
                    return
                connections.append(peer)
                connection.close()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/x.c2pa", connections
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def with_remote_manifest(url: str, *, embedded: bool) -> bytes:
    """Return a picture whose XMP packet says where its manifest is."""
    info = c2pa.C2paSignerInfo("es256", pem(PROVIDER.issue(KEY, ocsp=url)), key_pem(KEY), None)
    created = {"action": "c2pa.created", "digitalSourceType": GENERATED}
    definition = {"assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [created]}}]}
    settings = {"version": 1, "verify": {"verify_after_sign": False}, "builder": {"thumbnail": {"enabled": False}}}
    context = c2pa.Context.from_dict(settings, signer=c2pa.Signer.from_info(info))
    signed = io.BytesIO()
    with c2pa.Builder(definition, context=context) as builder:
        builder.set_remote_url(url)
        if not embedded:
            builder.set_no_embed()
        builder.sign("image/jpeg", io.BytesIO(a_picture(".jpg")), signed)
    return signed.getvalue()


def test_signing_never_uses_the_network() -> None:
    with listener() as (url, connections):
        certificate = AUTHORITY.issue(KEY, ocsp=url)
        signer = C2paSigner(pem(certificate, AUTHORITY.root), key_pem(KEY))
        parents = [with_remote_manifest(url, embedded=embedded) for embedded in (True, False)]
        for parent in parents:
            assert url.encode() in parent
            signer.sign(a_picture(), Generated(model="m", provider_picture=parent))
            signer.sign(a_picture(), Derived(parent=parent, changes=(CONVERTED,)))
            signer._sign(a_picture(), Derived(parent=parent, changes=()), with_manifest=True)
        assert not connections
        with pytest.raises(c2pa.C2paError):  # by default, the library would
            c2pa.Reader("image/jpeg", io.BytesIO(parents[1]), context=c2pa.Context())
    assert connections


def test_pictures_are_not_signed_once_the_certificate_has_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    signer, picture = a_signer(), a_picture()

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(days=31)

    monkeypatch.setattr(c2pa_signer, "datetime", Later)
    with pytest.raises(SigningFailed, match="the certificate expired on"):
        signer.sign(picture, SEEDREAM)
    with capture_logs() as logs:
        assert try_to_sign(signer, picture, lambda: SEEDREAM) is None
    assert [(line["log_level"], line["event"]) for line in logs] == [("error", "picture not signed")]


@pytest.mark.parametrize(
    ("purposes", "reason"),
    [
        ((), "extended key usage"),
        ((ExtendedKeyUsageOID.SERVER_AUTH,), "extended key usage"),
        ((ExtendedKeyUsageOID.TIME_STAMPING,), "extended key usage"),
        ((EMAIL_PROTECTION, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE), "invalid"),
    ],
)
def test_a_certificate_for_another_purpose_is_refused(purposes: tuple[x509.ObjectIdentifier, ...], reason: str) -> None:
    with pytest.raises(UnusableCertificate, match=reason):
        C2paSigner(pem(AUTHORITY.issue(KEY, purposes=purposes)), key_pem(KEY))


@pytest.mark.parametrize("purpose", PURPOSES)
def test_each_purpose_is_enough(purpose: str) -> None:
    certificate = AUTHORITY.issue(KEY, purposes=(x509.ObjectIdentifier(purpose),))
    assert verify(C2paSigner(pem(certificate), key_pem(KEY)).sign(a_picture(), SEEDREAM)).state == "Trusted"


@pytest.mark.parametrize(
    ("start", "end", "reason"), [(-9, -1, "expired on .*; renew it"), (1, 9, "not valid before .*check the clock")]
)
def test_a_certificate_outside_of_its_period_is_refused(start: int, end: int, reason: str) -> None:
    certificate = AUTHORITY.issue(KEY, start=timedelta(days=start), end=timedelta(days=end))
    with pytest.raises(UnusableCertificate, match=reason):
        C2paSigner(pem(certificate), key_pem(KEY))


@pytest.mark.parametrize("chain", [b"", b"nothing", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_file_without_certificates_is_refused(chain: bytes) -> None:
    with pytest.raises(UnusableCertificate, match="no certificate in PEM form"):
        C2paSigner(chain, key_pem(KEY))


def test_keys_that_cannot_sign_are_refused() -> None:
    weak, unusual = rsa.generate_private_key(65537, 1024), ec.generate_private_key(ec.SECP256K1())
    chain = pem(AUTHORITY.issue(KEY), AUTHORITY.root)
    cases = {
        "does not belong": key_pem(KEYS["es384"]),
        "encrypted": key_pem(KEY, passphrase=b"secret"),
        "no private key": b"nothing",
        "1024 bits": key_pem(weak),
        "secp256k1": key_pem(unusual),
    }
    chains = {"1024 bits": pem(AUTHORITY.issue(weak)), "secp256k1": pem(AUTHORITY.issue(unusual))}
    for reason, key in cases.items():
        with pytest.raises(UnusableKey, match=reason):
            C2paSigner(chains.get(reason, chain), key)


def test_generations_of_renditions_grow_evenly() -> None:
    signer = a_signer()
    sizes = [manifest_size(stored := signer.sign(a_picture(), SEEDREAM))]
    for _ in range(3):
        stored = signer.sign(a_picture(), Derived(parent=stored, changes=(RESIZED,)))
        sizes.append(manifest_size(stored))
    assert all(0 < later - earlier < 7_000 for earlier, later in pairwise(sizes))
