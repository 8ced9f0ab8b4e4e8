"""What is answered below /orders: receipts, and refusals that say by one word whether to send again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from altid.access.journal.unavailable import Cause, JournalUnavailableError
from altid.api import errors
from altid.api.messages import Response, etag
from altid.api.writing import SAFETY_HEADER
from altid.fhir import json
from altid.fhir.outcome import FhirError, refuse
from altid.hl7.word import Word
from altid.orders.findings import Finding
from altid.orders.intent import CONTENT_BYTES_MAX
from altid.orders.receipt import Receipt
from altid.orders.registering import NotRegisteredError
from altid.record.attempt import NotStoredError, OutcomeUnknownError

WORD_HEADER = "altid-receipt"
WORD_URL = "https://altid.dk/fhir/StructureDefinition/receipt"
"""Extension of the `OperationOutcome` of a refusal: the word of the receipt."""
_JSON = "application/json"
_AGAIN_FROM = 500
_AGAIN = (408, 429)
_NOTHING_DONE, _ELSEWHERE = 503, ("altid-nothing-done", "true")
"""The gateway sends what was refused so to another server."""


def json_response(content: Any, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Response:
    return Response(status, json.dumps(content), tuple(headers), _JSON)


def receipt_response(receipt: Receipt, status: int) -> Response:
    """The answer to one order that is registered."""
    headers = [("location", f"/fhir/{receipt.order}/_history/{receipt.version}")]
    if receipt.version:
        headers.append(("etag", etag(receipt.version)))
    return json_response(receipt.json, status, (*headers, *_told([receipt])))


def receipts_response(receipts: Sequence[Receipt], status: int) -> Response:
    """The answer to several that were registered together."""
    return json_response({"receipts": [one.json for one in receipts]}, status, _told(receipts))


def _told(receipts: Sequence[Receipt]) -> list[tuple[str, str]]:
    safety = [(SAFETY_HEADER, one.durability) for one in receipts[:1] if one.durability]
    return [*safety, (WORD_HEADER, Word.OK)]


def worded(response: Response) -> Response:
    """A failure says by its word whether to send it again with the same key."""
    if response.status < 400 or any(name == WORD_HEADER for name, _ in response.headers):
        return response
    again = response.status >= _AGAIN_FROM or response.status in _AGAIN
    word = Word.TRANSIENT_ERROR if again else Word.FATAL_ERROR
    outcome = json.loads(response.body) if response.body else {"resourceType": "OperationOutcome"}
    outcome["extension"] = [{"url": WORD_URL, "valueCode": str(word)}]
    headers = [*response.headers, (WORD_HEADER, str(word))]
    if response.status == _NOTHING_DONE:
        headers.append(_ELSEWHERE)
    return Response(response.status, json.dumps(outcome), tuple(headers))


def found_wrong(findings: Iterable[Finding]) -> FhirError:
    """422 with all that stands against an order."""
    return FhirError(422, [replace(finding.issue, severity="error") for finding in findings])


@asynccontextmanager
async def refusals() -> AsyncIterator[None]:
    """What registering raises, as FHIR has it."""
    try:
        yield
    except JournalUnavailableError as error:
        raise not_taken(error.cause) from None
    except NotRegisteredError as error:
        raise errors.version_conflict() if error.why == "conflict" else key_used() from None
    except NotStoredError:
        raise errors.unavailable() from None
    except OutcomeUnknownError:
        raise outcome_unknown() from None


def not_taken(cause: Cause) -> FhirError:
    """Closed: an order that could get lost is not taken."""
    text_en, text_da = _NOT_TAKEN[cause]
    return refuse(503, "transient", text_en, text_da)


_NOT_TAKEN = {
    Cause.DISK: (
        "This server can't write its intent journal, so it takes no orders. Nothing was stored; try again: "
        "another server may. Operations: look at the disk of the intents folder.",
        "Denne server kan ikke skrive sin ordinationsjournal og tager derfor ikke imod ordinationer. Intet "
        "blev gemt; prøv igen, en anden server kan måske. Drift: se efter disken med mappen intents.",
    ),
    Cause.FULL: (
        "This server's intent journal is full of orders with an unknown outcome, so it takes no more. "
        "Nothing was stored; try again: another server may.",
        "Denne servers ordinationsjournal er fuld af ordinationer med ukendt udfald, så den tager ikke imod "
        "flere. Intet blev gemt; prøv igen, en anden server kan måske.",
    ),
    Cause.SLOW: (
        "This server's intent journal is too slow just now. Nothing was stored; try again.",
        "Denne servers ordinationsjournal er for langsom lige nu. Intet blev gemt; prøv igen.",
    ),
    Cause.CLOSED: (
        "This server is stopping. Nothing was stored; try again.",
        "Denne server er ved at stoppe. Intet blev gemt; prøv igen.",
    ),
}


def outcome_unknown() -> FhirError:
    return refuse(
        504,
        "timeout",
        "The record did not answer in time, so it is not known yet whether the order is registered. Send it "
        "again with the same key, or ask for its receipt: it will not be registered twice.",
        "Journalen svarede ikke i tide, så det vides endnu ikke, om ordinationen er registreret. Send den "
        "igen med samme nøgle, eller spørg efter kvitteringen: den bliver ikke registreret to gange.",
    )


def key_used() -> FhirError:
    return refuse(
        422,
        "duplicate",
        "This Idempotency-Key was used before with another content, or was discarded. Nothing was stored.",
        "Denne Idempotency-Key er brugt før med et andet indhold eller er kasseret. Intet blev gemt.",
    )


def key_missing() -> FhirError:
    return refuse(
        400,
        "required",
        "What writes orders needs the header Idempotency-Key: 200 characters at most, no spaces, no #.",
        "Det, der skriver ordinationer, kræver headeren Idempotency-Key: højst 200 tegn, ingen mellemrum.",
    )


def too_long() -> FhirError:
    return refuse(
        413,
        "too-long",
        "With this the order would have more than {limit} bytes.",
        "Hermed ville ordinationen få mere end {limit} byte.",
        limit=CONTENT_BYTES_MAX,
    )


def version_missing() -> FhirError:
    return refuse(
        428,
        "required",
        'Say by If-Match: W/"n" which version of the order is meant.',
        'Angiv med If-Match: W/"n", hvilken version af ordinationen der menes.',
    )


def may_not(action: str) -> FhirError:
    return refuse(
        403,
        "forbidden",
        "Your role or your scopes do not allow this with orders: {action}.",
        "Din rolle eller dine rettigheder tillader ikke dette med ordinationer: {action}.",
        action=action,
    )
