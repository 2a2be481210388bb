"""Pictures as bytes: header checks, fitting, rendering with drawings, provenance metadata.

`check` and `fit` run in a worker thread. Other functions that decode say so: call them in a worker thread.
"""

from image_grpc.pictures.decoding import check
from image_grpc.pictures.fitting import fit, square
from image_grpc.pictures.header import MAX_PIXELS, MAX_SIDE, BadPicture, Description, describe, size_of
from image_grpc.pictures.libvips import configure
from image_grpc.pictures.rendering import Box, Drawing, render

__all__ = [
    "MAX_PIXELS",
    "MAX_SIDE",
    "BadPicture",
    "Box",
    "Description",
    "Drawing",
    "check",
    "configure",
    "describe",
    "fit",
    "render",
    "size_of",
    "square",
]
