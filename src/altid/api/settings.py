"""What an installation may set about its FHIR interface, each with its unit and reason."""

from __future__ import annotations

from dataclasses import dataclass

from altid.access.guard import Guard
from altid.record.database import Database
from altid.record.grouping import GroupWriter


@dataclass(frozen=True, slots=True)
class FhirSettings:
    """Limits and choices; the defaults serve a hospital region."""

    base_url: str | None = None
    """The public FHIR base without "/" at the end; None: as the client addressed us."""
    body_bytes_max: int = 16 * 1024 * 1024
    """A whole patient's transaction has about 2 MB; more than this only hogs memory."""
    body_s_max: float = 30.0
    """A body that trickles in slower is an attack or a dead line."""
    in_flight_max: int = 256
    """Requests that one server process works on at once. One more is refused at once and can try again:
    in a queue it would wait for an answer that its client has given up on."""
    bundle_entries_max: int = 5_000
    page_size: int = 50
    """Entries of a search page where the client does not say (`_count`)."""
    gzip_bytes_min: int = 1_400
    """Below one network packet compression saves nothing."""
    danish_profiles: bool = False
    """Check what dk-core asks of a Patient (CPR, X-eCPR, D-eCPR); off, plain R4 is accepted."""


@dataclass(frozen=True, slots=True)
class Service:
    """What every interaction needs at hand."""

    database: Database
    writer: GroupWriter
    settings: FhirSettings
    guard: Guard
