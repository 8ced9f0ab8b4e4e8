"""The official examples of R4 4.0.1, all 5,306, and those of them that break the standard themselves."""

from __future__ import annotations

import pytest

from tools.definitions.fetch import EXAMPLES, UnreachableError, default_cache, members

EXAMPLES_COUNT = 5_306

EMPTY_NARRATIVE = "txt-2: the narrative has no content"
LONG_ID = "the id has 67 characters, allowed are 64"
NO_BASE = "SearchParameter.base is required"

INVALID = {
    "ActivityDefinition-blood-tubes-supply": EMPTY_NARRATIVE,
    "ActivityDefinition-heart-valve-replacement": EMPTY_NARRATIVE,
    "EventDefinition-example": EMPTY_NARRATIVE,
    "Questionnaire-zika-virus-exposure-assessment": EMPTY_NARRATIVE,
    "DeviceMetric-example": "parent is a DeviceDefinition, allowed is Device",
    "DeviceUseStatement-example": "reasonReference is a Procedure, which is not allowed",
    "ImplementationGuide-fhir": "name and status are missing; an id in a reference has 67 characters",
    "MedicationRequest-medrx0301": "dispenseRequest.performer is a Practitioner, allowed is Organization",
    "Observation-clinical-gender": "performer is an Encounter, which is not allowed",
    "Questionnaire-qs1": "items have no linkId",
    "SearchParameter-codesystem-extensions-CodeSystem-author": NO_BASE,
    "SearchParameter-codesystem-extensions-CodeSystem-effective": NO_BASE,
    "SearchParameter-codesystem-extensions-CodeSystem-end": NO_BASE,
    "SearchParameter-codesystem-extensions-CodeSystem-keyword": NO_BASE,
    "SearchParameter-codesystem-extensions-CodeSystem-workflow": NO_BASE,
    "SearchParameter-questionnaireresponse-extensions-QuestionnaireResponse-item-subject": LONG_ID,
    "SearchParameter-valueset-extensions-ValueSet-author": NO_BASE,
    "SearchParameter-valueset-extensions-ValueSet-effective": NO_BASE,
    "SearchParameter-valueset-extensions-ValueSet-end": NO_BASE,
    "SearchParameter-valueset-extensions-ValueSet-keyword": NO_BASE,
    "SearchParameter-valueset-extensions-ValueSet-workflow": NO_BASE,
    "ig-r4": "as ImplementationGuide-fhir, of which it is a copy",
}
"""Example -> why it is not valid R4."""

NOT_EXAMPLES = frozenset({"package", ".index"})


def official_examples() -> dict[str, bytes]:
    """Name -> JSON. Skips the test where the registry can't be reached."""
    try:
        files = list(members(EXAMPLES, default_cache()))
    except UnreachableError as error:
        pytest.skip(f"the examples cannot be downloaded: {error}")
    resources = {name.rpartition("/")[2].removesuffix(".json"): data for name, data in files}
    examples = {name: data for name, data in resources.items() if name not in NOT_EXAMPLES}
    assert len(examples) == EXAMPLES_COUNT
    return examples
