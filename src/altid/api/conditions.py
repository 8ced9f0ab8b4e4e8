"""Conditions in headers: If-Match, If-None-Match, If-Modified-Since, If-None-Exist (R4 http.html)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl

from altid.api import errors
from altid.api.messages import Parameters, Request
from altid.record.stored import Stored
from altid.record.write import MUST_BE_NEW

_ETAG = re.compile(r'(?:W/)?"([0-9]{1,9})"')


def expected_version(request: Request) -> int | None:
    """The version that If-Match demands; None where there is no such header."""
    text = request.headers.get("if-match")
    if text is None:
        return None
    match = _ETAG.fullmatch(text.strip())
    if match is None or int(match[1]) == 0:
        raise errors.bad_parameter("If-Match")
    return int(match[1])


def expected_of_update(request: Request) -> int | None:
    """As `expected_version`; `If-None-Match: *` demands that there be none (RFC 9110 §13.1.2)."""
    if request.headers.get("if-none-match", "").strip() == "*":
        return MUST_BE_NEW
    return expected_version(request)


def not_modified(request: Request, stored: Stored) -> bool:
    """A conditional read: does the client hold this version already?"""
    tags = request.headers.get("if-none-match")
    if tags is not None:
        # Weak comparison (RFC 9110 §8.8.3.2): W/"1" and "1" are the same.
        opaque = {tag.strip().removeprefix("W/") for tag in tags.split(",")}
        return "*" in opaque or f'"{stored.version}"' in opaque
    since = _since(request)
    return since is not None and stored.last_updated.replace(microsecond=0) <= since


def none_exist(request: Request) -> Parameters | None:
    """The search of a conditional create; None where the create has no condition."""
    text = request.headers.get("if-none-exist")
    if text is None:
        return None
    # Either the criteria alone or a whole search URL; a "?" behind the first "=" belongs to a value.
    address, mark, query = text.partition("?")
    parameters = tuple(parse_qsl(query if mark and "=" not in address else text, keep_blank_values=True))
    if not parameters:
        raise errors.bad_parameter("If-None-Exist")
    return parameters


def _since(request: Request) -> datetime | None:
    text = request.headers.get("if-modified-since")
    if text is None:
        return None
    try:
        moment = parsedate_to_datetime(text)
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        # RFC 9110 §13.1.3: a date that can't be read is as good as none.
        return None
