"""Why an event could not be kept: the caller then shows nothing of a patient."""

from __future__ import annotations

from altid.access.journal.unavailable import Cause

__all__ = ["AuditUnavailableError", "Cause"]

_TEXTS = {
    Cause.DISK: (
        "The access log can't be written at this server, so nothing of a patient is shown. Operations: look "
        "at the disk of the audit folder.",
        "Adgangsloggen kan ikke skrives på denne server, så intet om patienter vises. Drift: se efter disken "
        "med mappen audit.",
    ),
    Cause.FULL: (
        "The access log of this server is full, so nothing of a patient is shown. Operations: the database "
        "has not been reached for long.",
        "Adgangsloggen på denne server er fuld, så intet om patienter vises. Drift: databasen har længe ikke "
        "kunnet nås.",
    ),
    Cause.SLOW: (
        "The access log of this server is too slow just now. Try again.",
        "Adgangsloggen på denne server er for langsom lige nu. Prøv igen.",
    ),
    Cause.CLOSED: (
        "This server is stopping. Try again.",
        "Denne server er ved at stoppe. Prøv igen.",
    ),
}


class AuditUnavailableError(Exception):
    """The event is not known to be kept. HTTP: 503; nothing of a patient may leave."""

    def __init__(self, cause: Cause) -> None:
        self.text_en, self.text_da = _TEXTS[cause]
        super().__init__(self.text_en)
        self.cause = cause
