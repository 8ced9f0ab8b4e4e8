"""Whoever signs, so that readers of FHIR can follow `requester` to a person: a Practitioner, and the
PractitionerRole in which they work here.

Accounts live beside the record. Before the first order, and whenever a server sees somebody for the first
time, the record is looked at, and what is missing or told otherwise by the account is written. The ids follow
from the account, so any server of either site makes the same, and doing it twice changes nothing.
"""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from altid.access import accounts, places
from altid.access.grounds import SOR
from altid.access.identity import Identity, Role
from altid.fhir import json
from altid.orders.elements import ALTID, HL7, Resource
from altid.record.attempt import NotStoredError, OutcomeUnknownError
from altid.record.database import Connection, Database
from altid.record.read import read_many
from altid.record.stored import compose
from altid.record.transaction import Transaction, run_transaction
from altid.record.write import Write, Written, update

ACCOUNTS = f"{ALTID}/NamingSystem/account"
CLIENTS = f"{ALTID}/NamingSystem/client"
ROLES = f"{ALTID}/CodeSystem/role"
KNOWN_MAX = 5_000
"""People whom one server process has seen lately: about 200 bytes each."""

_NAMESPACE = uuid.UUID("6f1d1c0e-61c0-5a55-9b0e-6d2f0f8f4a10")
_HL7_ROLES = f"{HL7}/practitioner-role"
_TITLES = {
    Role.DOCTOR: ("Læge", "doctor"),
    Role.NURSE: ("Sygeplejerske", "nurse"),
    Role.PHARMACIST: ("Farmaceut", "pharmacist"),
    Role.SECRETARY: ("Lægesekretær", None),
}
"""In Danish, as the record's content is, and HL7's code where there is one."""


def role_id(identity: Identity) -> str:
    """Of the PractitionerRole: one for each account, role and place of work."""
    name = f"{identity.subject}|{identity.role}|{identity.organisation}"
    return str(uuid.uuid5(_NAMESPACE, name))


def reference_to(identity: Identity) -> Resource:
    """Whoever acts, in the role and at the place of this session. A system is named and not linked to: it is
    nobody's role."""
    if identity.role is Role.SYSTEM:
        return {"identifier": {"system": CLIENTS, "value": identity.subject}, "display": identity.name}
    return {
        "reference": f"PractitionerRole/{role_id(identity)}",
        "identifier": {"system": ACCOUNTS, "value": identity.subject},
        "display": identity.name,
    }


class Kept(NamedTuple):
    """A version that was written."""

    prepared: Write
    written: Written


class Signers:
    """One for a server process: whom it knows to stand in the record."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: OrderedDict[str, str] = OrderedDict()

    async def keep(self, identity: Identity) -> Sequence[Kept]:
        """See to it that `reference_to` leads to somebody. Gives what was written.

        Raises `NotStoredError` where it can't be written now: then nothing is signed either.
        """
        if identity.role is Role.SYSTEM or self._known.get(role_id(identity)) == identity.name:
            return ()
        async with self._database.reading() as connection:
            due = await _due(connection, identity)
        kept = await self._write(due) if due else ()
        self._remember(identity)
        return kept

    async def _write(self, due: Sequence[Write]) -> Sequence[Kept]:
        async def work(transaction: Transaction) -> list[Written]:
            return await transaction.write(due)

        try:
            written, safety, site = await run_transaction(self._database, work)
        except OutcomeUnknownError:
            raise NotStoredError from None
        return [
            Kept(prepared, one._replace(safety=safety, site=site))
            for prepared, one in zip(due, written, strict=True)
        ]

    def _remember(self, identity: Identity) -> None:
        self._known[role_id(identity)] = identity.name
        while len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)


async def _due(connection: Connection, identity: Identity) -> list[Write]:
    """What the record lacks, in the order in which rows are locked. Of a person whom others keep (the account
    names a Practitioner) only the role is ours, unless nobody is there."""
    account = await accounts.by_id(connection, identity.subject)
    named = account.practitioner if account else None
    person = _practitioner(identity, named)
    place = await places.organisation_of(connection, identity.organisation)
    role = _practitioner_role(identity, person["id"], place)
    pairs = [(one["resourceType"], one["id"]) for one in (person, role)]
    there = {
        (one.type, one.id): json.loads(compose(one))
        for one in await read_many(connection, pairs)
        if one.body is not None
    }
    due = []
    for ours in (person, role):
        current = there.get((ours["resourceType"], ours["id"]))
        is_others = ours is person and named is not None
        if current is None or (not is_others and {**current, **ours} != current):
            due.append(update({**(current or {}), **ours}))
    return due


def _practitioner(identity: Identity, named: str | None) -> Resource:
    """Name and account. The name is not taken to pieces: an account has it as it is written."""
    return {
        "resourceType": "Practitioner",
        "id": named.partition("/")[2] if named else identity.subject,
        "identifier": [{"system": ACCOUNTS, "value": identity.subject}],
        "active": True,
        "name": [{"text": identity.name}],
    }


def _practitioner_role(identity: Identity, practitioner: str, place: places.Place | None) -> Resource:
    """The organisation by its SOR number, and by its resource where the record has it."""
    organisation: Resource = {"identifier": {"system": SOR, "value": identity.organisation}}
    if place is not None:
        organisation = {"reference": place.reference, **organisation, "display": place.name}
    return {
        "resourceType": "PractitionerRole",
        "id": role_id(identity),
        "identifier": [{"system": ACCOUNTS, "value": identity.subject}],
        "active": True,
        "practitioner": {"reference": f"Practitioner/{practitioner}", "display": identity.name},
        "organization": organisation,
        "code": [_code(identity.role)],
    }


def _code(role: Role) -> Resource:
    title, hl7 = _TITLES.get(role, (str(role), None))
    codings = [{"system": ROLES, "code": str(role)}]
    if hl7 is not None:
        codings.append({"system": _HL7_ROLES, "code": hl7})
    return {"coding": codings, "text": title}
