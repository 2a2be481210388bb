"""What a picture says about its origin, for programs that have only the file.

Terms: https://cv.iptc.org/newscodes/digitalsourcetype/ and the IPTC Photo Metadata Standard 2025.1. Nothing is text of
callers: no prompt, no source.
"""

from collections.abc import Callable
from functools import cache
from importlib.metadata import version

from tabletop.image.v1.image_pb2 import Image

from image_grpc.pictures.xmp import Properties

GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
COMPOSED_GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
COMPOSED = "http://cv.iptc.org/newscodes/digitalsourcetype/composite"

_SOURCE_TYPE = "Iptc4xmpExt:DigitalSourceType"


Statements = Callable[[Properties], Properties]
"""What a picture says, given the properties that are kept of the picture that it was made from."""


def own_statements(kept: Properties) -> Properties:
    """State what the picture that it was made from says, and nothing else."""
    return kept


def statements(image: Image) -> Statements:
    """Return the statements of a version of a generated image."""
    return lambda kept: {**kept, **_properties(image, GENERATED)}


def composed_statements(image: Image) -> Statements:
    """Return the statements of a version of an image with its overlays drawn over it."""

    def state(kept: Properties) -> Properties:
        is_generated = _is_generated(image) or GENERATED in kept.get(_SOURCE_TYPE, ())
        return {**kept, **_properties(image, COMPOSED_GENERATED if is_generated else COMPOSED)}

    return state


def _is_generated(image: Image) -> bool:
    return bool(image.metadata.generation_params.model)


def _properties(image: Image, source_type: str) -> Properties:
    model = image.metadata.generation_params.model
    system = {"Iptc4xmpExt:AISystemUsed": (f"GetImg.AI {model}",)} if model else {}
    return {
        _SOURCE_TYPE: (source_type,),
        "xmp:CreatorTool": (f"image-grpc {_version()}",),
        "xmpMM:DocumentID": (f"uuid:{image.id}",),
        "xmpMM:VersionID": (str(image.version),),
        **system,
    }


@cache  # reading the metadata of the installed package takes longer than the rest
def _version() -> str:
    return version("image-grpc")
