"""Pictures as bytes: every one that enters or leaves is decoded, turned, converted, stripped and encoded here.

`check` and `fit` are coroutines. Other functions that take time say so: call them in a worker thread.
"""

from image_grpc.pictures.decoding import (
    MAX_SIDE,
    BadPicture,
    Description,
    check,
    configure,
    describe,
    is_large,
    max_pixels_of,
    size_of,
)
from image_grpc.pictures.drawings import Drawing, draw, mask
from image_grpc.pictures.encoding import media_type
from image_grpc.pictures.luminance import drawn_luminance, luminance
from image_grpc.pictures.normalization import Normalized, encoded_format, normalize
from image_grpc.pictures.portraits import Portrait, portrait
from image_grpc.pictures.rendering import Composition, Region, View, fit, place, render

__all__ = [
    "MAX_SIDE",
    "BadPicture",
    "Composition",
    "Description",
    "Drawing",
    "Normalized",
    "Portrait",
    "Region",
    "View",
    "check",
    "configure",
    "describe",
    "draw",
    "drawn_luminance",
    "encoded_format",
    "fit",
    "is_large",
    "luminance",
    "mask",
    "max_pixels_of",
    "media_type",
    "normalize",
    "place",
    "portrait",
    "render",
    "size_of",
]
