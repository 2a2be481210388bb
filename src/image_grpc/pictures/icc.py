"""ICC profiles of colors that a file describes by other means.

Layout: ICC.1:2022, sections 7 and 10. Primaries and transfer characteristics: ITU-T H.273, tables 2 and 3.
"""

import struct
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Curve = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Encoded values of 0 to 1 to linear ones."""
Chromaticities = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]
"""The x and y of white, red, green and blue."""

D65 = (0.3127, 0.329)
SRGB: Chromaticities = (D65, (0.64, 0.33), (0.3, 0.6), (0.15, 0.06))
BT2020: Chromaticities = (D65, (0.708, 0.292), (0.17, 0.797), (0.131, 0.046))
DISPLAY_P3: Chromaticities = (D65, (0.68, 0.32), (0.265, 0.69), (0.15, 0.06))
_PRIMARIES = {9: BT2020, 12: DISPLAY_P3}
_REFERENCE_WHITE = 203
"""Brightness of white in HDR pictures in cd/m2 (ITU-R BT.2408); what is brighter becomes white."""
_D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_CURVE_POINTS = 4096


def gamma(exponent: float) -> Curve:
    """Return the curve of a power."""
    return lambda encoded: encoded**exponent


def srgb_curve(encoded: NDArray[np.float64]) -> NDArray[np.float64]:
    """The transfer function of sRGB (IEC 61966-2-1)."""
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def _perceptual_quantizer(encoded: NDArray[np.float64]) -> NDArray[np.float64]:
    """SMPTE ST 2084, up to the reference white."""
    power = encoded ** (32 / 2523)
    nits: NDArray[np.float64] = 10_000 * (np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)) ** (
        16384 / 2610
    )
    return np.minimum(1, nits / _REFERENCE_WHITE)


def _hybrid_log_gamma(encoded: NDArray[np.float64]) -> NDArray[np.float64]:
    """ITU-R BT.2100, up to the reference white, which is at 75 %."""

    def linear(value: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(value <= 0.5, value**2 / 3, (np.exp((value - 0.55991073) / 0.17883277) + 0.28466892) / 12)

    return np.minimum(1, linear(encoded) / linear(np.array(0.75)))


_CURVES: dict[int, Curve] = {
    4: gamma(2.2),
    5: gamma(2.8),
    8: gamma(1),
    16: _perceptual_quantizer,
    18: _hybrid_log_gamma,
}


def coded_profile(primaries: int, transfer: int) -> bytes | None:
    """Return the profile of code points of H.273. None if they mean sRGB, as all that are not listed here do."""
    if primaries not in _PRIMARIES and transfer not in _CURVES:
        return None
    return rgb_profile(_PRIMARIES.get(primaries, SRGB), _CURVES.get(transfer, srgb_curve))


def rgb_profile(chromaticities: Chromaticities, curve: Curve) -> bytes:
    """Return a profile of a display with three primaries and one curve. Raises ValueError for impossible primaries."""
    if any(y <= 0 for _, y in chromaticities):
        raise ValueError("the y of white and of each primary must be more than 0")
    white, *primaries = (np.array([x / y, 1, (1 - x - y) / y]) for x, y in chromaticities)
    matrix = np.array(primaries).T
    try:
        matrix = matrix * np.linalg.solve(matrix, white)
    except np.linalg.LinAlgError as error:
        raise ValueError("the primaries are on one line") from error
    adapted = np.linalg.solve(_BRADFORD, np.diag((_BRADFORD @ _D50) / (_BRADFORD @ white)) @ _BRADFORD) @ matrix
    if np.abs(adapted).max() > 4:
        raise ValueError("the primaries are too far apart")
    colorants = {name: _xyz(column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), adapted.T, strict=True)}
    return _profile(b"RGB ", colorants | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _table(curve)))


def gray_profile(curve: Curve) -> bytes:
    """Return a profile of shades of gray."""
    return _profile(b"GRAY", {b"kTRC": _table(curve)})


def _profile(color_space: bytes, tags: dict[bytes, bytes]) -> bytes:
    tags = {b"desc": _text("image-grpc"), b"cprt": _text("none"), b"wtpt": _xyz(_D50), **tags}
    offset, index, body = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        index += name + struct.pack(">II", offset + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    fields = (offset + len(body), b"", 0x0430_0000, b"mntr", color_space, b"XYZ ", b"", b"acsp")
    header = struct.pack(">I4sI4s4s4s12s4s28s", *fields, b"") + b"".join(_fixed(each) for each in _D50)
    return header.ljust(128, b"\0") + index + body


def _table(curve: Curve) -> bytes:
    values = np.clip(curve(np.linspace(0, 1, _CURVE_POINTS)), 0, 1) * 65535
    return b"curv" + struct.pack(">II", 0, _CURVE_POINTS) + values.round().astype(">u2").tobytes()


def _xyz(values: NDArray[np.float64]) -> bytes:
    return b"XYZ " + bytes(4) + b"".join(_fixed(each) for each in values)


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _text(text: str) -> bytes:
    encoded = text.encode("utf-16-be")
    return b"mluc" + struct.pack(">III2s2sII", 0, 1, 12, b"en", b"US", len(encoded), 28) + encoded
