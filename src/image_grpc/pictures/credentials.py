"""Content Credentials (C2PA): what a signed picture says about how it came about.

Actions and relationships are those of the C2PA technical specification, digital source types those of IPTC, which
`provenance.py` explains. As in XMP, there is no text from callers: no prompt, no source, no title.
"""

from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

from image_grpc.pictures.provenance import ALTERED, GENERATED, SOFTWARE, ai_system, software_version

SOURCE = "source"
"""Label by which the actions of a definition refer to its ingredient."""

Definition = dict[str, object]
"""A manifest definition of the C2PA library, in the form of JSON."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something that was done to a picture."""

    action: str
    source_type: str = ""
    """Digital source type of the result; empty for changes that are not editorial."""


CROPPED = Change("c2pa.cropped", ALTERED)
TURNED = Change("c2pa.orientation", ALTERED)
"""Turned or mirrored, according to its EXIF orientation."""
RESIZED = Change("c2pa.resized.proportional")
CONVERTED = Change("c2pa.converted")
"""Encoded in another format, or with other colors of the same appearance."""
METADATA_REMOVED = Change("c2pa.edited.metadata")
EDITED = Change("c2pa.edited", ALTERED)
"""Laid on a larger canvas, or one of several frames."""


def drawn(source_type: str) -> Change:
    """Return the change of drawing overlays; `source_type` is COMPOSED_GENERATED or COMPOSED."""
    return Change("c2pa.drawing", source_type)


@dataclass(frozen=True, kw_only=True, slots=True)
class Generated:
    """Claims that GetImg.AI generated a picture."""

    model: str
    """May be empty."""
    provider_picture: bytes = b""
    """The picture as it was downloaded. If it carries a manifest, that becomes an ingredient."""
    changes: tuple[Change, ...] = ()
    """What was done to the downloaded picture, in this order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Derived:
    """Claims that a picture was made of another one: a rendition of a stored picture, an upload of its original."""

    parent: bytes
    """If it carries a manifest, that is kept with all that it contains, which may include thumbnails, names and places.

    Empty to leave it out.
    """
    changes: tuple[Change, ...]
    """What was done to the parent, in this order."""
    parent_type: str = ""
    """Digital source type of the parent, which is used if the parent carries no manifest; empty if unknown."""


Claim = Generated | Derived


class PictureSigner(Protocol):
    """Signs pictures."""

    @property
    def identity(self) -> bytes:
        """Identifies the certificate; empty without one."""

    def sign(self, data: bytes, claim: Claim) -> bytes:
        """Return a picture with the manifest of a claim instead of any that it carries. Takes time.

        Raises SigningFailed.
        """


class SigningFailed(Exception):
    """A picture could not be signed."""


class Unsigned:
    """Leaves pictures as they are, for operators without a certificate."""

    identity = b""

    def sign(self, data: bytes, claim: Claim) -> bytes:
        """Return the same picture."""
        return data


def source(claim: Claim) -> bytes:
    """Return the picture that may become an ingredient."""
    return claim.provider_picture if isinstance(claim, Generated) else claim.parent


def relationship(claim: Claim) -> str:
    """Return what an ingredient is to the picture.

    A picture that was created has no parent: the picture of the provider is a component of it.
    """
    return "componentOf" if isinstance(claim, Generated) else "parentOf"


def ingredient(claim: Claim) -> Definition:
    """Return the definition of the ingredient, with an id of its own instead of those in its metadata."""
    return {"relationship": relationship(claim), "label": SOURCE, "instance_id": f"xmp:iid:{uuid4()}"}


def definition(claim: Claim, *, with_manifest: bool) -> Definition:
    """Return the manifest definition of a claim. `with_manifest` says whether its ingredient carries a manifest.

    Such an ingredient has to be added to it. Without a manifest, the definition contains the parent, and leaves out the
    picture of a provider.
    """
    if isinstance(claim, Generated):
        created = _action(Change("c2pa.created", GENERATED))
        actions = [{**created, "softwareAgent": {"name": ai_system(claim.model)}} if claim.model else created]
        if with_manifest:
            actions.append(_with_source(_action(Change("c2pa.placed", GENERATED))))
    else:
        actions = [_with_source(_action(Change("c2pa.opened", "" if with_manifest else claim.parent_type)))]
    actions += map(_action, claim.changes)
    return {
        "claim_generator_info": [_this_software()],
        "assertions": [{"label": "c2pa.actions.v2", "created": True, "data": {"actions": actions}}],
        "ingredients": [ingredient(claim)] if isinstance(claim, Derived) and not with_manifest else [],
    }


def _this_software() -> dict[str, str]:
    return {"name": SOFTWARE, "version": software_version()}


def _action(change: Change) -> Definition:
    action: Definition = {"action": change.action, "softwareAgent": _this_software()}
    return {**action, "digitalSourceType": change.source_type} if change.source_type else action


def _with_source(action: Definition) -> Definition:
    return {**action, "parameters": {"ingredientIds": [SOURCE]}}
