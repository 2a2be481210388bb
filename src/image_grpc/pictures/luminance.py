"""How bright pictures and drawings are, as arrays of the shape (height, width)."""

import numpy as np
import pyvips
from numpy.typing import NDArray

from image_grpc.pictures.decoding import opened
from image_grpc.pictures.drawings import Drawing, rasterize


def luminance(data: bytes, width: int, height: int) -> NDArray[np.float64]:
    """Return how bright a picture is, scaled to `width` x `height` pixels: 0 to 255. Takes time. Raises BadPicture."""
    with opened(data) as picture:
        small = picture.thumbnail_image(width, height=height, size="force")
        return _brightness(small.flatten() if small.hasalpha() else small)


def drawn_luminance(drawing: Drawing, width: int, height: int) -> NDArray[np.float64]:
    """Return how bright a drawing of `width` x `height` pixels is, in the same way. Takes time."""
    return _brightness(rasterize(drawing, width, height).flatten(background=0))


def _brightness(picture: pyvips.Image) -> NDArray[np.float64]:
    gray = picture.colourspace("b-w").extract_band(0).numpy()
    return np.asarray(gray, dtype=np.float64).reshape(picture.height, picture.width)
