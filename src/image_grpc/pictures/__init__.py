"""Pictures as bytes: header checks, fitting, rendering with drawings, provenance metadata.

`check` and `fit` run in a worker thread. Other functions that take time say so: call them in a worker thread.
"""

from image_grpc.pictures.decoding import BadPicture, Description, check, configure, describe, size_of
from image_grpc.pictures.rendering import draw, drawn_luminance, fit, luminance, mask, place, render, square

__all__ = [
    "BadPicture",
    "Description",
    "check",
    "configure",
    "describe",
    "draw",
    "drawn_luminance",
    "fit",
    "luminance",
    "mask",
    "place",
    "render",
    "size_of",
    "square",
]
