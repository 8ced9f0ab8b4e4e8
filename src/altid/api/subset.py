"""Parts of resources: `_summary` and `_elements` (R4 search.html#summary, #elements).

Only here are stored resources parsed on their way out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from altid.api.messages import Request
from altid.fhir import json
from altid.fhir.search.criteria import Query, Summary
from altid.fhir.search.query import parse
from altid.fhir.search.summary import mandatory_elements, summary_elements
from altid.record.stored import Stored, compose

_ALWAYS = frozenset({"resourceType", "id", "meta"})
_SUBSETTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
}


@dataclass(frozen=True, slots=True)
class Subset:
    """Which part of each resource is shown."""

    summary: Summary
    elements: tuple[str, ...]

    @classmethod
    def of_query(cls, query: Query) -> Subset | None:
        """None where whole resources are asked for."""
        if query.elements or query.summary in ("true", "text", "data"):
            return cls(query.summary, query.elements)
        return None

    @classmethod
    def of(cls, request: Request) -> Subset | None:
        """The part that a read asks for."""
        asked = tuple(p for p in request.parameters if p[0] in ("_summary", "_elements"))
        return cls.of_query(parse(None, asked)) if asked else None

    def apply(self, stored: Stored) -> bytes:
        """The part of this version, marked as such so that nobody stores it back for the whole."""
        resource = json.loads(compose(stored))
        kept = {name: value for name, value in resource.items() if self._keeps(stored.type, name)}
        meta: dict[str, Any] = dict(kept["meta"])
        meta["tag"] = [*meta.get("tag", ()), _SUBSETTED]
        return json.dumps({**kept, "meta": meta})

    def _keeps(self, type_: str, name: str) -> bool:
        element = name.removeprefix("_")
        if element in _ALWAYS or element in mandatory_elements(type_):
            return True
        if self.elements:
            return element in self.elements
        match self.summary:
            case "true":
                return element in summary_elements(type_)
            case "text":
                return element == "text"
            case _:
                return element != "text"
