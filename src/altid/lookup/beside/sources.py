"""The systems of others that are sources: `[[beside]]` in `opslag.toml`, of kind `fhir` or `hl7`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from altid.tomlfile import Table, is_here

TYPES = (
    "Organization",
    "Location",
    "Practitioner",
    "PractitionerRole",
    "Medication",
    "Patient",
    "Encounter",
    "AllergyIntolerance",
    "Flag",
    "Consent",
    "Condition",
    "ServiceRequest",
    "Specimen",
    "Observation",
    "DiagnosticReport",
    "MedicationRequest",
    "MedicationStatement",
    "MedicationAdministration",
    "Procedure",
    "CarePlan",
    "Goal",
    "Composition",
    "DocumentReference",
    "ClinicalImpression",
    "HealthcareService",
    "Appointment",
    "Task",
)
"""What is asked for where the file names no types: what the pages show, places and people first."""

SOURCES_MAX = 16
_NAME = re.compile(r"[a-z][a-z0-9]{0,15}", re.ASCII)
_WARD = re.compile(r"\s*([^=]{1,80}?)\s*=\s*(\d{1,20})\s*", re.ASCII)
_TYPE = re.compile(r"[A-Z][A-Za-z]{1,40}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Login:
    """How we show who we are. `kind`: `none`, `bearer` (a token in a file), `secret` (OAuth 2.0 client
    credentials) or `key` (SMART Backend Services, `private_key_jwt`). Secrets are in files, never here."""

    kind: str = "none"
    file: Path | None = None
    token_url: str = ""
    client_id: str = ""
    scope: str = "system/*.read"


@dataclass(frozen=True, slots=True)
class FhirSource:
    """A FHIR R4 server."""

    name: str
    url: str
    login: Login = Login()
    ca_file: Path | None = None
    types: tuple[str, ...] = ()
    """Empty: those of `TYPES` that the server has."""
    is_export_wanted: bool = True
    poll_s: float = 10.0
    overlap_s: float = 60.0
    """So much is asked for again each time: a server gives a version its time before others can see it."""
    compare_s: float = 3_600.0
    """Between comparisons of all ids."""
    page_count: int = 200


@dataclass(frozen=True, slots=True)
class Tls:
    """Files: our certificate and key, and the authority that must have signed a caller's certificate."""

    certificate: Path
    key: Path
    authority: Path


@dataclass(frozen=True, slots=True)
class Hl7Source:
    """A sender of HL7 v2 over MLLP, and where it calls us."""

    name: str
    host: str
    port: int
    application: str
    facility: str = ""
    tls: Tls | None = None
    peer: str = ""
    """The DNS name in the caller's certificate."""
    charset: str = ""
    """As in MSH-18, where a message leaves it empty; else UTF-8."""
    authority: str = ""
    """Assigning authority of its own patient numbers (PID-3.4)."""
    wards: Mapping[str, str] = field(default_factory=dict)
    """SOR numbers of wards by their names in PV1-3.1."""


def read_sources(top: Table) -> tuple[FhirSource | Hl7Source, ...]:
    """All that a file names. Raises the file's error."""
    made: list[FhirSource | Hl7Source] = []
    for table in top.tables("beside", maximum=SOURCES_MAX):
        one = _source(table)
        if one.name in {other.name for other in made}:
            raise table.fault("two sources have the same name", "name")
        made.append(one)
    return tuple(made)


def _source(table: Table) -> FhirSource | Hl7Source:
    kind, name = table.text("kind"), table.text("name")
    if not _NAME.fullmatch(name):
        raise table.fault("name is a small letter and up to 15 small letters or digits", "name")
    if kind not in ("fhir", "hl7"):
        raise table.fault("kind is fhir or hl7", "kind")
    made = _fhir(table, name) if kind == "fhir" else _hl7(table, name)
    table.end()
    return made


def _fhir(table: Table, name: str) -> FhirSource:
    url = _url(table, "url")
    types = table.texts("types", ())
    if not all(_TYPE.fullmatch(one) for one in types):
        raise table.fault("types are names of FHIR resource types", "types")
    first = table.text("first_load", "export")
    if first not in ("export", "pages"):
        raise table.fault("first_load is export (where the server has it) or pages", "first_load")
    return FhirSource(
        name,
        url,
        _login(table),
        _file(table, "authority"),
        types,
        first == "export",
        table.number("poll_s", 10.0, 1.0, 3_600.0),
        table.number("overlap_s", 60.0, 1.0, 86_400.0),
        table.number("compare_s", 3_600.0, 1.0, 604_800.0),
        round(table.number("page_count", 200, 1, 1_000)),
    )


def _login(table: Table) -> Login:
    kind = table.text("login", "none")
    if kind not in ("none", "bearer", "secret", "key"):
        raise table.fault("login is none, bearer, secret or key", "login")
    if kind == "none":
        return Login()
    file = _file(table, "login_file")
    if file is None:
        raise table.fault("login_file is missing")
    if kind == "bearer":
        return Login(kind, file)
    return Login(
        kind, file, _url(table, "token_url"), table.text("client_id"), table.text("scope", Login().scope)
    )


def _hl7(table: Table, name: str) -> Hl7Source:
    host, port = table.address()
    files = [_file(table, one) for one in ("certificate", "key", "authority")]
    tls = Tls(*(one for one in files if one)) if all(files) else None
    if tls is None and (any(files) or not is_here(host)):
        raise table.fault(
            "certificate, key and authority are missing: without TLS only on this machine", "address"
        )
    charset = table.text("charset", "")
    if charset not in ("", "UNICODE UTF-8", "8859/1", "8859/15"):
        raise table.fault("charset is UNICODE UTF-8, 8859/1 or 8859/15", "charset")
    return Hl7Source(
        name,
        host,
        port,
        table.text("application"),
        table.text("facility", ""),
        tls,
        table.text("peer", "" if tls is None else None),
        charset,
        table.text("assigns", ""),
        _wards(table),
    )


def _wards(table: Table) -> dict[str, str]:
    found = [_WARD.fullmatch(one) for one in table.texts("wards", ())]
    if not all(found):
        raise table.fault('wards are like "M1 = 441211000016002": PV1-3.1 and SOR number', "wards")
    return {one[1]: one[2] for one in found if one}


def _url(table: Table, name: str) -> str:
    url = table.text(name)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise table.fault(f"{name} is like https://epj.example.org/fhir", name)
    if parts.username or parts.password:
        raise table.fault(f"{name} holds no password: name a file", name)
    if parts.scheme == "http" and not is_here(parts.hostname):
        raise table.fault(f"{name} without TLS only on this machine", name)
    return url.rstrip("/")


def _file(table: Table, name: str) -> Path | None:
    path = table.file(name)
    return Path(path) if path else None
