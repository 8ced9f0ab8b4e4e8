"""The XHTML of a narrative (R4 §2.4.1): only what is meant to be read, nothing that runs or loads by itself.

The list of elements and attributes is the standard's own (invariant txt-1), so neither scripts nor event
attributes can come in. The parser refuses a doctype, and with it every entity that a body could define.
"""

from __future__ import annotations

import re
from typing import Any
from xml.parsers import expat

from .faults import NO_FAULTS, NOT_STRING, NOT_XHTML, XHTML_EMPTY, XHTML_NOT_ALLOWED, Faults, Message, fault

_NAMESPACE = "http://www.w3.org/1999/xhtml"
_SEPARATOR = " "

_ELEMENTS = """
    a abbr acronym b big blockquote br caption cite code col colgroup dd dfn div dl dt em
    h1 h2 h3 h4 h5 h6 hr i img li ol p pre q samp small span strong sub sup
    table tbody td tfoot th thead tr tt ul var
"""
_ATTRIBUTES = """
    abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing cellvalign char charoff
    charset cite class colspan compact coords dir frame headers height href hreflang hspace id lang longdesc
    name nowrap rel rev rowspan rules scope shape span src start style summary tabindex title type valign
    value vspace width
"""
_ALLOWED_ELEMENTS = frozenset(f"{_NAMESPACE}{_SEPARATOR}{name}" for name in _ELEMENTS.split())
_ALLOWED_ATTRIBUTES = frozenset(_ATTRIBUTES.split())
_XML_LANG = f"http://www.w3.org/XML/1998/namespace{_SEPARATOR}lang"
_LINKS = frozenset({"href", "src", "cite", "longdesc"})
_SAFE_LINK = re.compile(
    r"((https?|ftp):|mailto:|tel:|urn:|data:\s*image/(png|gif|jpeg);|[^:]*$|[^:]*[/?#])", re.IGNORECASE
)
"""A scheme that runs nothing, or no scheme: a colon after `/`, `?` or `#` is part of a relative link."""

_DIV = f"{_NAMESPACE}{_SEPARATOR}div"
_IMAGE = f"{_NAMESPACE}{_SEPARATOR}img"


class _RefusedError(Exception):
    def __init__(self, message: Message) -> None:
        super().__init__(message.code)
        self.message = message


def check_narrative(value: Any, _scope: Any) -> Faults:
    """Faults of the string in `Narrative.div`."""
    if type(value) is not str:
        return fault(NOT_STRING, type="xhtml")
    try:
        has_content = _read(value)
    except (expat.ExpatError, UnicodeEncodeError):
        return fault(NOT_XHTML)
    except _RefusedError as refused:
        return fault(refused.message)
    return NO_FAULTS if has_content else fault(XHTML_EMPTY)


def _read(text: str) -> bool:
    """Whether the narrative has text or an image. Raises for what is refused."""
    parser = expat.ParserCreate("utf-8", _SEPARATOR)
    parser.buffer_text = True
    is_root, has_content = True, False

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal is_root, has_content
        if is_root and name != _DIV:
            raise _RefusedError(NOT_XHTML)
        is_root = False
        has_content = has_content or (name == _IMAGE and "src" in attributes)
        if name not in _ALLOWED_ELEMENTS or not _are_allowed(attributes):
            raise _RefusedError(XHTML_NOT_ALLOWED)

    def characters(data: str) -> None:
        nonlocal has_content
        has_content = has_content or not data.isspace()

    def refuse(*_: object) -> None:
        raise _RefusedError(NOT_XHTML)

    parser.StartElementHandler = start
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = refuse
    parser.ProcessingInstructionHandler = refuse
    parser.Parse(text.encode("utf-8"), True)
    return has_content


def _are_allowed(attributes: dict[str, str]) -> bool:
    for name, value in attributes.items():
        if name not in _ALLOWED_ATTRIBUTES and name != _XML_LANG:
            return False
        if name in _LINKS and _SAFE_LINK.match(value.strip()) is None:
            return False
    return True
