"""Provenance: source types, and no text from callers."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from tabletop.image.v1.image_pb2 import Image

from image_grpc.pictures.provenance import COMPOSED, COMPOSED_GENERATED, GENERATED, composed_statements, statements
from image_grpc.pictures.xmp import Properties, packet

IPTC = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
XMP_MM = "{http://ns.adobe.com/xap/1.0/mm/}"


def an_image(model: str) -> Image:
    image = Image(id="7c9e6679", version=3)
    if model:
        image.metadata.generation_params.model = model
    return image


def attributes(properties: Properties) -> dict[str, str]:
    return next(dict(element.attrib) for element in ElementTree.fromstring(packet(properties))[0])


def test_a_generated_image_names_its_model_and_version() -> None:
    written = attributes(statements(an_image('a "model" <1>'))({}))
    assert written[f"{IPTC}DigitalSourceType"] == GENERATED
    assert written[f"{IPTC}AISystemUsed"] == 'GetImg.AI a "model" <1>'
    assert written[f"{XMP_MM}DocumentID"] == "uuid:7c9e6679"
    assert written[f"{XMP_MM}VersionID"] == "3"


@pytest.mark.parametrize(("model", "source_type"), [("m", COMPOSED_GENERATED), ("", COMPOSED)])
def test_a_composed_image_is_generated_only_if_it_has_a_model(model: str, source_type: str) -> None:
    written = attributes(composed_statements(an_image(model))({}))
    assert written[f"{IPTC}DigitalSourceType"] == source_type
    assert (f"{IPTC}AISystemUsed" in written) is bool(model)


def test_a_composed_upload_that_says_it_was_generated_says_so_still() -> None:
    kept = {"Iptc4xmpExt:DigitalSourceType": (GENERATED,), "dc:creator": ("Ada",)}
    properties = composed_statements(an_image(""))(kept)
    assert properties["Iptc4xmpExt:DigitalSourceType"] == (COMPOSED_GENERATED,)
    assert properties["dc:creator"] == ("Ada",)
