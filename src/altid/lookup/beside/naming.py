"""Ids and references of another system's resources, in our copy: all begin with their source's name.

An id of a source and one of the record's own, or of another source, are never the same, and nobody is put
together with somebody else by a number: a CPR number may have been written wrongly, and a regional
replacement number (D-eCPR) means somebody only within its region. Who has several charts is found several
times.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from altid.fhir import literals

TAG_SYSTEM = "https://altid.dk/fhir/source"
"""Of the tag that says which source a resource is from."""

ID_CHARACTERS_MAX = 64
"""R4 datatypes §2.24.0.1."""
_ID = re.compile(r"[A-Za-z0-9.-]+", re.ASCII)

Resource = dict[str, Any]


def own_id(source: str, foreign: str) -> str:
    """Readable where that fits, else by its digest. No source's name has a dot: none can make another's."""
    plain = f"{source}.{foreign}"
    if len(plain) <= ID_CHARACTERS_MAX and _ID.fullmatch(foreign):
        return plain
    return f"{source}.{hashlib.sha256(foreign.encode()).hexdigest()[:40]}"


def made_id(source: str, name: str, kind: str) -> str:
    """The id of what a message makes: the same for the same name."""
    digest = hashlib.sha256(f"{kind}\0{name}".encode()).hexdigest()
    return f"{source}.{digest[:40]}"


def adopted(resource: Resource, source: str, base: str) -> Resource:
    """The resource of a server at `base` as it stands in our copy. Nothing else of it is changed."""
    renamed: Resource = _renamed(resource, source, base)
    return tagged({**renamed, "id": own_id(source, resource["id"])}, source)


def tagged(resource: Resource, source: str) -> Resource:
    """With the tag that says where it is from."""
    meta: Resource = resource.get("meta") or {}
    others = [tag for tag in meta.get("tag", ()) if tag.get("system") != TAG_SYSTEM]
    return {**resource, "meta": {**meta, "tag": [*others, {"system": TAG_SYSTEM, "code": source}]}}


def _renamed(value: Any, source: str, base: str) -> Any:
    if isinstance(value, list):
        return [_renamed(one, source, base) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _reference(one, source, base)
        if key == "reference" and isinstance(one, str)
        else _renamed(one, source, base)
        for key, one in value.items()
    }


def _reference(text: str, source: str, base: str) -> str:
    """Those to the same server are renamed, to the newest version; others stay as they are."""
    literal = literals.parse(text)
    if literal is None or literal.base not in ("", base):
        return text
    return f"{literal.type}/{own_id(source, literal.id)}"
