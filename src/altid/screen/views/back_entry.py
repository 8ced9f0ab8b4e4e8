"""What was written on paper in a downtime and entered afterwards: the mark that its resources carry.

`meta.tag` says that it is so, an identifier which form it was on, and an extension who entered it and when.
When it was observed, and by whom, stands where it always does (`effective`, `performer`, `author`).
"""

from __future__ import annotations

from dataclasses import dataclass

from altid.screen.views.elements import Resource, element, elements, extension, reference_text, text
from altid.screen.views.moments import Moment, moment_of

TAG = {
    "system": "https://altid.dk/fhir/tag",
    "code": "back-entry",
    "display": "Entered afterwards from paper",
}
FORM_SYSTEM = "https://altid.dk/fhir/NamingSystem/paper-form"
"""Of the numbers that are printed on the forms of a downtime."""
ENTERED = "https://altid.dk/fhir/StructureDefinition/entered"
"""Extension with two parts: `by` (a Reference) and `at` (an instant)."""


@dataclass(frozen=True, slots=True)
class Entered:
    """From which form, and by whom and when it was entered."""

    form: str | None
    by: str | None
    at: Moment | None


def entered_of(resource: Resource) -> Entered | None:
    """None for what was entered where it was observed."""
    tags = elements(element(resource.get("meta")).get("tag"))
    if not any((tag.get("system"), tag.get("code")) == (TAG["system"], TAG["code"]) for tag in tags):
        return None
    numbers = (one for one in elements(resource.get("identifier")) if one.get("system") == FORM_SYSTEM)
    form = next((text(one.get("value")) for one in numbers), None)
    told = extension(resource, ENTERED)
    return Entered(
        form=form,
        by=reference_text(extension(told, "by").get("valueReference")),
        at=moment_of(extension(told, "at").get("valueInstant")),
    )
