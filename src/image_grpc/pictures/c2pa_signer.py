"""Signs pictures with the C2PA library. Imported only if there is a certificate: the library takes time and memory."""

import hashlib
import io
import json
from datetime import UTC, datetime

import c2pa
import structlog

from image_grpc.pictures.credentials import Claim, Generated, SigningFailed, definition, ingredient, source
from image_grpc.pictures.manifests import manifest_size, signable_media_type
from image_grpc.pictures.signing_certificate import (
    PURPOSES,
    SigningCertificate,
    UnusableCertificate,
    signing_certificate,
)

MAX_INGREDIENT_BYTES = 1_000_000
"""Largest manifest that becomes an ingredient: every rendition carries it, with all that it contains."""
_PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c4944415408d763f8ffff3f0005fe02fea735818d0000000049454e44ae426082"
)
"""A PNG picture of one pixel."""

log = structlog.get_logger(__name__)


class C2paSigner:
    """Signs pictures with one certificate. Threads may share it.

    It never uses the network: no time-stamping authority, no remote manifests, no revocation checks. Each signature is
    verified, which includes the certificate.
    """

    def __init__(self, certificate: bytes, key: bytes) -> None:
        """`certificate` is the chain, `key` its private key, both PEM. Raises UnusableCertificate, UnusableKey."""
        self._certificate = signing_certificate(certificate, key)
        self._context = _context(self._certificate)
        try:
            self._sign(_PIXEL, Generated(model=""), with_manifest=False)
        except c2pa.C2paError as problem:
            text = f"signatures with the certificate are invalid ({problem}); see docs/provenance.md"
            raise UnusableCertificate(text) from problem

    @property
    def identity(self) -> bytes:
        """A digest of the certificate and its chain."""
        return hashlib.sha256(self._certificate.chain).digest()

    @property
    def algorithm(self) -> str:
        """The algorithm of the signatures, as C2PA names it, in lower case."""
        return self._certificate.algorithm

    @property
    def expires(self) -> datetime:
        """The end of the certificate's validity."""
        return self._certificate.expires

    def sign(self, data: bytes, claim: Claim) -> bytes:
        """Return a PNG, JPEG, WebP or AVIF picture with the manifest of a claim instead of any that it carries.

        Sign last: encoding a picture again removes its manifest. Signing the same picture twice gives different bytes.
        Pixels and other metadata are unchanged. Takes time, so call it in a worker thread.

        If the manifest of the claim's source cannot be used, it is left out. Raises SigningFailed, also once the
        certificate has expired.
        """
        if self.expires < datetime.now(UTC):
            raise SigningFailed(f"the certificate expired on {self.expires:%Y-%m-%d}")
        if 0 < manifest_size(source(claim)) <= MAX_INGREDIENT_BYTES:
            try:
                return self._sign(data, claim, with_manifest=True)
            except c2pa.C2paError as problem:
                log.warning("unusable manifest left out", problem=str(problem)[:200])
        try:
            return self._sign(data, claim, with_manifest=False)
        except c2pa.C2paError as problem:
            raise SigningFailed(f"the picture cannot be signed: {problem}") from problem

    def _sign(self, data: bytes, claim: Claim, *, with_manifest: bool) -> bytes:
        with c2pa.Builder(definition(claim, with_manifest=with_manifest), context=self._context) as builder:
            if with_manifest:
                origin = source(claim)
                builder.add_ingredient(ingredient(claim), signable_media_type(origin), io.BytesIO(origin))
            signed = io.BytesIO()
            builder.sign(signable_media_type(data), io.BytesIO(data), signed)
            return signed.getvalue()


def _context(certificate: SigningCertificate) -> c2pa.Context:
    settings: dict[str, object] = {
        "version": 1,
        "builder": {"thumbnail": {"enabled": False}, "created_assertion_labels": ["c2pa.ingredient"]},
        "core": {"allowed_network_hosts": [], "decode_identity_assertions": False},
        "trust": {"trust_config": "\n".join(PURPOSES)},
        "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_after_sign": True},
    }
    if certificate.issuers:  # the pictures of this service are trusted when they become ingredients
        settings["trust"] = {"trust_config": "\n".join(PURPOSES), "user_anchors": certificate.issuers.decode()}
    info = c2pa.C2paSignerInfo(certificate.algorithm, certificate.chain, certificate.key, None)
    return c2pa.Context.from_json(json.dumps(settings), signer=c2pa.Signer.from_info(info))
