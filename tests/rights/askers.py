"""Whoever asks: each role at the ward, and systems and applications by their scopes."""

from __future__ import annotations

from dataclasses import dataclass

from altid.access.identity import Role
from rights.hospital import ACCOUNT, WARD


@dataclass(frozen=True, slots=True)
class Asker:
    """`patient`: the context of a person's application (`launch/patient`)."""

    name: str
    role: Role
    scopes: tuple[str, ...] = ()
    patient: str | None = None

    @property
    def subject(self) -> str:
        return f"system-{self.name}" if self.role is Role.SYSTEM else ACCOUNT

    @property
    def organisation(self) -> str:
        return WARD


_PEOPLE = (
    Role.DOCTOR,
    Role.NURSE,
    Role.PHARMACIST,
    Role.SECRETARY,
    Role.OPERATIONS,
    Role.AUDITOR,
    Role.ADMINISTRATOR,
)

ASKERS = (
    *(Asker(role.value, role) for role in _PEOPLE),
    Asker("app patient/*.rs", Role.DOCTOR, ("patient/*.rs",), "admitted"),
    Asker("app user/Observation.rs", Role.DOCTOR, ("user/Observation.rs",)),
    Asker("system without scopes", Role.SYSTEM),
    Asker("system/Observation.rs", Role.SYSTEM, ("system/Observation.rs", "system/Patient.rs")),
)
