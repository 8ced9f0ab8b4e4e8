"""AL1 as allergies and DG1 as diagnoses (HL7 v2.5.1 §3.4.6, §6.5.2).

Both are sent whole ("snapshot mode"): where there is one such segment, what is not listed any more is gone.
A message without any says nothing of them.
"""

from __future__ import annotations

from altid.hl7.text import Hl7Error, Message, Segment
from altid.hl7.values import NULL, coded, concept, lines, moment
from altid.lookup.beside.naming import Resource, made_id

_TERMS = "http://terminology.hl7.org/CodeSystem"
_CATEGORIES = {
    "DA": "medication",
    "FA": "food",
    "EA": "environment",
    "AA": "environment",
    "LA": "environment",
}
_SEVERITIES = {"SV": "severe", "MO": "moderate", "MI": "mild"}


def allergies_of(message: Message, patient: str, source: str) -> list[Resource] | None:
    """All that the patient has; None where the message says nothing of it. Raises `Hl7Error`."""
    listed = [one for one in message.segments if one.name == "AL1"]
    if not listed:
        return None
    return [_allergy(one, patient, source) for one in listed if one.raw(3) != NULL]


def diagnoses_of(message: Message, patient: str, source: str, stay: str | None) -> list[Resource] | None:
    """All of the stay; None where the message says nothing of them. Raises `Hl7Error`."""
    listed = [one for one in message.segments if one.name == "DG1"]
    if not listed:
        return None
    kept = [one for one in listed if one.raw(3) != NULL and one.text(21) != "D"]
    return [_diagnosis(one, patient, source, stay) for one in kept]


def _allergy(one: Segment, patient: str, source: str) -> Resource:
    agent = concept(one.raw(3))
    reaction = lines([each for each in one.repetitions(5) if each and each != NULL])
    severity = _SEVERITIES.get(one.text(4))
    made = {
        "resourceType": "AllergyIntolerance",
        "id": made_id(source, f"{patient}|{one.text(3) or one.text(3, 2)}", "allergy"),
        "clinicalStatus": coded(f"{_TERMS}/allergyintolerance-clinical", "active"),
        "verificationStatus": coded(f"{_TERMS}/allergyintolerance-verification", "unconfirmed"),
        "category": [_CATEGORIES[one.text(2)]] if one.text(2) in _CATEGORIES else [],
        "criticality": "high" if severity == "severe" else "",
        "code": agent,
        "patient": {"reference": f"Patient/{patient}"},
        "onsetDateTime": moment(one.text(6).replace(NULL, "")),
        "reaction": [_reaction(reaction, severity)] if reaction else [],
    }
    return {key: value for key, value in made.items() if value}


def _reaction(said: str, severity: str | None) -> Resource:
    made: Resource = {"manifestation": [{"text": said}]}
    return {**made, "severity": severity} if severity else made


def _diagnosis(one: Segment, patient: str, source: str, stay: str | None) -> Resource:
    if not one.raw(3) and not one.text(4):
        raise Hl7Error("no-code")
    code = concept(one.raw(3)) if one.raw(3) else {"text": one.text(4)}
    name = one.text(3) or one.text(3, 2) or one.text(4)
    made = {
        "resourceType": "Condition",
        "id": made_id(source, f"{patient}|{stay}|{name}", "diagnosis"),
        "clinicalStatus": coded(f"{_TERMS}/condition-clinical", "active"),
        "category": [coded(f"{_TERMS}/condition-category", "encounter-diagnosis")],
        "code": code,
        "subject": {"reference": f"Patient/{patient}"},
        "encounter": {"reference": f"Encounter/{stay}"} if stay else {},
        "recordedDate": moment(one.text(5).replace(NULL, "")),
    }
    return {key: value for key, value in made.items() if value}
