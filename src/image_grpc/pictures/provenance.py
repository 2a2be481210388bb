"""What a picture's own metadata tell of where it comes from, as XMP: for programs that see the file alone.

Terms: https://cv.iptc.org/newscodes/digitalsourcetype/ and the IPTC Photo Metadata Standard 2025.1. Nothing is
told that a caller wrote: no prompt, no source.
"""

from __future__ import annotations

from importlib.metadata import version
from xml.sax.saxutils import escape

from tabletop.image.v1.image_pb2 import Image

GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
COMPOSED_GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
COMPOSED = "http://cv.iptc.org/newscodes/digitalsourcetype/composite"

_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    Iptc4xmpExt:DigitalSourceType="{source_type}"
    xmp:CreatorTool="{tool}"{system}
    xmpMM:DocumentID="uuid:{id}"
    xmpMM:VersionID="{version}"/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


def xmp(image: Image, *, composed: bool = False) -> bytes:
    """The XMP packet of a version of an image, or of what is composed of it with its overlays."""
    model = image.metadata.generation_params.model
    composite = COMPOSED_GENERATED if model else COMPOSED
    source_type = composite if composed else GENERATED
    system = f'\n    Iptc4xmpExt:AISystemUsed="GetImg.AI {_attribute(model)}"' if model else ""
    tool = f"image-grpc {version('image-grpc')}"
    packet = _PACKET.format(
        source_type=source_type, tool=tool, system=system, id=_attribute(image.id), version=image.version
    )
    return packet.encode()


def _attribute(text: str) -> str:
    return escape(text, {'"': "&quot;"})
