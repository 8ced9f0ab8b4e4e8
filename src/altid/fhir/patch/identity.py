"""What no patch may change: which resource it is (R4 http §3.1.0.6: a patch keeps id and type)."""

from __future__ import annotations

from typing import Any

from altid.fhir.outcome import refuse


def require_same_identity(before: dict[str, Any], after: Any) -> None:
    """Raise `FhirError` 422 unless `after` is an object with the id and the resourceType of `before`."""
    if not isinstance(after, dict):
        raise refuse(
            422,
            "structure",
            "A patched resource must be an object.",
            "En patchet ressource skal være et objekt.",
        )
    for element in ("resourceType", "id"):
        if before.get(element) != after.get(element):
            raise refuse(
                422,
                "business-rule",
                "A patch can't change {element}.",
                "En patch kan ikke ændre {element}.",
                element=element,
            )
