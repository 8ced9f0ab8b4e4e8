"""The demo's people: one of each role, where the synthetic patients lie, with one password for all."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import NamedTuple

from altid.access.administration import NewAccount, add_account, listed_accounts, person_token
from altid.access.identity import Role
from altid.access.operator import Operator
from altid.cli.demoing.filling import SEED
from altid.cli.demoing.narrator import Narrator
from altid.sample import places, staff

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""None that is taken for another when it is read from a screen."""
_GROUPS, _GROUP_LETTERS = 4, 5


class DemoUser(NamedTuple):
    """One of them: what they are called, and where they work."""

    username: str
    name: str
    role: Role
    organisation: str
    place: str
    practitioner: str | None = None


@dataclass(frozen=True, slots=True)
class Cast:
    """Those who can log on. `password` is None where the record had people of its own."""

    users: tuple[DemoUser, ...]
    password: str | None = field(repr=False)
    doctor_token: str | None = field(repr=False)


async def make_users(operator: Operator) -> Cast:
    """Make them, if the record has no account yet: those of somebody else are left alone."""
    if await listed_accounts(operator):
        return Cast((), None, None)
    password = "-".join(
        "".join(secrets.choice(_LETTERS) for _ in range(_GROUP_LETTERS)) for _ in range(_GROUPS)
    )
    users = cast()
    for user in users:
        await add_account(
            operator,
            NewAccount(
                user.username, user.name, (user.role,), (user.organisation,), user.practitioner, password
            ),
        )
    token = await person_token(operator, users[0].username, None, None)
    return Cast(users, password, token.token)


def cast() -> tuple[DemoUser, ...]:
    """The doctor first. Clinicians are those of the synthetic region at the ward of its first patient."""
    region, ward = f"r{SEED}", places.BEDS[0].ward
    workers = staff.hire(region, SEED)
    at_ward, at_hospital = places.ward_sor(ward), places.hospital_sor(ward.hospital)
    nurse = next(one for one in workers.wards[ward.key] if one.job is staff.NURSE)

    def clinician(role: Role, worker: staff.Worker, sor: str, place: str) -> DemoUser:
        return DemoUser(role, worker.title, role, sor, place, f"Practitioner/{worker.identity}")

    def other(role: Role, name: str) -> DemoUser:
        return DemoUser(role, name, role, places.region_sor(), places.REGION_NAME)

    return (
        clinician(Role.DOCTOR, workers.consultant(ward.key), at_ward, ward.name),
        clinician(Role.NURSE, nurse, at_ward, ward.name),
        clinician(Role.PHARMACIST, workers.pharmacists[ward.hospital.key], at_hospital, ward.hospital.name),
        clinician(Role.SECRETARY, workers.secretary(ward.key), at_ward, ward.name),
        other(Role.OPERATIONS, "Driftsvagten"),
        other(Role.AUDITOR, "Logrevisor"),
        other(Role.ADMINISTRATOR, "Brugeradministrator"),
    )


def print_users(made: Cast, narrator: Narrator) -> None:
    """Who can log on, and with which password."""
    if made.password is None:
        narrator.print("  The record has accounts of its own: `altid user list`.")
        return
    narrator.print(f"  Log on as one of these, all with the password  {made.password}")
    for user in made.users:
        narrator.print(f"    {user.username:14} {user.name:34} {user.place}")
