"""What a role may do with which kinds of resources, as one table. Whatever is not in it is refused.

A right is some of the letters of SMART on FHIR v2 (create, read, update, delete, search), and whether it
needs *grounds*: that the patient is in treatment where one works, or that one has broken the glass
(*værdispring*). The table is data, so that the documentation and the tests are made from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from altid.access.identity import Identity, Role
from altid.access.scopes import parse
from altid.fhir.definitions import resource_types
from altid.fhir.search.parameters import compartments


class Kind(StrEnum):
    """Resource types that are treated alike."""

    DIRECTORY = "directory"
    """Staff, places, organisations, drugs: about no patient."""
    DEFINITION = "definition"
    """Value sets, profiles, questionnaires, plans that are nobody's."""
    IDENTITY = "identity"
    """Who the patients are: what finding and admitting somebody needs."""
    VISIT = "visit"
    """Admissions and appointments."""
    MEDICATION = "medication"
    CLINICAL = "clinical"
    """All else in a patient's compartment."""
    AUDIT = "audit"
    """Who looked and who wrote."""
    OPAQUE = "opaque"
    """What does not say whom it is about: for systems only."""
    OTHER = "other"
    """What is in no patient's compartment by its type but may well be about one."""


def _types(names: str) -> frozenset[str]:
    return frozenset(names.split())


_KINDS: Mapping[Kind, frozenset[str]] = {
    Kind.DIRECTORY: _types(
        "Organization OrganizationAffiliation Location Practitioner PractitionerRole HealthcareService "
        "Endpoint Medication MedicationKnowledge Substance SubstanceSpecification InsurancePlan "
        "MedicinalProduct MedicinalProductIngredient MedicinalProductAuthorization "
        "MedicinalProductPackaged MedicinalProductPharmaceutical"
    ),
    Kind.DEFINITION: _types(
        "ActivityDefinition CapabilityStatement ChargeItemDefinition CodeSystem CompartmentDefinition "
        "ConceptMap DeviceDefinition EventDefinition GraphDefinition ImplementationGuide Library Measure "
        "MessageDefinition NamingSystem ObservationDefinition OperationDefinition PlanDefinition "
        "Questionnaire ResearchDefinition SearchParameter SpecimenDefinition StructureDefinition "
        "StructureMap TerminologyCapabilities TestScript ValueSet"
    ),
    Kind.IDENTITY: frozenset({"Patient", "Person", "RelatedPerson"}),
    Kind.VISIT: _types("Encounter EpisodeOfCare Appointment AppointmentResponse Schedule Slot"),
    Kind.MEDICATION: _types(
        "MedicationRequest MedicationAdministration MedicationDispense MedicationStatement "
        "Immunization ImmunizationRecommendation ImmunizationEvaluation"
    ),
    Kind.AUDIT: frozenset({"AuditEvent"}),
    Kind.OPAQUE: frozenset({"Binary", "Bundle", "Parameters"}),
}


@cache
def kind_of(type_: str) -> Kind:
    """The kind of a resource type. One that was not thought of is `OTHER`, which the table gives to few."""
    for kind, types in _KINDS.items():
        if type_ in types:
            return kind
    return Kind.CLINICAL if compartments()["Patient"].get(type_) else Kind.OTHER


@dataclass(frozen=True, slots=True)
class Right:
    """`letters`: some of c, r, u, d, s. `grounds`: only for patients that there are grounds for."""

    letters: str = ""
    grounds: bool = False


NOTHING = Right()
_LOOK_UP = {Kind.DIRECTORY: Right("rs"), Kind.DEFINITION: Right("rs")}
_TREATING = _LOOK_UP | {
    Kind.IDENTITY: Right("crus"),
    Kind.VISIT: Right("crus", grounds=True),
    Kind.CLINICAL: Right("crus", grounds=True),
    Kind.OTHER: Right("crus", grounds=True),
}

ROLES: Mapping[Role, Mapping[Kind, Right]] = {
    Role.DOCTOR: _TREATING | {Kind.MEDICATION: Right("crus", grounds=True)},
    Role.NURSE: _TREATING | {Kind.MEDICATION: Right("rs", grounds=True)},
    Role.PHARMACIST: _LOOK_UP
    | {
        Kind.IDENTITY: Right("rs"),
        Kind.VISIT: Right("rs", grounds=True),
        Kind.CLINICAL: Right("rs", grounds=True),
        Kind.MEDICATION: Right("rs", grounds=True),
    },
    Role.SECRETARY: _LOOK_UP | {Kind.IDENTITY: Right("crus"), Kind.VISIT: Right("crus", grounds=True)},
    Role.OPERATIONS: _LOOK_UP,
    Role.AUDITOR: _LOOK_UP | {Kind.AUDIT: Right("rs")},
    Role.ADMINISTRATOR: {Kind.DIRECTORY: Right("cruds"), Kind.DEFINITION: Right("cruds")},
}
"""What each role may do. Nobody deletes what is about a patient: what was wrong is marked so, and stays."""

ORDERED = frozenset({"MedicationRequest", "ServiceRequest", "MedicationAdministration"})
"""Orders and doses. As FHIR people only read them: they sign, act and give below /orders, where it is
checked, noted and receipted (`altid.orders.policy` has who may do what). Systems write them as their scopes
say."""

EXCEPTIONS: Mapping[tuple[Role, str], Right] = {
    **{(role, type_): Right("rs", grounds=True) for role in (Role.DOCTOR, Role.NURSE) for type_ in ORDERED},
    (Role.NURSE, "MedicationStatement"): Right("crus", grounds=True),
    (Role.PHARMACIST, "MedicationDispense"): Right("crus", grounds=True),
    (Role.PHARMACIST, "MedicationStatement"): Right("crus", grounds=True),
    (Role.SECRETARY, "DocumentReference"): Right("crs", grounds=True),
    (Role.SECRETARY, "ServiceRequest"): Right("rs", grounds=True),
    (Role.SECRETARY, "Communication"): Right("crs", grounds=True),
}
"""Single types that a role may do more, or less, with than with their kind."""

VISIT_OPENS = frozenset({"Encounter", "Appointment"})
"""Creating one of these is what makes the grounds (`altid.access.relations`): whoever admits or books may
have none before. That is followed up."""


def right(identity: Identity, type_: str) -> Right:
    """What this identity may do with resources of a type, before any patient is looked at."""
    if type_ not in resource_types():
        return NOTHING
    if identity.role is Role.SYSTEM:
        return _scoped(identity, type_)
    exception = EXCEPTIONS.get((identity.role, type_))
    own = exception or ROLES.get(identity.role, {}).get(kind_of(type_), NOTHING)
    return _narrowed(identity, type_, own) if identity.scopes else own


def may(identity: Identity, letter: str, type_: str) -> bool:
    """Whether the identity may do it at all: grounds are asked for afterwards."""
    return letter in right(identity, type_).letters


def is_in_scope(identity: Identity, letter: str, type_: str) -> bool:
    """Whether its scopes say so, whatever the role may with the type as FHIR."""
    if identity.role is Role.SYSTEM:
        return letter in _scoped(identity, type_).letters
    return letter in _held(identity, type_)


def needs_grounds(identity: Identity, letter: str, type_: str) -> bool:
    """Whether what may be done needs grounds for each patient concerned."""
    if letter == "c" and type_ in VISIT_OPENS and identity.patient is None:
        return False
    return right(identity, type_).grounds


def _narrowed(identity: Identity, type_: str, own: Right) -> Right:
    """What an application may do for a person: no more than the person, and than its scopes say.

    A `patient/` scope is for the one patient whom the application was opened with, so everything that may be
    about somebody needs grounds then, also who the patients are.
    """
    held = _held(identity, type_)
    letters = "".join(letter for letter in own.letters if letter in held)
    is_about_somebody = kind_of(type_) not in (Kind.DIRECTORY, Kind.DEFINITION)
    return Right(letters, own.grounds or (identity.patient is not None and is_about_somebody))


def _held(identity: Identity, type_: str) -> set[str]:
    """The letters that an application's scopes give it."""
    held = [scope for scope in map(parse, identity.scopes) if scope and scope.resource in ("*", type_)]
    for_all = {letter for scope in held if scope.context == "user" for letter in scope.letters}
    for_one = {letter for scope in held if scope.context == "patient" for letter in scope.letters}
    return for_all | (for_one if identity.patient is not None else set())


def _scoped(identity: Identity, type_: str) -> Right:
    """A system's rights are its `system/` scopes; those of a user or patient mean nothing without one. A
    token that is bound to a patient needs grounds, which there are for that one alone."""
    held = [scope for scope in map(parse, identity.scopes) if scope and scope.context == "system"]
    letters = {letter for scope in held if scope.resource in ("*", type_) for letter in scope.letters}
    is_bound = identity.patient is not None and kind_of(type_) not in (Kind.DIRECTORY, Kind.DEFINITION)
    return Right("".join(letter for letter in "cruds" if letter in letters), is_bound)
