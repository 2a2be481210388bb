"""What a picture says about its origin, for programs that have only the file.

Terms: https://cv.iptc.org/newscodes/digitalsourcetype/ and the IPTC Photo Metadata Standard 2025.1. Nothing is text of
callers: no prompt, no source. Content Credentials (`credentials.py`) use the same terms.
"""

from collections.abc import Callable
from functools import cache
from importlib.metadata import version

from tabletop.image.v1.image_pb2 import Image

from image_grpc.pictures.xmp import Properties

GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""Created using generative AI."""
COMPOSED_GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic"
"""Composite of several elements, at least one of which is generative AI: a generated map with elements drawn over it.

Not `compositeWithTrainedAlgorithmicMedia`, which is a picture that generative AI has edited, for example by inpainting.
"""
COMPOSED = "http://cv.iptc.org/newscodes/digitalsourcetype/composite"
"""Composite of several elements, any of which may or may not be generative AI."""
ALTERED = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicallyEnhanced"
"""Modified by an algorithm without a change of the main content: cropped, turned upright."""
SOFTWARE = "image-grpc"

_EDITED = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
SYNTHETIC = frozenset({GENERATED, COMPOSED_GENERATED, _EDITED})
"""What generative AI took part in."""
_SOURCE_TYPE = "Iptc4xmpExt:DigitalSourceType"


Statements = Callable[[Properties], Properties]
"""What a picture says, given the properties that are kept of the picture that it was made from."""


def own_statements(kept: Properties) -> Properties:
    """State only what the source picture states."""
    return kept


def statements(image: Image) -> Statements:
    """Return the statements of a version of a generated image."""
    return lambda kept: {**kept, **_properties(image, GENERATED)}


def composed_statements(image: Image) -> Statements:
    """Return the statements of a version of an image with its overlays drawn over it."""

    def state(kept: Properties) -> Properties:
        return {**kept, **_properties(image, composed_type(image, kept))}

    return state


def composed_type(image: Image, kept: Properties) -> str:
    """Return the digital source type of an image with its overlays drawn over it."""
    is_synthetic = image.metadata.HasField("generation_params") or SYNTHETIC & set(kept.get(_SOURCE_TYPE, ()))
    return COMPOSED_GENERATED if is_synthetic else COMPOSED


def _properties(image: Image, source_type: str) -> Properties:
    model = image.metadata.generation_params.model
    system = {"Iptc4xmpExt:AISystemUsed": (ai_system(model),)} if model else {}
    return {
        _SOURCE_TYPE: (source_type,),
        "xmp:CreatorTool": (f"{SOFTWARE} {software_version()}",),
        "xmpMM:DocumentID": (f"uuid:{image.id}",),
        "xmpMM:VersionID": (str(image.version),),
        **system,
    }


def ai_system(model: str) -> str:
    """Return the name of the AI system that runs a model."""
    return f"GetImg.AI {model}"


@cache  # reading the metadata of the installed package takes longer than the rest
def software_version() -> str:
    """Return the version of this service."""
    return version(SOFTWARE)
