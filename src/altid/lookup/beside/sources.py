"""The sources that others run, as `opslag.toml` names them: `[[source]]` of kind `fhir` or `hl7`."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

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
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):(\d{1,5})", re.ASCII)
_TYPE = re.compile(r"[A-Z][A-Za-z]{1,40}", re.ASCII)


class SourceError(ValueError):
    """The table is wrong. The text says how, in one line."""


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


def source_of(values: Mapping[str, Any], folder: Path) -> FhirSource | Hl7Source:
    """A `[[source]]`; file names are relative to `folder`. Raises `SourceError`."""
    table = _Table(dict(values), folder)
    kind, name = table.text("kind"), table.text("name")
    if not _NAME.fullmatch(name):
        raise SourceError("name is a small letter and up to 15 small letters or digits")
    if kind not in ("fhir", "hl7"):
        raise SourceError(f"{name}: kind is fhir or hl7")
    made = _fhir(table, name) if kind == "fhir" else _hl7(table, name)
    table.end(name)
    return made


def sources_of(listed: list[Mapping[str, Any]], folder: Path) -> tuple[FhirSource | Hl7Source, ...]:
    """All of them. Raises `SourceError`."""
    made = tuple(source_of(values, folder) for values in listed)
    if len(made) > SOURCES_MAX:
        raise SourceError(f"there are at most {SOURCES_MAX} sources")
    if len({one.name for one in made}) < len(made):
        raise SourceError("two sources have the same name")
    return made


def _fhir(table: _Table, name: str) -> FhirSource:
    url = table.text("url").rstrip("/")
    _check_url(url, name)
    types = table.texts("types")
    if not all(_TYPE.fullmatch(one) for one in types):
        raise SourceError(f"{name}: types are names of FHIR resource types")
    return FhirSource(
        name,
        url,
        _login(table, name),
        table.file("ca_file"),
        types,
        table.truth("export", True),
        table.number("poll_s", 10.0, 1.0, 3_600.0),
        table.number("overlap_s", 60.0, 1.0, 86_400.0),
        table.number("compare_s", 3_600.0, 1.0, 604_800.0),
        round(table.number("page_count", 200, 1, 1_000)),
    )


def _login(table: _Table, name: str) -> Login:
    kind = table.text("login", "none")
    if kind not in ("none", "bearer", "secret", "key"):
        raise SourceError(f"{name}: login is none, bearer, secret or key")
    if kind == "none":
        return Login()
    file = table.file("login_file")
    if file is None:
        raise SourceError(f"{name}: login_file is missing")
    if kind == "bearer":
        return Login(kind, file)
    token_url = table.text("token_url")
    _check_url(token_url, name)
    return Login(kind, file, token_url, table.text("client_id"), table.text("scope", Login().scope))


def _hl7(table: _Table, name: str) -> Hl7Source:
    found = _ADDRESS.fullmatch(table.text("address"))
    if found is None or not 0 <= int(found[2]) < 65_536:
        raise SourceError(f"{name}: address is HOST:PORT")
    host = found[1].strip("[]")
    files = [table.file(one) for one in ("certificate", "key", "authority_file")]
    tls = Tls(*(one for one in files if one)) if all(files) else None
    if tls is None and (any(files) or not _is_here(host)):
        raise SourceError(
            f"{name}: certificate, key and authority_file are missing: without TLS only on this machine"
        )
    return Hl7Source(
        name,
        host,
        int(found[2]),
        table.text("application"),
        table.text("facility", ""),
        tls,
        table.text("peer", "" if tls is None else None),
        _charset(table, name),
        table.text("authority", ""),
        table.mapping("wards"),
    )


def _charset(table: _Table, name: str) -> str:
    value = table.text("charset", "")
    if value not in ("", "UNICODE UTF-8", "8859/1", "8859/15"):
        raise SourceError(f"{name}: charset is UNICODE UTF-8, 8859/1 or 8859/15")
    return value


def _check_url(url: str, name: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise SourceError(f"{name}: a URL begins with https:// and has no query")
    if parts.username or parts.password:
        raise SourceError(f"{name}: a URL holds no password: name a file")
    if parts.scheme == "http" and not _is_here(parts.hostname):
        raise SourceError(f"{name}: a URL begins with https://: without TLS only on this machine")


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Table:
    """Read value by value; what is left at the end was misspelt."""

    def __init__(self, values: dict[str, Any], folder: Path) -> None:
        self._values, self._folder = values, folder

    def text(self, name: str, default: str | None = None) -> str:
        value = self._values.pop(name, default)
        if value is None:
            raise SourceError(f"{name} is missing")
        if not isinstance(value, str) or len(value) > 1_024 or not (value.isprintable() or not value):
            raise SourceError(f"{name} must be a text of one line")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._values.pop(name, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise SourceError(f"{name} must be a list of texts")
        return tuple(value)

    def mapping(self, name: str) -> dict[str, str]:
        value = self._values.pop(name, {})
        if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
            raise SourceError(f"{name} must be a table of texts")
        return dict(value)

    def number(self, name: str, default: float, low: float, high: float) -> float:
        value = self._values.pop(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise SourceError(f"{name} is a number from {low:g} to {high:g}")
        return float(value)

    def truth(self, name: str, default: bool) -> bool:
        value = self._values.pop(name, default)
        if not isinstance(value, bool):
            raise SourceError(f"{name} is true or false")
        return value

    def file(self, name: str) -> Path | None:
        value = self.text(name, "")
        if not value:
            return None
        path = self._folder / value
        if not path.is_file():
            raise SourceError(f"{name} names no file")
        return path

    def end(self, name: str) -> None:
        if self._values:
            raise SourceError(f"{name}: nothing is known of {min(self._values)!r}")
