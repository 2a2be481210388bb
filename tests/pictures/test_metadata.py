"""Nothing private leaves in any byte; creator, copyright, license and provenance stay."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable

import pytest
import pyvips
from hypothesis import given
from hypothesis import strategies as st
from tabletop.image.v1.image_pb2 import Normalization
from tabletop.image.v1.types_pb2 import ImageFormat, Size

from image_grpc.pictures import BadPicture, View, describe, fit, normalize, place, portrait, render, xmp
from image_grpc.pictures.decoding import inspect
from image_grpc.pictures.metadata import kept_properties
from image_grpc.pictures.provenance import COMPOSED_GENERATED, GENERATED
from tests.pictures.corpus import multi_picture, raw_png, scene, with_chunks
from tests.pictures.samples import AVIF, JPEG, PNG, WEBP, pixels

PRIVATE = (b"52.5163", b"jane@home.example", b"SN-4711", b"a secret note", b"GPSLatitude")
SUFFIXES = {PNG: ".png", JPEG: ".jpg[Q=95]", WEBP: ".webp[lossless=true]", AVIF: ".avif[lossless=true,effort=1]"}
every_format = pytest.mark.parametrize("format_", SUFFIXES, ids=[each[1:5] for each in SUFFIXES.values()])
KEPT = {
    "dc:creator": ("Ada Lovelace", "Mary Shelley"),
    "dc:rights": ("© 2026 Ada & Mary",),
    "xmpRights:UsageTerms": ("Ask first",),
    "xmpRights:WebStatement": ("https://rights.example/1",),
    "cc:license": ("https://creativecommons.org/licenses/by/4.0/",),
}


def private_packet() -> bytes:
    """Return a packet with rights between things that nobody else should read."""
    kept = xmp.packet(KEPT).decode()
    private = """
    xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:aux="http://ns.adobe.com/exif/1.0/aux/"
    xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
    exif:GPSLatitude="52.5163N" aux:SerialNumber="SN-4711" photoshop:Instructions="a secret note">
   <exif:UserComment>jane@home.example</exif:UserComment>"""
    head, bracket, rest = kept.partition('rdf:about=""')
    end = rest.index(">")
    return (head + bracket + rest[:end] + private + rest[end + 1 :]).encode()


def gps_exif(*texts: tuple[int, bytes]) -> bytes:
    """Return EXIF metadata with texts by tag, and a place."""
    entries = [(tag, 2, len(text) + 1, text + b"\0") for tag, text in texts]
    gps = [(1, 2, 2, b"N\0"), (2, 2, 8, b"52.5163\0")]
    start = 8 + 2 + 12 * (len(entries) + 1) + 4
    first, values = b"", b""
    for tag, type_, count, value in entries:
        inline = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack("<I", start + len(values))
        values += value if len(value) > 4 else b""
        first += struct.pack("<HHI", tag, type_, count) + inline
    place_at = start + len(values)
    first += struct.pack("<HHII", 0x8825, 4, 1, place_at)
    second = b"".join(
        struct.pack("<HHI", tag, type_, count)
        + (value.ljust(4, b"\0") if len(value) <= 4 else struct.pack("<I", place_at + 2 + 24 + 4))
        for tag, type_, count, value in gps
    )
    directory = struct.pack("<H", len(entries) + 1) + first + bytes(4) + values
    return b"Exif\0\0II*\0\x08\0\0\0" + directory + struct.pack("<H", 2) + second + bytes(4) + gps[1][3]


def iptc(*datasets: tuple[int, bytes]) -> bytes:
    """Return resources of Photoshop with IPTC datasets of record 2."""
    content = b"".join(struct.pack(">BBBH", 0x1C, 2, number, len(value)) + value for number, value in datasets)
    return (
        b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(content)) + content + bytes(len(content) % 2)
    )


def tagged(format_: ImageFormat, **metadata: bytes) -> bytes:
    """Return a picture with metadata fields of libvips, whose names have underscores here."""
    picture = pyvips.Image.new_from_array(scene()).copy(interpretation="srgb").copy_memory()
    for name, value in metadata.items():
        picture.set_type(pyvips.GValue.blob_type, name.replace("_", "-"), value)
    data: bytes = picture.write_to_buffer(SUFFIXES[format_])
    return data


def private_picture(format_: ImageFormat) -> bytes:
    exif = gps_exif((0x010E, b"a secret note"), (0xA431, b"SN-4711"))
    data = tagged(format_, xmp_data=private_packet(), exif_data=exif)
    match format_:
        case ImageFormat.IMAGE_FORMAT_PNG:
            return with_chunks(data, (b"tEXt", b"Comment\0jane@home.example"), (b"prVt", b"a secret note"))
        case ImageFormat.IMAGE_FORMAT_JPEG:
            resources = iptc((118, b"jane@home.example"), (120, b"a secret note"), (80, b"Ada Lovelace"))
            segments = ((0xED, resources), (0xFE, b"a secret note"), (0xE5, b"jane@home.example"))
            parts = b"".join(struct.pack(">BBH", 0xFF, each, len(part) + 2) + part for each, part in segments)
            return data[:2] + parts + data[2:] + b"a secret note"
        case ImageFormat.IMAGE_FORMAT_AVIF:  # also after its end
            return data + struct.pack(">I4s", 8 + 17, b"free") + b"jane@home.example"
    return data


def assert_nothing_private(data: bytes) -> None:
    for each in PRIVATE:
        assert each not in data
        assert each.decode().encode("utf-16-le") not in data


def kept(data: bytes) -> xmp.Properties:
    described, header = inspect(data)
    return kept_properties(header, data, described.format)


@every_format
def test_the_sample_has_private_metadata(format_: ImageFormat) -> None:
    assert b"a secret note" in private_picture(format_)


@every_format
def test_a_normalized_picture_keeps_rights_only(format_: ImageFormat) -> None:
    data = private_picture(format_)
    normalized = normalize(data)
    assert_nothing_private(normalized.data)
    assert kept(normalized.data) == KEPT
    assert normalized.changes == (Normalization.NORMALIZATION_METADATA_REMOVED,)
    if format_ != AVIF:
        assert pixels(normalized.data) == pixels(data), "the pixels are not encoded again"


OUTPUTS: dict[str, Callable[[bytes, ImageFormat], bytes]] = {
    "rendition": lambda data, format_: render(data, View(format=format_)),
    "thumbnail": lambda data, format_: render(data, View(format=format_, max_side=48)),
    "fitted": lambda data, format_: asyncio.run(fit(data, Size(width=96, height=64), format_)),
    "fitted smaller": lambda data, format_: asyncio.run(fit(data, Size(width=50, height=50), format_)),
}


@every_format
@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("target", [PNG, JPEG, WEBP, AVIF], ids=["png", "jpg", "webp", "avif"])
def test_what_is_made_of_a_picture_keeps_rights_only(format_: ImageFormat, output: str, target: ImageFormat) -> None:
    made = OUTPUTS[output](private_picture(format_), target)
    assert_nothing_private(made)
    assert kept(made) == KEPT


@every_format
@pytest.mark.parametrize("target", [PNG, WEBP], ids=["png", "webp"])
@pytest.mark.parametrize("scale", [1, 0.5])
def test_a_scene_has_nothing_private(format_: ImageFormat, target: ImageFormat, scale: float) -> None:
    assert_nothing_private(place(private_picture(format_), target, scale=scale, left=0, top=0, width=96, height=64))


@every_format
def test_a_portrait_has_no_metadata(format_: ImageFormat) -> None:
    made = portrait(private_picture(format_), 32).data
    assert_nothing_private(made)
    assert b"Ada" not in made


def test_rights_are_read_from_exif() -> None:
    data = tagged(JPEG, exif_data=gps_exif((0x013B, b"Ada Lovelace"), (0x8298, b"(c) Ada\0")))
    assert kept(normalize(data).data) == {"dc:creator": ("Ada Lovelace",), "dc:rights": ("(c) Ada",)}


def test_rights_in_latin_1_are_read() -> None:
    data = tagged(JPEG, exif_data=gps_exif((0x013B, "André".encode("latin-1"))))
    assert kept(data) == {"dc:creator": ("André",)}
    author = with_chunks(tagged(PNG), (b"tEXt", "Author\0Müller".encode("latin-1")))
    assert kept(author) == {"dc:creator": ("Müller",)}


def test_keywords_in_latin_1_are_no_obstacle() -> None:
    data = with_chunks(tagged(PNG), (b"tEXt", "Schöpfer\0x".encode("latin-1")))
    assert normalize(data).changes == (Normalization.NORMALIZATION_METADATA_REMOVED,)
    assert describe(render(data, View(format=WEBP, max_side=48))).width == 48


def test_rights_are_read_from_a_gif() -> None:
    gif = pyvips.Image.new_from_array(scene()).copy(interpretation="srgb").write_to_buffer(".gif")
    block = b"\x21\xff\x0bXMP DataXMP" + xmp.packet(KEPT) + bytes([1, *range(255, -1, -1), 0])
    assert kept(normalize(gif[:-1] + block + gif[-1:]).data) == KEPT


def test_what_other_programs_write_about_themselves_is_dropped() -> None:
    packet = xmp.packet({"xmp:CreatorTool": ("Jane's tool",), "xmpMM:DocumentID": ("uuid:of-jane",)})
    assert kept(tagged(WEBP, xmp_data=packet)) == {}


def fan_out(count: int) -> bytes:
    """Return EXIF metadata whose entries all refer to the directory that they are in."""
    entries = struct.pack("<HHII", 0x8769, 4, 1, 8) * count
    return b"II*\0\x08\0\0\0" + struct.pack("<H", count) + entries + bytes(4)


@pytest.mark.parametrize("count", [2, 5_000])
def test_exif_that_refers_to_itself_many_times_is_refused(count: int) -> None:
    block = fan_out(count)
    jpeg = tagged(JPEG)
    in_jpeg = jpeg[:2] + struct.pack(">BBH", 0xFF, 0xE1, len(block) + 8) + b"Exif\0\0" + block + jpeg[2:]
    after_fill = in_jpeg[:2] + b"\xff" * 100_000 + in_jpeg[2:]
    in_png = with_chunks(tagged(PNG), (b"eXIf", block))
    after_damage = in_png[:33] + b"\0\0\0\0prVtbad!" + in_png[33:]
    after_many = in_jpeg[:2] + b"\xff\xe5\x00\x02" * 30_000 + in_jpeg[2:]
    for data in (in_png, after_damage, in_jpeg, after_fill, after_many):
        with pytest.raises(BadPicture, match="EXIF"):
            normalize(data)


def test_rights_are_read_from_iptc_in_several_segments() -> None:
    first, second = iptc((80, b"Ada")), iptc((116, b"(c) Ada"))
    data = tagged(JPEG)
    parts = b"".join(struct.pack(">BBH", 0xFF, 0xED, len(each) + 2) + each for each in (first, second))
    assert kept(data[:2] + parts + data[2:]) == {"dc:creator": ("Ada",), "dc:rights": ("(c) Ada",)}


def test_rights_are_read_from_iptc() -> None:
    resources = iptc((80, b"Ada"), (80, "Zoë".encode("latin-1")), (116, "© Ada".encode()), (90, b"Berlin 52.5163"))
    data = tagged(JPEG)
    data = data[:2] + struct.pack(">BBH", 0xFF, 0xED, len(resources) + 2) + resources + data[2:]
    normalized = normalize(data).data
    assert kept(normalized) == {"dc:creator": ("Ada", "Zoë"), "dc:rights": ("© Ada",)}
    assert b"Berlin" not in normalized


def test_rights_are_read_from_png_texts() -> None:
    texts = ((b"tEXt", b"Author\0Ada"), (b"tEXt", b"Copyright\0(c) Ada"), (b"tEXt", b"Software\0a secret note"))
    normalized = normalize(with_chunks(tagged(PNG), *texts)).data
    assert kept(normalized) == {"dc:creator": ("Ada",), "dc:rights": ("(c) Ada",)}
    assert_nothing_private(normalized)


def test_a_large_packet_is_dropped() -> None:
    packet = xmp.packet({"dc:creator": ("Ada",)}).replace(b"Ada", b"Ada " * 1_250_000)
    data = with_chunks(tagged(PNG), (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet))
    assert len(data) > 5_000_000
    assert len(render(data, View(format=WEBP, max_side=64))) < 2_000
    assert len(normalize(data).data) < 2_000


def test_long_rights_leave_room_in_a_jpeg() -> None:
    packet = xmp.packet({"dc:rights": ("Ask first. " * 5_000,), "dc:creator": ("Ada",)})
    normalized = normalize(with_chunks(tagged(PNG), (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet))).data
    rendered = render(normalized, View(format=JPEG))
    assert len(kept(rendered)["dc:rights"][0]) == len("Ask first. " * 5_000) - 1


@pytest.mark.parametrize(
    "packet",
    [
        b"<x>not a packet</x>",
        b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>",
        b"",
        b"\xff\xfe\x00",
        b"<" * 5000,
        b"<?xml version='1.0' encoding='unknown'?><x/>",
    ],
)
def test_a_malformed_packet_is_dropped(packet: bytes) -> None:
    data = tagged(WEBP, xmp_data=packet or b" ")
    assert kept(data) == {}
    assert b"XMP " not in normalize(data).data


def test_what_was_generated_elsewhere_says_so() -> None:
    marked = tagged(JPEG, xmp_data=xmp.packet({"Iptc4xmpExt:DigitalSourceType": (GENERATED,)}))
    assert kept(render(marked, View(format=WEBP, max_side=40)))["Iptc4xmpExt:DigitalSourceType"] == (GENERATED,)


CAPTURED = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"


@pytest.mark.parametrize(
    ("credentials", "source_type"),
    [
        (f"jumb c2pa {GENERATED}", GENERATED),
        (f"an ingredient {CAPTURED}freason, then itself {GENERATED}freasonax", GENERATED),
        (f"an ingredient {GENERATED}freason, then itself {CAPTURED}fx", GENERATED),
        (f"nothing generated {CAPTURED}freasonax", CAPTURED),
        (f"{COMPOSED_GENERATED}x", COMPOSED_GENERATED),
    ],
)
def test_the_source_type_of_content_credentials_stays(credentials: str, source_type: str) -> None:
    data = with_chunks(tagged(PNG), (b"caBX", credentials.encode()))
    normalized = normalize(data).data
    assert b"caBX" not in normalized
    assert kept(normalized) == {"Iptc4xmpExt:DigitalSourceType": (source_type,)}


def test_text_is_reported_as_removed_also_if_pixels_are_encoded() -> None:
    deep = with_chunks(raw_png(scene().astype("uint16") * 257, 16, 2), (b"tEXt", b"Comment\0a secret note"))
    assert normalize(deep).changes == (
        Normalization.NORMALIZATION_DEPTH_REDUCED,
        Normalization.NORMALIZATION_METADATA_REMOVED,
    )


def test_one_long_property_does_not_push_out_the_others() -> None:
    packet = xmp.packet({"dc:creator": ("x" * 100_000,), "dc:rights": ("© Ada",)})
    assert xmp.parse(packet) == {"dc:rights": ("© Ada",)}


def test_deeply_nested_packets_are_read_at_once() -> None:
    levels = 3_000
    nested = b"<rdf:Description><dc:rights>" * levels + b"</dc:rights></rdf:Description>" * levels
    head, _, tail = xmp.packet({"dc:creator": ("Ada",)}).partition(b"\n  </rdf:Description>")
    assert xmp.parse(head + nested + b"\n  </rdf:Description>" + tail) == {"dc:creator": ("Ada",)}


def test_the_second_of_two_pictures_is_removed() -> None:
    normalized = normalize(multi_picture())
    assert set(normalized.changes) >= {Normalization.NORMALIZATION_FRAMES_REMOVED}
    assert normalized.data.count(b"\xff\xd8\xff") == 1
    assert describe(normalized.data).width == 96


texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=40).map(str.strip).filter(bool)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: st.lists(texts, min_size=1, max_size=3 if form is xmp.Form.LIST else 1).map(tuple)
            for name, form in xmp.PROPERTIES.items()
        },
    )
)
def test_properties_survive_a_packet(properties: dict[str, tuple[str, ...]]) -> None:
    assert xmp.parse(xmp.packet(properties)) == {
        name: tuple(each.replace("\ufffe", " ").replace("\uffff", " ").strip() for each in values)
        for name, values in properties.items()
    }


@given(st.binary(max_size=300))
def test_any_exif_is_read_without_error(block: bytes) -> None:
    for head in (b"Exif\0\0II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b""):
        data = tagged_exif(head + block)
        kept_properties(data, b"", JPEG)


def tagged_exif(block: bytes) -> pyvips.Image:
    picture = pyvips.Image.black(1, 1).copy()
    picture.set_type(pyvips.GValue.blob_type, "exif-data", block)
    return picture
