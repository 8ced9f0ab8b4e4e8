"""Small resources in the manner of the specification's examples."""

from __future__ import annotations

from typing import Any

from altid.fhir import json

Resource = dict[str, Any]


def written(text: str) -> Resource:
    """A resource read as the server reads it, so that its decimals keep their digits."""
    resource: Resource = json.loads(text.encode())
    return resource


PATIENT = written("""
{"resourceType": "Patient", "id": "pat-1", "language": "da",
 "meta": {"profile": ["http://example.org/StructureDefinition/p|2.1"],
          "tag": [{"system": "http://example.org/tags", "code": "test", "display": "Prøve"}]},
 "identifier": [{"use": "official", "system": "urn:oid:1.2.208.176.1.2", "value": "2512489996",
                 "type": {"text": "CPR-nummer", "coding": [
                   {"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "NNDNK"}]}}],
 "active": true,
 "name": [{"use": "official", "family": "Ågård Jensen", "given": ["Søren", "René"]},
          {"use": "usual", "text": "Sørens kælenavn"}],
 "telecom": [{"system": "phone", "value": "+45 35 35 35 35", "use": "work"},
             {"system": "email", "value": "Soren@Example.org", "use": "home"}],
 "gender": "male", "birthDate": "1948-12-25", "deceasedDateTime": "2024-05-01T10:15:00+02:00",
 "address": [{"use": "home", "line": ["Storegade 1"], "city": "Århus", "postalCode": "8000"}],
 "generalPractitioner": [{"reference": "Practitioner/gp-1", "display": "Dr. Hansen"},
                         {"identifier": {"system": "urn:oid:1.2.208.176.1.4", "value": "012345"}}],
 "managingOrganization": {"reference": "Organization/org-1/_history/3"}}
""")

OBSERVATION = written("""
{"resourceType": "Observation", "id": "obs-1", "status": "final",
 "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category",
                           "code": "vital-signs"}]}],
 "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7", "display": "Body weight"}],
          "text": "Vægt"},
 "subject": {"reference": "Patient/pat-1"}, "effectiveDateTime": "2024-03-10",
 "performer": [{"reference": "https://other.example.org/fhir/Practitioner/7"}],
 "valueQuantity": {"value": 72.50, "unit": "kilogram", "system": "http://unitsofmeasure.org", "code": "kg"}}
""")

BLOOD_PRESSURE = written("""
{"resourceType": "Observation", "id": "obs-2", "status": "final",
 "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]},
 "subject": {"reference": "#g", "type": "Group"},
 "contained": [{"resourceType": "Group", "id": "g", "type": "person", "actual": true}],
 "effectivePeriod": {"start": "2024-03-10T08:00:00Z", "end": "2024-03-10T08:30:00Z"},
 "component": [
  {"code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
   "valueQuantity": {"value": 142, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"}},
  {"code": {"coding": [{"system": "http://loinc.org", "code": "8462-4"}]},
   "valueQuantity": {"value": 85, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"}},
  {"code": {"coding": [{"system": "http://loinc.org", "code": "8478-0"}]},
   "dataAbsentReason": {"coding": [{"code": "unknown"}]}}]}
""")

CONDITION = written("""
{"resourceType": "Condition", "id": "con-1",
 "code": {"coding": [{"system": "http://snomed.info/sct", "code": "73211009"}]},
 "subject": {"reference": "Patient/pat-1"}, "onsetAge": {"value": 52, "unit": "years",
 "system": "http://unitsofmeasure.org", "code": "a"}, "recordedDate": "2013",
 "abatementString": "Gradvist i løbet af sommeren"}
""")

MEDICATION_REQUEST = written("""
{"resourceType": "MedicationRequest", "id": "mr-1", "status": "active", "intent": "order",
 "medicationCodeableConcept": {"coding": [{"system": "http://www.whocc.no/atc", "code": "N02BE01"}]},
 "subject": {"reference": "Patient/pat-1"},
 "dosageInstruction": [{"timing": {"event": ["2024-01-01", "2024-01-05"]}}]}
""")

SERVICE_REQUEST = written("""
{"resourceType": "ServiceRequest", "id": "sr-1", "status": "active", "intent": "order",
 "subject": {"reference": "Patient/pat-1"}, "instantiatesCanonical": ["http://example.org/PlanDefinition/p|3"],
 "occurrenceTiming": {"event": ["2024-01-05", "2024-01-01T12:00:00Z"],
                      "repeat": {"boundsPeriod": {"end": "2024-02-01"}}}}
""")

VALUE_SET = written("""
{"resourceType": "ValueSet", "id": "vs-1", "url": "http://example.org/fhir/ValueSet/drugs", "version": "1",
 "status": "active", "description": "Lægemidler", "useContext": [
  {"code": {"system": "http://terminology.hl7.org/CodeSystem/usage-context-type", "code": "age"},
   "valueRange": {"low": {"value": 18, "unit": "a", "system": "http://unitsofmeasure.org", "code": "a"}}},
  {"code": {"code": "focus"}, "valueCodeableConcept": {"coding": [{"system": "s", "code": "c"}]}}],
 "compose": {"include": [{"system": "http://www.whocc.no/atc", "concept": [{"code": "N02BE01"}]}]}}
""")

TASK = written("""
{"resourceType": "Task", "id": "t-1", "status": "ready", "intent": "order",
 "for": {"reference": "Patient/pat-1"},
 "owner": {"reference": "urn:uuid:0b0a6f8e-6b1c-4e3b-8f6e-0a5d2a3f4c5d"}}
""")

ALL = (
    PATIENT,
    OBSERVATION,
    BLOOD_PRESSURE,
    CONDITION,
    MEDICATION_REQUEST,
    SERVICE_REQUEST,
    VALUE_SET,
    TASK,
)
