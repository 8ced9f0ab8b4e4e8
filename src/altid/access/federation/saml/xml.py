"""XML from outside, read so that it can't do anything: no DTD, no entities, no network, no huge trees."""

from __future__ import annotations

from typing import Any, Final

from lxml import etree

ASSERTION: Final = "urn:oasis:names:tc:SAML:2.0:assertion"
PROTOCOL: Final = "urn:oasis:names:tc:SAML:2.0:protocol"
METADATA: Final = "urn:oasis:names:tc:SAML:2.0:metadata"
SIGNATURE: Final = "http://www.w3.org/2000/09/xmldsig#"
ENCRYPTION: Final = "http://www.w3.org/2001/04/xmlenc#"
REDIRECT: Final = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
POST: Final = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"

PREFIXES: Final = {
    "saml": ASSERTION,
    "samlp": PROTOCOL,
    "md": METADATA,
    "ds": SIGNATURE,
    "xenc": ENCRYPTION,
}
ELEMENTS_MAX: Final = 10_000
"""Of one document. Assertions have some hundreds."""


class XmlError(ValueError):
    """Not XML, or XML that nobody sends for a good reason. Its text holds nothing of it."""


def parsed(content: bytes) -> Any:
    """The root element.

    Comments and processing instructions are refused, too: signatures leave them out, so they could cut a
    signed text in two (CVE-2017-11427 and its kin).
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False
    )
    try:
        root = etree.fromstring(content, parser=parser)
    except (etree.XMLSyntaxError, ValueError):
        raise XmlError("not well formed") from None
    info = root.getroottree().docinfo
    if info.doctype or info.internalDTD is not None or info.externalDTD is not None:
        raise XmlError("document type declaration")
    for number, node in enumerate(root.iter()):
        if not isinstance(node.tag, str):
            raise XmlError("comment, entity or processing instruction")
        if number >= ELEMENTS_MAX:
            raise XmlError("too many elements")
    if root.getprevious() is not None or root.getnext() is not None:
        raise XmlError("comment or processing instruction")
    return root


def tag(namespace: str, name: str) -> str:
    return f"{{{namespace}}}{name}"


def only(parent: Any, path: str) -> Any | None:
    """The one element at a path below; None where there is none. Raises `XmlError` for several."""
    found = parent.findall(path, PREFIXES)
    if len(found) > 1:
        raise XmlError("an element stands twice")
    return found[0] if found else None


def text_of(element: Any | None) -> str:
    """Its whole text; empty where it is missing."""
    return "" if element is None else "".join(element.itertext()).strip()
