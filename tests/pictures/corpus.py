"""Pictures as people bring them, each with the pixels that a reader must see.

`python -m tests.pictures.corpus FOLDER` writes them all, and a contact sheet of how the service renders them.
"""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyvips
from numpy.typing import NDArray

from image_grpc import pictures
from image_grpc.pictures import icc
from tests.pictures.samples import PNG

Color = tuple[int, ...]
"""Red, green, blue, and alpha if there is any: 0 to 255, sRGB."""
Pixels = NDArray[np.uint8] | NDArray[np.uint16]

WIDTH, HEIGHT = 96, 64
"""Of the upright picture."""
RED, GREEN, BLUE, GRAY = (200, 60, 50), (60, 180, 90), (50, 80, 190), (128, 128, 128)
LOSSLESS, CONVERTED, LOSSY = 1, 2, 10
ADOBE_RGB: icc.Chromaticities = (icc.D65, (0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
_GAMMA_2_2 = icc.gamma(2.2)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A file, and the colors of the middles of its quarters, row by row, when it is seen upright."""

    name: str
    data: bytes
    colors: Sequence[Color] = (RED, GREEN, BLUE, GRAY)
    tolerance: int = LOSSLESS
    """By how much a channel may differ."""
    width: int = WIDTH
    height: int = HEIGHT


def samples() -> Iterator[Sample]:
    """Yield all pictures."""
    yield from _turned()
    yield from _profiled()
    yield from _declared()
    yield from _deep()
    yield from _transparent()
    yield from _special()


def scene(colors: Sequence[Color] = (RED, GREEN, BLUE, GRAY)) -> NDArray[np.uint8]:
    """Return a picture of four quarters, of the shape (HEIGHT, WIDTH, channels)."""
    quarters = np.array(colors, dtype=np.uint8).reshape(2, 2, -1)
    return quarters.repeat(HEIGHT // 2, axis=0).repeat(WIDTH // 2, axis=1)


def encoded(pixels: Pixels, suffix: str, **metadata: bytes | int) -> bytes:
    """Encode pixels with metadata fields of libvips, whose names have underscores here."""
    names = {1: ("b-w", "grey16"), 2: ("b-w", "grey16"), 3: ("srgb", "rgb16"), 4: ("srgb", "rgb16")}
    picture = pyvips.Image.new_from_array(pixels)
    picture = picture.copy(interpretation=names[picture.bands][pixels.dtype == np.uint16])
    for name, value in metadata.items():
        kind = pyvips.GValue.blob_type if isinstance(value, bytes) else pyvips.GValue.gint_type
        picture.set_type(kind, name.replace("_", "-"), value)
    data: bytes = picture.write_to_buffer(suffix)
    return data


LOSSLESS_SUFFIXES = (".png", ".webp[lossless=true]", ".avif[lossless=true,effort=1]")
"""Of libvips."""
_SUFFIXES = (*LOSSLESS_SUFFIXES, ".jpg[Q=95,subsample_mode=off]")


def _named(suffix: str, *words: str) -> str:
    return "-".join((*words, suffix[1:].partition("[")[0]))


def _tolerance(suffix: str, other: int = LOSSLESS) -> int:
    return LOSSY if suffix.startswith(".jpg") else other


def _turned() -> Iterator[Sample]:
    """Yield pictures with each EXIF orientation: how the stored pixels have to be turned to be upright."""
    stored: Sequence[Callable[[Pixels], Pixels]] = (
        lambda upright: upright,
        lambda upright: upright[:, ::-1],
        lambda upright: upright[::-1, ::-1],
        lambda upright: upright[::-1],
        lambda upright: upright.transpose(1, 0, 2),
        np.rot90,
        lambda upright: np.rot90(upright, 2).transpose(1, 0, 2),
        lambda upright: np.rot90(upright, -1),
    )
    for suffix in _SUFFIXES:
        for orientation, turn in enumerate(stored, 1):
            data = encoded(np.ascontiguousarray(turn(scene())), suffix, orientation=orientation)
            yield Sample(name=_named(suffix, "orientation", str(orientation)), data=data, tolerance=_tolerance(suffix))


def seen_as(color: Color, chromaticities: icc.Chromaticities, curve: icc.Curve) -> Color:
    """Return a color of another color space in sRGB, by the textbook: relative colorimetric, out of gamut clipped."""

    def matrix(of: icc.Chromaticities) -> NDArray[np.float64]:
        white, *primaries = (np.array([x / y, 1, (1 - x - y) / y]) for x, y in of)
        return np.array(primaries).T * np.linalg.solve(np.array(primaries).T, white)

    linear = np.linalg.solve(matrix(icc.SRGB), matrix(chromaticities) @ curve(np.array(color[:3]) / 255)).clip(0, 1)
    coded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return (*(int(each) for each in (coded * 255).round()), *color[3:])


def _profiled() -> Iterator[Sample]:
    spaces = {
        "srgb": (icc.SRGB, icc.srgb_curve),
        "display-p3": (icc.DISPLAY_P3, icc.srgb_curve),
        "adobe-rgb": (ADOBE_RGB, icc.gamma(563 / 256)),
        "bt2020": (icc.BT2020, icc.gamma(2.4)),
    }
    colors = ((60, 200, 90), (230, 120, 40), (40, 60, 150), GRAY)
    for name, (chromaticities, curve) in spaces.items():
        profile = icc.rgb_profile(chromaticities, curve)
        seen = [seen_as(color, chromaticities, curve) for color in colors]
        for suffix in _SUFFIXES:
            data = encoded(scene(colors), suffix, icc_profile_data=profile)
            yield Sample(name=_named(suffix, name), data=data, colors=seen, tolerance=_tolerance(suffix, CONVERTED))
        deep = encoded(scene(colors).astype(np.uint16) * 257, ".png", icc_profile_data=profile)
        yield Sample(name=f"{name}-16-png", data=deep, colors=seen, tolerance=CONVERTED)
        for suffix in LOSSLESS_SUFFIXES:
            alphas = [(*color, alpha) for color, alpha in zip(colors, (255, 128, 64, 200), strict=True)]
            seen_through = [seen_as(color, chromaticities, curve) for color in alphas]
            data = encoded(scene(alphas), suffix, icc_profile_data=profile)
            yield Sample(name=_named(suffix, name, "alpha"), data=data, colors=seen_through, tolerance=CONVERTED)
    shades = ((20,), (90,), (160,), (240,))
    seen = [seen_as(shade * 3, icc.SRGB, _GAMMA_2_2) for shade in shades]
    for suffix in (".png", ".jpg[Q=95]"):
        data = encoded(scene(shades), suffix, icc_profile_data=icc.gray_profile(_GAMMA_2_2))
        yield Sample(
            name=_named(suffix, "gray-profile"), data=data, colors=seen, tolerance=_tolerance(suffix, CONVERTED)
        )
    misfit = encoded(scene(), ".png", icc_profile_data=icc.gray_profile(_GAMMA_2_2))
    yield Sample(name="gray-profile-of-rgb-png", data=misfit, tolerance=CONVERTED)
    yield from _cmyk()


def _cmyk() -> Iterator[Sample]:
    inks = scene([(0, 0, 0, 0), (0, 230, 230, 0), (230, 0, 230, 0), (0, 0, 0, 255)])
    printed = pyvips.Image.new_from_array(inks).copy(interpretation="cmyk")
    seen = ((255, 255, 255), (236, 50, 50), (0, 160, 90), (35, 31, 32))
    plain = printed.write_to_buffer(".jpg[Q=95]")
    yield Sample(name="cmyk-jpg", data=plain, colors=seen, tolerance=35)
    profile = printed.icc_transform("srgb", input_profile="cmyk").icc_transform("cmyk").get("icc-profile-data")
    printed.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    yield Sample(name="cmyk-profile-jpg", data=printed.write_to_buffer(".jpg[Q=95]"), colors=seen, tolerance=35)


def _declared() -> Iterator[Sample]:
    """Yield pictures whose colors the file describes without a profile."""
    plain = encoded(scene(), ".png")
    p3 = [seen_as(color, icc.DISPLAY_P3, icc.srgb_curve) for color in (RED, GREEN, BLUE, GRAY)]
    adobe = [seen_as(color, ADOBE_RGB, icc.gamma(2.2)) for color in (RED, GREEN, BLUE, GRAY)]
    linear = [seen_as(color, icc.SRGB, icc.gamma(1)) for color in (RED, GREEN, BLUE, GRAY)]
    chromaticities = struct.pack(">8I", *(round(each * 100_000) for point in ADOBE_RGB for each in point))
    gamma_2_2, gamma_1 = (with_chunks(plain, (b"gAMA", struct.pack(">I", each))) for each in (45_455, 100_000))
    yield Sample(name="cicp-png", data=with_chunks(plain, (b"cICP", bytes([12, 13, 0, 1]))), colors=p3, tolerance=2)
    yield Sample(name="gamma-png", data=gamma_2_2)
    yield Sample(name="linear-png", data=gamma_1, colors=linear, tolerance=CONVERTED)
    yield Sample(
        name="chromaticities-png",
        data=with_chunks(gamma_2_2, (b"cHRM", chromaticities)),
        colors=adobe,
        tolerance=CONVERTED,
    )
    avif = encoded(scene(), ".avif[lossless=true,effort=1]")
    start = avif.index(b"colrnclx") + 8
    coded = avif[:start] + struct.pack(">HH", 12, 13) + avif[start + 4 :]
    yield Sample(name="code-points-avif", data=coded, colors=p3, tolerance=CONVERTED)


def with_chunks(data: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """Return a PNG picture with other chunks after its header."""
    return data[:33] + b"".join(chunk(*each) for each in chunks) + data[33:]


def chunk(name: bytes, content: bytes = b"") -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


_GRAYS, _TRUECOLOR, _PALETTE, _GRAYS_WITH_ALPHA, _WITH_ALPHA = 0, 2, 3, 4, 6
"""Color types of PNG."""


def raw_png(values: Pixels, depth: int, color_type: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """Return a PNG with samples of `depth` bits, of the shape (height, width, channels)."""
    rows = values.reshape(values.shape[0], -1)
    if depth == 16:
        packed = rows.astype(">u2").view(np.uint8)
    else:
        bits = np.unpackbits(rows.astype(np.uint8)[..., None], axis=-1)[..., 8 - depth :]
        packed = np.packbits(bits.reshape(rows.shape[0], -1), axis=-1)
    lines = np.hstack([np.zeros((len(packed), 1), dtype=np.uint8), packed]).tobytes()
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], depth, color_type, 0, 0, 0)
    parts = (b"IHDR", header), *chunks, (b"IDAT", zlib.compress(lines)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in parts)


def _deep() -> Iterator[Sample]:
    for depth in (1, 2, 4, 8, 16):
        top = 2**depth - 1
        shades = scene([(0,), (top // 3 % 256,), (top * 2 // 3 % 256,), (top % 256,)]).astype(np.uint16)
        if depth == 16:
            shades *= 257
        seen = [
            (round(int(each[0]) * 255 / top),) * 3
            for each in (shades[0, 0], shades[0, -1], shades[-1, 0], shades[-1, -1])
        ]
        yield Sample(name=f"gray-{depth}-png", data=raw_png(shades, depth, _GRAYS), colors=seen)
        clear = struct.pack(">H", int(shades[0, 0, 0]))
        with_clear = raw_png(shades, depth, _GRAYS, (b"tRNS", clear))
        yield Sample(
            name=f"gray-{depth}-trns-png",
            data=with_clear,
            colors=[(*color, alpha_of) for color, alpha_of in zip(seen, _alphas(shades), strict=True)],
        )
    palette = bytes(channel for color in (RED, GREEN, BLUE, GRAY) for channel in color)
    indices = scene([(0,), (1,), (2,), (3,)])
    for depth in (2, 4, 8):
        yield Sample(name=f"palette-{depth}-png", data=raw_png(indices, depth, _PALETTE, (b"PLTE", palette)))
    two = raw_png(scene([(0,), (1,), (1,), (0,)]), 1, _PALETTE, (b"PLTE", palette[:6]))
    yield Sample(name="palette-1-png", data=two, colors=(RED, GREEN, GREEN, RED))
    clear_palette = raw_png(indices, 8, _PALETTE, (b"PLTE", palette), (b"tRNS", bytes([0, 128])))
    alphas = (*RED, 0), (*GREEN, 128), (*BLUE, 255), (*GRAY, 255)
    yield Sample(name="palette-8-trns-png", data=clear_palette, colors=alphas)
    for depth, factor in ((8, 1), (16, 257)):
        clear = struct.pack(">3H", *(each * factor for each in RED))
        data = raw_png(scene().astype(np.uint16) * factor, depth, _TRUECOLOR, (b"tRNS", clear))
        seen_alphas = (*RED, 0), (*GREEN, 255), (*BLUE, 255), (*GRAY, 255)
        yield Sample(name=f"rgb-{depth}-trns-png", data=data, colors=seen_alphas)
    yield Sample(name="rgb-16-png", data=raw_png(scene().astype(np.uint16) * 257, 16, _TRUECOLOR))
    for bits in (10, 12):
        deep = encoded(scene().astype(np.uint16) * 257, f".avif[lossless=true,effort=1,bitdepth={bits}]")
        yield Sample(name=f"rgb-{bits}-avif", data=deep)


def _alphas(shades: Pixels) -> list[int]:
    corners = (shades[0, 0], shades[0, -1], shades[-1, 0], shades[-1, -1])
    return [0 if corner[0] == shades[0, 0, 0] else 255 for corner in corners]


def _transparent() -> Iterator[Sample]:
    colors = (*RED, 255), (*GREEN, 128), (*BLUE, 32), (*GRAY, 200)
    for suffix in LOSSLESS_SUFFIXES:
        yield Sample(name=_named(suffix, "alpha"), data=encoded(scene(colors), suffix), colors=colors)
    deep = scene(colors).astype(np.uint16) * 257
    yield Sample(name="alpha-16-png", data=raw_png(deep, 16, _WITH_ALPHA), colors=colors)
    shades = (20, 255), (90, 128), (160, 32), (240, 200)
    seen = [(shade, shade, shade, alpha) for shade, alpha in shades]
    yield Sample(name="gray-alpha-png", data=raw_png(scene(shades), 8, _GRAYS_WITH_ALPHA), colors=seen)
    deep_shades = scene(shades).astype(np.uint16) * 257
    yield Sample(name="gray-alpha-16-png", data=raw_png(deep_shades, 16, _GRAYS_WITH_ALPHA), colors=seen)


def _special() -> Iterator[Sample]:
    yield Sample(name="progressive-jpg", data=encoded(scene(), ".jpg[Q=95,interlace=true]"), tolerance=LOSSY)
    yield Sample(name="subsampled-jpg", data=encoded(scene(), ".jpg[Q=95]"), tolerance=LOSSY)
    yield Sample(name="interlaced-png", data=encoded(scene(), ".png[interlace=true]"))
    yield Sample(
        name="gray-jpg",
        data=encoded(scene([(0,), (90,), (160,), (255,)]), ".jpg[Q=95]"),
        colors=_GRAYSCALE,
        tolerance=4,
    )
    lossy = encoded(scene(), ".webp[Q=95,smart_subsample=true]")
    yield Sample(name="lossy-webp", data=lossy, tolerance=LOSSY)
    yield Sample(name="gif", data=encoded(scene(), ".gif[dither=0]"), tolerance=4)
    clear = scene([(*RED, 255), (*GREEN, 0), (*BLUE, 255), (*GRAY, 255)])
    seen = (*RED, 255), (0, 0, 0, 0), (*BLUE, 255), (*GRAY, 255)
    yield Sample(name="transparent-gif", data=encoded(clear, ".gif[dither=0]"), colors=seen, tolerance=4)
    frames = pyvips.Image.new_from_array(np.vstack([scene(), scene()[::-1]])).copy(interpretation="srgb")
    frames.set_type(pyvips.GValue.gint_type, "page-height", HEIGHT)
    for suffix in (".gif[dither=0]", ".webp[lossless=true]"):
        data = frames.write_to_buffer(suffix)
        yield Sample(name=_named(suffix, "animated"), data=data, tolerance=4)
    yield Sample(name="animated-png", data=animated_png())
    yield Sample(name="mpo", data=multi_picture(), tolerance=LOSSY)


_GRAYSCALE: Sequence[Color] = ((0, 0, 0), (90, 90, 90), (160, 160, 160), (255, 255, 255))


def animated_png() -> bytes:
    """Return an animated PNG: the scene, then another picture."""
    first, second = encoded(scene(), ".png"), encoded(scene()[::-1], ".png")
    frame = struct.pack(">IIIIHHBB", WIDTH, HEIGHT, 0, 0, 1, 10, 0, 0)
    start = second.index(b"IDAT") - 4
    pixels = second[start + 8 : second.index(b"IEND") - 8]
    more = chunk(b"fcTL", struct.pack(">I", 1) + frame) + chunk(b"fdAT", struct.pack(">I", 2) + pixels)
    data = with_chunks(first, (b"acTL", struct.pack(">II", 2, 0)), (b"fcTL", struct.pack(">I", 0) + frame))
    end = data.index(b"IEND") - 4
    return data[:end] + more + data[end:]


def multi_picture() -> bytes:
    """Return two pictures in one file, as cameras for stereo and previews write them."""
    first, second = encoded(scene(), ".jpg[Q=95]"), encoded(scene()[::-1], ".jpg[Q=95]")
    content = b"MPF\0" + b"MM\0*\0\0\0\x08" + bytes(90)
    return first[:2] + struct.pack(">BBH", 0xFF, 0xE2, len(content) + 2) + content + first[2:] + second


def write_all(folder: Path) -> None:
    """Write each picture, and a contact sheet of how the service renders them on white."""
    folder.mkdir(parents=True, exist_ok=True)
    tiles, names = [], []
    for sample in samples():
        (folder / sample.name).write_bytes(sample.data)
        rendered = pyvips.Image.new_from_buffer(pictures.render(sample.data, pictures.View(format=PNG)), "")
        tiles.append(rendered.flatten(background=255) if rendered.hasalpha() else rendered)
        names.append(sample.name)
    across = 12
    sheet = pyvips.Image.arrayjoin(tiles, across=across, shim=6, background=255)
    sheet.write_to_file(str(folder / "contact-sheet.png"))
    rows: Mapping[int, list[str]] = {row: names[row : row + across] for row in range(0, len(names), across)}
    (folder / "contact-sheet.txt").write_text("\n".join(", ".join(row) for row in rows.values()))


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))
