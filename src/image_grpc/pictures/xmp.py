"""XMP packets of a few properties: rights, and where a picture comes from.

Properties: ISO 16684-1, the IPTC Photo Metadata Standard 2025.1, and ccREL.
"""

from collections.abc import Mapping
from enum import Enum, auto
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape, quoteattr

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

Properties = Mapping[str, tuple[str, ...]]
"""Values of properties by name, in the order of PROPERTIES. All but lists have one value."""


class Form(Enum):
    """How a property is written."""

    TEXT = auto()
    LINK = auto()
    LIST = auto()
    TRANSLATED = auto()


PROPERTIES: Mapping[str, Form] = {
    "Iptc4xmpExt:DigitalSourceType": Form.TEXT,
    "Iptc4xmpExt:AISystemUsed": Form.TEXT,
    "Iptc4xmpExt:AISystemVersionUsed": Form.TEXT,
    "xmp:CreatorTool": Form.TEXT,
    "xmpMM:DocumentID": Form.TEXT,
    "xmpMM:VersionID": Form.TEXT,
    "dc:creator": Form.LIST,
    "dc:rights": Form.TRANSLATED,
    "photoshop:Credit": Form.TEXT,
    "xmpRights:Marked": Form.TEXT,
    "xmpRights:Owner": Form.LIST,
    "xmpRights:WebStatement": Form.TEXT,
    "xmpRights:UsageTerms": Form.TRANSLATED,
    "cc:license": Form.LINK,
    "cc:attributionName": Form.TEXT,
}
"""The properties that pictures keep."""
MAX_PACKET_BYTES = 1_000_000
"""Largest packet that is read: rights take a few hundred bytes, but packets may contain whole pictures."""
MAX_KEPT_BYTES = 60_000
"""Largest packet that is written, as JPEG has room for 65 kB; further properties are left out."""

_NAMESPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "cc": "http://creativecommons.org/ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
}
_RDF = f"{{{_NAMESPACES['rdf']}}}RDF"
_COLLECTIONS = tuple(f"{{{_NAMESPACES['rdf']}}}{name}" for name in ("Seq", "Bag", "Alt"))
_DESCRIPTION = f"{{{_NAMESPACES['rdf']}}}Description"
_ITEM = f"{{{_NAMESPACES['rdf']}}}li"
_RESOURCE = f"{{{_NAMESPACES['rdf']}}}resource"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_DEFAULT_LANGUAGE = "x-default"


def parse(packet: bytes) -> Properties:
    """Return the properties of a packet that pictures keep; none if it is malformed, too large, or has a DTD."""
    if not 0 < len(packet) <= MAX_PACKET_BYTES:
        return {}
    try:
        root = fromstring(packet.strip(b"\0"), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        error.__traceback__ = None  # the parser makes a cycle of it, which would hold pictures of callers for a while
        return {}
    properties: dict[str, tuple[str, ...]] = {}
    rdf = root if root.tag == _RDF else root.find(_RDF)
    for description in rdf.findall(_DESCRIPTION) if rdf is not None else ():
        for name in PROPERTIES.keys() - properties.keys():
            if values := _values(description, _qualified(name), PROPERTIES[name]):
                properties[name] = values
    return ordered(properties)


def ordered(properties: Properties) -> Properties:
    """Return properties in the order in which packets have them."""
    return {name: properties[name] for name in PROPERTIES if name in properties}


def packet(properties: Properties) -> bytes:
    """Return the packet with properties; without any, nothing. The same properties make the same packet."""
    attributes, elements, size = "", "", 0
    for name, values in ordered(properties).items():
        written = _written(name, values)
        written_bytes = len(written.encode(errors="replace"))
        if size + written_bytes > MAX_KEPT_BYTES:
            continue
        size += written_bytes
        if PROPERTIES[name] is Form.TEXT:
            attributes += written
        else:
            elements += written
    if not attributes and not elements:
        return b""
    namespaces = "".join(
        f"\n    xmlns:{prefix}={quoteattr(uri)}"
        for prefix, uri in _NAMESPACES.items()
        if prefix != "rdf" and f"{prefix}:" in attributes + elements
    )
    text = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="{_NAMESPACES["rdf"]}">
  <rdf:Description rdf:about=""{namespaces}{attributes}>{elements}
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""
    return text.encode(errors="replace")


def _values(description: Element, name: str, form: Form) -> tuple[str, ...]:
    if name in description.attrib:
        return _cleaned([description.attrib[name]])
    element = description.find(name)
    if element is None:
        return ()
    items = [item for each in _COLLECTIONS for item in element.findall(f"{each}/{_ITEM}")]
    if form is Form.TRANSLATED and len(items) > 1:
        items = [item for item in items if item.get(_LANGUAGE) == _DEFAULT_LANGUAGE] or items
    texts = [item.text for item in items] if items else [element.get(_RESOURCE) or element.text]
    return _cleaned(texts if form is Form.LIST else texts[:1])


def _cleaned(texts: list[str | None]) -> tuple[str, ...]:
    return tuple(stripped for text in texts if (stripped := (text or "").strip()))


def _written(name: str, values: tuple[str, ...]) -> str:
    match PROPERTIES[name]:
        case Form.TEXT:
            return f"\n    {name}={quoteattr(_valid(values[0]))}"
        case Form.LINK:
            return f"\n   <{name} rdf:resource={quoteattr(_valid(values[0]))}/>"
        case Form.LIST:
            items = "".join(f"<rdf:li>{escape(_valid(value))}</rdf:li>" for value in values)
            return f"\n   <{name}><rdf:Seq>{items}</rdf:Seq></{name}>"
        case Form.TRANSLATED:
            item = f'<rdf:li xml:lang="{_DEFAULT_LANGUAGE}">{escape(_valid(values[0]))}</rdf:li>'
            return f"\n   <{name}><rdf:Alt>{item}</rdf:Alt></{name}>"


def _valid(text: str) -> str:
    """Return a text without the characters that XML cannot contain."""
    return "".join(each if each >= " " and each not in "\ufffe\uffff" else " " for each in text)


def _qualified(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{_NAMESPACES[prefix]}}}{local}"
