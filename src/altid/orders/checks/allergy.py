"""CAVE: the drug, or one of its ingredients, is something that the patient does not tolerate."""

from __future__ import annotations

from collections.abc import Iterator

from altid.orders import knowledge
from altid.orders.context import Context
from altid.orders.elements import ATC, HL7, SNOMED, Resource, codes, name
from altid.orders.findings import Finding, warning

_OVER = {"inactive", "resolved"}
_NOT_TRUE = {"refuted", "entered-in-error"}


def check(order: Resource, context: Context) -> Iterator[Finding]:
    for allergy in context.allergies:
        if _holds(allergy) and _concerns(allergy, order, context):
            yield warning("allergy", _field(order), name(allergy), _ALLERGY)


def _field(order: Resource) -> str:
    chosen = "medicationReference" if "medicationReference" in order else "medicationCodeableConcept"
    return f"MedicationRequest.{chosen}"


def _holds(allergy: Resource) -> bool:
    clinical = codes(allergy.get("clinicalStatus"), f"{HL7}/allergyintolerance-clinical")
    verified = codes(allergy.get("verificationStatus"), f"{HL7}/allergyintolerance-verification")
    return not (_OVER & set(clinical) or _NOT_TRUE & set(verified))


def _concerns(allergy: Resource, order: Resource, context: Context) -> bool:
    atc = context.catalogue.atc(order)
    agents = [allergy.get("code"), *(reaction.get("substance") for reaction in allergy.get("reaction", ()))]
    is_severe = allergy.get("criticality") != "low"
    groups = [code for agent in agents for code in codes(agent, ATC)]
    groups += [other for group in groups for other in knowledge.crosses(group, is_severe=is_severe)]
    if atc and atc.startswith(tuple(groups)):
        return True
    substances = list(_substances(order, context))
    return any(_is_same(agent, substance) for agent in agents for substance in substances)


def _substances(order: Resource, context: Context) -> Iterator[Resource]:
    """The drug itself and what it is made of."""
    medication = context.catalogue.medication(order)
    if medication is None:
        yield order.get("medicationCodeableConcept", {})
        return
    yield medication.get("code", {})
    for ingredient in medication.get("ingredient", ()):
        yield ingredient.get("itemCodeableConcept", {})


def _is_same(agent: Resource | None, substance: Resource) -> bool:
    """By a common code, or by the same words."""
    if set(codes(agent, ATC, SNOMED)) & set(codes(substance, ATC, SNOMED)):
        return True
    words = (agent or {}).get("text", "").casefold()
    return bool(words) and words == substance.get("text", "").casefold()


# Texts in Danish and English
_ALLERGY = (
    "CAVE: patienten har en registreret overfølsomhed over for lægemidlet eller et af dets stoffer.",
    "CAVE: the patient has a recorded hypersensitivity to the drug or one of its substances.",
)
