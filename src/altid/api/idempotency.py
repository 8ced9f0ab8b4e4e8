"""The header `Idempotency-Key`: the same key sent again is the same write, also across servers and sites.

A key belongs to one interaction (`POST Observation`, `PUT Observation/1`), so it may be used again for
another. Clients make it of a UUID: two that choose the same one for the same interaction get each other's
answer.
"""

from __future__ import annotations

import re

from altid.api import errors
from altid.api.messages import Request
from altid.fhir import json
from altid.record.write_key import WriteKey, client_id, client_key

HEADER = "idempotency-key"

_CONDITIONS = ("if-match", "if-none-match", "if-none-exist")
"""Headers that belong to what is to be written: with another one it is another write."""

_KEY = re.compile(r"[!-~]{1,255}")


def key_of(request: Request) -> WriteKey | None:
    """The key that the client gave its write; None where it gave none, and the server makes one."""
    text = _text(request)
    return None if text is None else client_key(text, _interaction(request), _content(request))


def new_id_of(request: Request) -> str | None:
    """The id of what a create makes, where its key decides it; else None."""
    text = _text(request)
    return None if text is None else client_id(text, _interaction(request))


def refuse_key(request: Request) -> None:
    """For interactions that can't keep what a key promises: better refused than silently not kept."""
    if HEADER in request.headers:
        raise errors.key_not_possible()


def _text(request: Request) -> str | None:
    text = request.headers.get(HEADER)
    if text is not None and _KEY.fullmatch(text) is None:
        raise errors.bad_parameter("Idempotency-Key")
    return text


def _interaction(request: Request) -> str:
    return f"{request.method} {'/'.join(request.path)}"


def _content(request: Request) -> bytes:
    content = b"" if request.content is None else json.dumps(request.content)
    conditions = [f"\0{name}: {request.headers[name]}" for name in _CONDITIONS if name in request.headers]
    return content + "".join(conditions).encode()
