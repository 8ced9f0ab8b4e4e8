"""From an exception to the client's answer. What was not foreseen is logged, without its text."""

from __future__ import annotations

import logging
import traceback

import asyncpg

from altid.access.grounds import PlaceTooWideError
from altid.api import errors
from altid.api.messages import Response, outcome_response
from altid.fhir.json import JsonError
from altid.fhir.outcome import FhirError, Language
from altid.record.primary import NoPrimaryError

_log = logging.getLogger("altid.api")

_BAD_VALUE = (asyncpg.DataError, asyncpg.exceptions.DataError)
"""A value that PostgreSQL or its driver can't take: it came from the request, such as a forged page token."""

_UNAVAILABLE = (
    NoPrimaryError,
    TimeoutError,
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.TransactionRollbackError,
)
"""The record can't be reached, or is not ready for this now; whatever was begun has been rolled back."""

_READS = ("GET", "HEAD")


def failure_response(error: Exception, method: str, language: Language, request_id: str) -> Response:
    """The answer to a failed request."""
    return outcome_response(_as_fhir_error(error, method, request_id), language)


def _as_fhir_error(error: Exception, method: str, request_id: str) -> FhirError:
    if isinstance(error, FhirError):
        return error
    if isinstance(error, PlaceTooWideError):
        return errors.place_too_wide()
    if isinstance(error, asyncpg.QueryCanceledError):
        return errors.too_costly() if method in _READS else errors.busy()
    if isinstance(error, (*_BAD_VALUE, JsonError)):
        return errors.bad_value()
    if isinstance(error, _UNAVAILABLE):
        _log.warning("request %s: the record is not available (%s)", request_id, type(error).__name__)
        return errors.unavailable()
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{frame.filename}:{frame.lineno}"
    _log.error("request %s failed: %s at %s", request_id, type(error).__name__, place)
    return errors.internal()
