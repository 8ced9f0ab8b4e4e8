"""What a page becomes when something fails: a page that says so, and what to do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from altid.access.audit.unavailable import AuditUnavailableError
from altid.access.grounds import PlaceTooWideError
from altid.fhir.outcome import FhirError
from altid.screen.forms import FormError, StrangeFormError
from altid.screen.language import words_for
from altid.web.finding import SearchError
from altid.web.loading import UNREACHABLE, GoneError
from altid.web.rendering import error_page, unaudited_page

READ_S_MAX = 20.0
"""All work for one page; a clinician who waits longer should be told, and use the downtime copy."""

_log = logging.getLogger(__name__)


async def answered(request: Request, work: Callable[[], Awaitable[Response]]) -> Response:
    """The answer, or the page of what went wrong. The log gets the kind of error and not its text: that may
    hold patients' data."""
    try:
        async with asyncio.timeout(READ_S_MAX):
            return await work()
    except AuditUnavailableError as error:
        return unaudited_page(error, words_for(request), datetime.now(UTC))
    except UNREACHABLE as error:
        _log.warning("a page could not be read: %s", type(error).__name__)
        return failed(request, "unreachable", 503)
    except StrangeFormError:
        return failed(request, "strange-form", 403)
    except PlaceTooWideError:
        return failed(request, "too-wide", 403)
    except (SearchError, FormError, FhirError):
        return failed(request, "refused", 400)
    except GoneError:
        return failed(request, "gone", 410)
    except Exception as error:
        _log.error("a page failed: %s", type(error).__name__)
        return failed(request, "failed", 500)


def failed(request: Request, kind: str, status: int) -> HTMLResponse:
    return error_page(kind, status, words_for(request), datetime.now(UTC))
