"""Provenance of a picture as XMP metadata, for programs that have only the file.

Terms: https://cv.iptc.org/newscodes/digitalsourcetype/ and the IPTC Photo Metadata Standard 2025.1. The packet
has no text from callers: no prompt, no source. Content Credentials (`credentials.py`) use the same terms.
"""

from functools import cache
from importlib.metadata import version
from xml.sax.saxutils import escape

from tabletop.image.v1.image_pb2 import Image

GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""Created using generative AI."""
COMPOSED_GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic"
"""Composite of several elements, at least one of which is generative AI: a generated map with elements drawn over it.

Not `compositeWithTrainedAlgorithmicMedia`, which is a picture that generative AI has edited, for example by inpainting.
"""
COMPOSED = "http://cv.iptc.org/newscodes/digitalsourcetype/composite"
"""Composite of several elements, any of which may or may not be generative AI."""
ALTERED = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicallyEnhanced"
"""Modified by an algorithm without a change of the main content: cropped, turned upright."""
SOFTWARE = "image-grpc"


def xmp(image: Image) -> bytes:
    """Return the XMP packet of a version of a generated image."""
    return _packet(image, GENERATED)


def composed_xmp(image: Image) -> bytes:
    """Return the XMP packet of a version of an image with its overlays drawn over it."""
    return _packet(image, COMPOSED_GENERATED if image.metadata.generation_params.model else COMPOSED)


def _packet(image: Image, source_type: str) -> bytes:
    model = image.metadata.generation_params.model
    system = f'\n    Iptc4xmpExt:AISystemUsed="{_attribute(ai_system(model))}"' if model else ""
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    Iptc4xmpExt:DigitalSourceType="{source_type}"
    xmp:CreatorTool="{SOFTWARE} {software_version()}"{system}
    xmpMM:DocumentID="uuid:{_attribute(image.id)}"
    xmpMM:VersionID="{image.version}"/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>""".encode()


def ai_system(model: str) -> str:
    """Return the name of the AI system that runs a model."""
    return f"GetImg.AI {model}"


@cache  # reading the metadata of the installed package takes longer than the rest
def software_version() -> str:
    """Return the version of this service."""
    return version(SOFTWARE)


def _attribute(text: str) -> str:
    return escape(text, {'"': "&quot;"})
