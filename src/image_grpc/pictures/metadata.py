"""What of a picture's metadata is kept: creator, copyright, license, and how the picture came into being.

Everything else is private: places, devices, people, notes, thumbnails of what was cropped away.
"""

import re
import struct
from collections.abc import Iterator, Mapping

import pyvips
from tabletop.image.v1.types_pb2 import ImageFormat

from image_grpc.pictures import exif, xmp
from image_grpc.pictures.containers import jpeg, png
from image_grpc.pictures.fields import blob
from image_grpc.pictures.manifests import has_manifest
from image_grpc.pictures.provenance import SOFTWARE, SYNTHETIC

_XMP, _EXIF = "xmp-data", "exif-data"
_EXIF_TAGS = {0x013B: "dc:creator", 0x8298: "dc:rights"}
_RESOURCE, _IPTC_RESOURCE = b"8BIM", 0x0404
_DATASET = 0x1C
_IPTC_DATASETS = {80: "dc:creator", 110: "photoshop:Credit", 116: "dc:rights"}
"""Of record 2 (IPTC IIM 4.2)."""
_PNG_KEYWORDS = {"author": "dc:creator", "copyright": "dc:rights"}
_OWN = ("xmp:CreatorTool", "xmpMM:DocumentID", "xmpMM:VersionID")
"""Properties that this service writes."""
_SOURCE_TYPE = "Iptc4xmpExt:DigitalSourceType"
_SOURCE_TYPES = re.compile(
    rb"http://cv\.iptc\.org/newscodes/digitalsourcetype/(?:"
    rb"compositeWithTrainedAlgorithmicMedia|compositeSynthetic|compositeCapture|composite|trainedAlgorithmicMedia|"
    rb"algorithmicMedia|algorithmicallyEnhanced|digitalCapture|computationalCapture|negativeFilm|positiveFilm|print|"
    rb"humanEdits|minorHumanEdits|dataDrivenMedia|digitalCreation|digitalArt|virtualRecording|screenCapture)"
)
"""The terms of IPTC. In a manifest, other text follows without a separator."""
_GIF_COMMENT = "gif-comment"
_FIELDS = (_XMP, _EXIF, "iptc-data", "icc-profile-data", "photoshop-data")
"""Of libvips. Not all fields of a picture are asked for: their names may be no text."""
_GIF_XMP, _XMP_END = b"XMP DataXMP", re.compile(rb"<\?xpacket end=[^>]{1,9}\?>")


def kept_properties(header: pyvips.Image, data: bytes, format_: ImageFormat) -> xmp.Properties:
    """Return what is kept of the metadata of a picture. XMP comes before IPTC, that before EXIF and PNG texts."""
    properties = dict(xmp.parse(_gif_xmp(data) if format_ == ImageFormat.IMAGE_FORMAT_GIF else blob(header, _XMP)))
    for others in (_iptc(data, format_), _exif(blob(header, _EXIF)), _png_texts(data, format_)):
        properties |= {name: values for name, values in others.items() if name not in properties}
    if not properties.get("xmp:CreatorTool", ("",))[0].startswith(SOFTWARE):
        # What other programs write here identifies the devices and files of people.
        properties = {name: values for name, values in properties.items() if name not in _OWN}
    if _SOURCE_TYPE not in properties and (source_type := _marked_source_type(data)):
        properties[_SOURCE_TYPE] = (source_type,)
    return xmp.ordered(properties)


def _gif_xmp(data: bytes) -> bytes:
    """Return the XMP packet of a GIF, which libvips does not read."""
    start = data.find(_GIF_XMP) + len(_GIF_XMP)
    end = _XMP_END.search(data, start, start + xmp.MAX_PACKET_BYTES) if start >= len(_GIF_XMP) else None
    return data[start : end.end()] if end is not None else b""


def has_more(header: pyvips.Image, data: bytes, format_: ImageFormat, packet: bytes) -> bool:
    """Return whether a picture has other metadata than an XMP packet and technical EXIF metadata."""
    has_texts = (
        png.has_texts(data) if format_ == ImageFormat.IMAGE_FORMAT_PNG else bool(header.get_typeof(_GIF_COMMENT))
    )
    if has_texts or has_manifest(data):
        return True
    allowed = {_XMP: packet, _EXIF: technical_exif(header)}
    return any(blob(header, field) != allowed.get(field, b"") for field in _FIELDS)


def _marked_source_type(data: bytes) -> str:
    """Return the digital source type that content credentials (C2PA) name, which a new encoding removes."""
    if not has_manifest(data):
        return ""
    # Ingredients come before the picture itself. What generative AI took part in is stated in any case.
    marked = [each.group().decode() for each in _SOURCE_TYPES.finditer(data)]
    return next((each for each in marked if each in SYNTHETIC), marked[-1] if marked else "")


def _png_texts(data: bytes, format_: ImageFormat) -> Mapping[str, tuple[str, ...]]:
    texts = png.texts(data) if format_ == ImageFormat.IMAGE_FORMAT_PNG else {}
    named = {_PNG_KEYWORDS.get(keyword.lower(), ""): _values(text) for keyword, text in texts.items()}
    return {name: values for name, values in named.items() if name and values}


def technical_exif(header: pyvips.Image) -> bytes:
    """Return the EXIF metadata of a picture if it only says how pixels are laid out, as some encoders always write."""
    block = blob(header, _EXIF)
    return block if exif.is_technical(block) else b""


def _exif(block: bytes) -> Mapping[str, tuple[str, ...]]:
    texts = {name: exif.text(block, tag) for tag, name in _EXIF_TAGS.items()}
    return {name: values for name, text in texts.items() if (values := _values(text))}


def _iptc(data: bytes, format_: ImageFormat) -> Mapping[str, tuple[str, ...]]:
    """Return the properties in the IPTC metadata of a JPEG."""
    if format_ != ImageFormat.IMAGE_FORMAT_JPEG:
        return {}
    properties: dict[str, tuple[str, ...]] = {}
    for record, dataset, value in _datasets(jpeg.photoshop_resources(data)):
        if record == 2 and dataset in _IPTC_DATASETS:
            name = _IPTC_DATASETS[dataset]
            properties[name] = properties.get(name, ()) + _values(exif.decoded(value))
    return {
        name: values if xmp.PROPERTIES[name] is xmp.Form.LIST else values[:1]
        for name, values in properties.items()
        if values
    }


def _datasets(resources: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield record, number and value of each IPTC dataset in resources of Photoshop."""
    start = resources.find(_RESOURCE)
    while start >= 0 and start + 7 <= len(resources) and resources.startswith(_RESOURCE, start):
        (id_,) = struct.unpack_from(">H", resources, start + 4)
        content = start + 6 + (resources[start + 6] + 2) // 2 * 2
        if content + 4 > len(resources):
            return
        (length,) = struct.unpack_from(">I", resources, content)
        end = min(len(resources), content + 4 + length)
        position = content + 4
        while id_ == _IPTC_RESOURCE and position + 5 <= end and resources[position] == _DATASET:
            record, dataset, size = struct.unpack_from(">BBH", resources, position + 1)
            yield record, dataset, resources[position + 5 : min(end, position + 5 + size)]
            position += 5 + size
        start = content + 4 + length + length % 2


def _values(text: str) -> tuple[str, ...]:
    stripped = text.strip(" \0")
    return (stripped,) if stripped else ()
