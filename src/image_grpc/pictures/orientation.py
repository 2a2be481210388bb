"""Which way up a picture is: EXIF orientation, applied once when a picture is decoded.

Values 1 to 8: EXIF 2.32, tag 0x0112. Loaders of AVIF turn pictures themselves, by the properties `irot` and `imir`.
"""

import pyvips

_UPRIGHT = 1
_FIRST_SIDEWAYS = 5


def of(header: pyvips.Image) -> int:
    """Return the orientation, 1 to 8; that of a picture without one, or with another value, is 1."""
    orientation = int(header.get("orientation")) if header.get_typeof("orientation") else _UPRIGHT
    return orientation if 1 <= orientation <= 8 else _UPRIGHT


def is_turned(header: pyvips.Image) -> bool:
    """Return whether a picture has to be turned or mirrored to be upright."""
    return of(header) != _UPRIGHT


def upright_size(header: pyvips.Image) -> tuple[int, int]:
    """Return the width and height of the upright picture."""
    return (header.height, header.width) if of(header) >= _FIRST_SIDEWAYS else (header.width, header.height)


def upright(picture: pyvips.Image) -> pyvips.Image:
    """Return a picture turned upright. One that is turned is decoded into memory first, because rows become columns."""
    return picture.copy_memory().autorot() if is_turned(picture) else picture
