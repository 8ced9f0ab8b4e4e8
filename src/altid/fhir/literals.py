"""Literal references (R4 §2.3.0.1): `Patient/1`, `Patient/1/_history/4`, or the same behind a base URL."""

from __future__ import annotations

import re
from typing import NamedTuple

from .definitions import resource_types


class Literal(NamedTuple):
    """A reference to a resource on a server; `base` is `""` for a relative one and has no `/` at its end."""

    base: str
    type: str
    id: str
    version: str | None


_LITERAL = re.compile(
    r"(?:(https?://[^\s?#]+?)/)?([A-Z][A-Za-z]{1,40})/([A-Za-z0-9\-.]{1,64})(?:/_history/([A-Za-z0-9\-.]{1,64}))?"
)
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S+")
_URN_UUID = re.compile(
    r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE
)
_URN_OID = re.compile(r"urn:oid:[0-2](\.(0|[1-9][0-9]*))+")
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]{1,40})\?\S+")


def parse(reference: str) -> Literal | None:
    """The parts of a literal reference, None if its form is another (urn, `#id`, other URL, condition)."""
    match = _LITERAL.fullmatch(reference)
    if match is None or match[2] not in resource_types():
        return None
    return Literal(match[1] or "", match[2], match[3], match[4])


def conditional_type(reference: str) -> str | None:
    """The type of a conditional reference `Patient?identifier=...` (R4 §3.1.0.11.2), else None."""
    match = _CONDITIONAL.fullmatch(reference)
    return match[1] if match is not None and match[1] in resource_types() else None


def is_absolute(reference: str) -> bool:
    """Whether the reference is a URL with a scheme; a `urn:uuid:` or `urn:oid:` must be well formed."""
    if reference.startswith("urn:uuid:"):
        return _URN_UUID.fullmatch(reference) is not None
    if reference.startswith("urn:oid:"):
        return _URN_OID.fullmatch(reference) is not None
    return _ABSOLUTE.fullmatch(reference) is not None
