"""The patient whom whoever writes had on the screen: `Altid-Patient: Patient/ID`.

Two patients may be open in two tabs. What is written must be about the one that was looked at, so a write
that names another is refused, and nothing of it is done. Programs may leave the header out; pages may not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from altid.api.messages import Request
from altid.fhir.outcome import FhirError, Issue, refuse

HEADER = "altid-patient"
_PATIENT = re.compile(r"Patient/([A-Za-z0-9\-.]{1,64})", re.ASCII)


def require_seen(request: Request, patients: Iterable[str], place: str, *, writes: bool = True) -> None:
    """Each of these patients is the one that the request names. `place`: where the write says whom it is
    about (FHIRPath). Raises `FhirError`: 400 without a header that can be read, 422 for another patient."""
    named = frozenset(patients)
    seen = _seen(request)
    if seen is None:
        if named and writes and request.permit.identity.is_page:
            raise _missing()
    elif named - {seen}:
        raise FhirError(422, [Issue("conflict", _OTHER[1], _OTHER[0], expression=place)])


def _seen(request: Request) -> str | None:
    """The id that the header names; None without one."""
    text = request.headers.get(HEADER)
    if text is None:
        return None
    found = _PATIENT.fullmatch(text.strip())
    if found is None:
        raise _missing()
    return found[1]


def _missing() -> FhirError:
    return refuse(
        400,
        "required",
        "A page says with each write which patient is on the screen: Altid-Patient: Patient/ID. Nothing was "
        "stored.",
        "En side siger ved hver skrivning, hvilken patient der er på skærmen: Altid-Patient: Patient/ID. "
        "Intet blev gemt.",
    )


_OTHER = (
    "Det, der skal gemmes, handler om en anden patient end den, der er på skærmen. Intet blev gemt. Se efter "
    "navn og CPR-nummer, og gør det forfra.",
    "What is to be stored is about another patient than the one on the screen. Nothing was stored. Look at "
    "name and CPR number, and do it anew.",
)
