"""What a gateway answers itself: FHIR's OperationOutcome, and a status that tells if anything was done."""

from __future__ import annotations

from typing import Any

_UNKNOWN_FLAGS = ["UC", "UR", "LR", "UT", "SI", "UMSDR", "UPE"]
"""Envoy's flags for what broke after the request was on its way to a server."""

_UNKNOWN = (
    504,
    "timeout",
    "The answer was lost on its way. It is not known whether a write was stored: read before you send it "
    "again, or send it with the same Idempotency-Key, with If-None-Exist or as an update.",
)
_BY_STATUS = (
    (503, "transient", "No server can answer right now. Nothing was stored; try again in a second."),
    (504, "timeout", "No server answered in time. Read before you send a write again."),
    (413, "too-long", "The body is larger than this record takes."),
    (431, "too-long", "The headers or the address are larger than this record takes."),
    (408, "timeout", "The request did not arrive in time."),
    (400, "invalid", "This is not a valid HTTP request."),
    (404, "not-found", "There is nothing at this address."),
)
_RETRY_AFTER_S = 1

KEY_HEADER = "idempotency-key"
"""A write that has one is done once, however often it is sent."""

NOTHING_DONE_HEADER = "altid-nothing-done"
"""In a refusal after which certainly nothing was done: by a server whose site is not the live record, or by a
gateway that found no server. Whoever gets it may send the same again, elsewhere."""


def own_answers() -> dict[str, Any]:
    """The answers that Envoy makes itself, by what went wrong; the first that fits is taken."""
    lost = {"filter": {"response_flag_filter": {"flags": _UNKNOWN_FLAGS}}, **_mapper(*_UNKNOWN)}
    # What broke in the last try is all that Envoy tells; a write with a key may have been done in one before.
    tried = {"and_filter": {"filters": [_has_status(503), _is_keyed()]}}
    keyed = {"filter": tried, **_mapper(*_UNKNOWN)}
    plain = [
        {"filter": _has_status(status), **_mapper(status, code, text)} for status, code, text in _BY_STATUS
    ]
    return {"mappers": [lost, keyed, *plain]}


def _mapper(status: int, code: str, text: str) -> dict[str, Any]:
    """The answer, in place of Envoy's plain text."""
    outcome = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": code, "diagnostics": text}],
    }
    mapper: dict[str, Any] = {
        "status_code": status,
        "headers_to_add": [_header("cache-control", "no-store")],
        "body_format_override": {
            "json_format": outcome,
            "content_type": "application/fhir+json; charset=utf-8",
        },
    }
    if status == 503:
        mapper["headers_to_add"] += [
            _header("retry-after", str(_RETRY_AFTER_S)),
            _header(NOTHING_DONE_HEADER, "true"),
        ]
    return mapper


def _header(name: str, value: str) -> dict[str, Any]:
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}


def _is_keyed() -> dict[str, Any]:
    return {"header_filter": {"header": {"name": KEY_HEADER, "present_match": True}}}


def _has_status(status: int) -> dict[str, Any]:
    value = {"default_value": status, "runtime_key": f"altid.answer.{status}"}
    return {"status_code_filter": {"comparison": {"op": "EQ", "value": value}}}
