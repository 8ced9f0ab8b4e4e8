"""Who may do what with orders and doses: the one table of it. Whatever is not in it is refused.

People do it below /orders alone: as FHIR they only read these types (`altid.access.policy.ORDERED`). Grounds
for the patient are always asked for as well. A system is held to its scopes, and an application never does
more for a person than both this table and its scopes say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from altid.access import policy
from altid.access.identity import Identity, Role
from altid.access.permit import Permit
from altid.orders.intent import Action

_MEDICATION, _REQUISITION = "MedicationRequest", "ServiceRequest"

TABLE: Mapping[str, Mapping[Role, frozenset[Action]]] = {
    _MEDICATION: {
        Role.DOCTOR: frozenset(Action),
        Role.NURSE: frozenset({Action.ADMINISTER}),
        Role.PHARMACIST: frozenset({Action.PAUSE}),
        Role.SECRETARY: frozenset({Action.DRAFT}),
    },
    _REQUISITION: {
        Role.DOCTOR: frozenset(Action),
        Role.NURSE: frozenset({Action.ACCEPT, Action.SPECIMEN, Action.RESULT}),
        Role.SECRETARY: frozenset({Action.DRAFT}),
    },
}
"""What each role may do with an order of each type. What can be done with which, its life cycle knows."""

READERS = frozenset({Role.DOCTOR, Role.NURSE, Role.PHARMACIST, Role.AUDITOR})
"""May see an intent whole. Operations see keys and counts."""
OPERATORS = READERS | {Role.OPERATIONS, Role.SYSTEM}
"""May see that there are intents."""


async def told_of(permit: Permit, patients: Iterable[str]) -> frozenset[str]:
    """Those of these patients whose orders may be told of: there are grounds for each. The auditor looks
    after everybody's."""
    identity = permit.identity
    if identity.role is Role.AUDITOR:
        return frozenset(patients)
    if identity.role not in READERS and not permit.is_for_everyone:
        return frozenset()
    return frozenset([patient for patient in patients if await permit.has_grounds([patient])])


def prescribes(identity: Identity) -> bool:
    """Whether this person signs medication orders."""
    return may(identity, Action.SIGN, _MEDICATION)


def may(identity: Identity, action: Action, type_: str) -> bool:
    """Whether it may be done at all: grounds are asked for afterwards."""
    is_system = identity.role is Role.SYSTEM
    if type_ not in TABLE or not (is_system or action in TABLE[type_].get(identity.role, frozenset())):
        return False
    return identity.is_own_session or policy.is_in_scope(identity, *_scope(action, type_))


def _scope(action: Action, type_: str) -> tuple[str, str]:
    """What the scopes must say: by what the action writes."""
    if action is Action.ADMINISTER:
        return "c", "MedicationAdministration"
    return "c" if action in (Action.DRAFT, Action.SIGN, Action.RENEW) else "u", type_
