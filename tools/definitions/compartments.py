"""`compartments.json`: which search parameters put a resource into a compartment (R4
compartmentdefinition.html).

compartment -> resource type -> [codes of reference parameters]; types that never belong to it are left out.
"{def}" as a code means the resource that the compartment is named after itself.
"""

from __future__ import annotations

import json

from .fetch import EXAMPLES, Definitions, members
from .rows import rows

COMPARTMENTS = ("Device", "Encounter", "Patient", "Practitioner", "RelatedPerson")
"""Those that R4 defines."""

_FILE = "package/CompartmentDefinition-"


def build(definitions: Definitions) -> bytes:
    """The bytes of `compartments.json`. Raises `ValueError` if one of the compartments is not defined."""
    table = {}
    for path, data in members(EXAMPLES, definitions.cache):
        if path.startswith(_FILE) and not path.endswith("-example.json"):
            definition = json.loads(data)
            members_of = {part["code"]: part["param"] for part in definition["resource"] if part.get("param")}
            table[definition["code"]] = members_of
    if sorted(table) != sorted(COMPARTMENTS):
        raise ValueError(f"the compartments found are {sorted(table)}")
    return rows(table)
