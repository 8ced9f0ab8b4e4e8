"""What browsers tell of how fast pages were and what failed in them: the one form that is taken.

A measure holds numbers and words from fixed lists, nothing else: no address, no text of an error, no name and
no id, so that it can't hold a patient's data whatever a browser sends. Where somebody works is added from
the session, and who they are is not.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping
from typing import Any, Final

TELLS: Final = "/telemetry"
"""Where browsers tell it."""
BYTES_MAX = 32_768
"""Of one batch; a browser's `sendBeacon` takes 64 KiB in all."""
MEASURES_MAX = 100
"""Of one batch."""
TIMES: Final = ("dns", "connect", "tls", "wait", "server", "receive", "render", "total", "interaction")
"""In milliseconds (Navigation Timing Level 2). `wait`: from the request to the first byte, `server` included;
`total`: until the page can be used; `interaction`: the longest wait for an answer to a key or click."""
_TIME_MS_MAX = 600_000.0
NETWORKS: Final = frozenset({"slow-2g", "2g", "3g", "4g", "ethernet", "wifi", "cellular"})
ERRORS: Final = frozenset(
    {
        "Error",
        "TypeError",
        "ReferenceError",
        "RangeError",
        "SyntaxError",
        "URIError",
        "AbortError",
        "TimeoutError",
        "NetworkError",
        "SecurityError",
        "QuotaExceededError",
        "csp",
        "other",
    }
)
"""Kinds of errors; `csp`: something that the policy of the page forbids."""
_VERSION = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,4}){1,2}(?:[a-z.+-]{1,6}[0-9]{0,4})?", re.ASCII)
_SITE = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,15}", re.ASCII)
_PLACE = re.compile(r"([a-z][a-z-]{0,30}\.js):([0-9]{1,5})", re.ASCII)
"""A script of ours and its line."""
_STATUS = range(100, 600)

Measure = dict[str, Any]


class TelemetryError(ValueError):
    """The batch is none. The message does not quote it."""


def measures_of(body: bytes, kinds: Collection[str], files: Collection[str]) -> list[Measure]:
    """The measures of a batch that keep to the form, cut to it; all others are left out.

    `kinds`: of questions that this server knows (`GET /patient/{id}`); `files`: names of our own scripts.
    Raises `TelemetryError` where the whole is not a batch.
    """
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise TelemetryError("A batch is JSON.") from None
    listed = told.get("measures") if isinstance(told, dict) else None
    if not isinstance(listed, list):
        raise TelemetryError("A batch holds a list of measures.")
    about = _listed({"network": NETWORKS}, told)
    cut = (_measure(each, kinds, files) for each in listed[:MEASURES_MAX])
    return [about | each for each in cut if each]


def _measure(told: Any, kinds: Collection[str], files: Collection[str]) -> Measure:
    """{} for what is none."""
    if not isinstance(told, dict) or not _listed({"route": kinds}, told):
        return {}
    kept = _listed({"route": kinds, "error": ERRORS}, told)
    kept |= _matching({"site": _SITE, "version": _VERSION}, told)
    kept |= {name: round(value, 1) for name in TIMES if (value := _time(told.get(name))) is not None}
    status, place = told.get("status"), told.get("at")
    if type(status) is int and status in _STATUS:
        kept["status"] = status
    found = _PLACE.fullmatch(place) if isinstance(place, str) else None
    if found and found[1] in files:
        kept["at"] = place
    return kept


def _listed(known: Mapping[str, Collection[str]], told: Mapping[str, Any]) -> Measure:
    return {
        name: told[name]
        for name, words in known.items()
        if isinstance(told.get(name), str) and told[name] in words
    }


def _matching(forms: Mapping[str, re.Pattern[str]], told: Mapping[str, Any]) -> Measure:
    return {
        name: told[name]
        for name, form in forms.items()
        if isinstance(told.get(name), str) and form.fullmatch(told[name])
    }


def _time(value: Any) -> float | None:
    if type(value) not in (int, float) or not 0 <= value <= _TIME_MS_MAX or not math.isfinite(value):
        return None
    return float(value)
