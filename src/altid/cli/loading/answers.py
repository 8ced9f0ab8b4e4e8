"""What the server said to a parcel: which items it accepted, and why it refused the others."""

from __future__ import annotations

from typing import Any, NamedTuple

import httpx

from altid.cli.loading.parcels import WHOLE, Item, Parcel
from altid.fhir import json

REASON_CHARACTERS_MAX = 300
_ISSUES_MAX = 3
"""The first issues of an outcome say enough for one line."""


class Refusal(NamedTuple):
    """An item that was not stored. `place` is the file and the line or entry in it."""

    place: str
    status: int
    reason: str


class Verdict(NamedTuple):
    """The answer to one parcel."""

    accepted: tuple[int, ...]
    """Numbers of the items that were stored."""
    resources: int
    """How many resources they held."""
    refusals: tuple[Refusal, ...]


def judge(parcel: Parcel, response: httpx.Response | None) -> Verdict:
    """Read the answer; None where the outcome is unknown. Items with a fault were never sent."""
    faulty = tuple(Refusal(place(parcel, item), 0, item.fault) for item in parcel.items if item.fault)
    sent = [item for item in parcel.items if not item.fault]
    if not sent:
        return Verdict((), 0, faulty)
    if response is None:
        return Verdict((), 0, faulty + _all(parcel, sent, 0, _UNKNOWN))
    answer = _content(response)
    if not response.is_success:
        return Verdict((), 0, faulty + _all(parcel, sent, response.status_code, _reason(answer)))
    entries = answer.get("entry", []) if isinstance(answer, dict) else []
    if parcel.transaction:
        return Verdict((parcel.items[0].number,), len(entries), faulty)
    if len(entries) != len(sent):
        return Verdict(
            (), 0, faulty + _all(parcel, sent, response.status_code, "the answer has other entries")
        )
    verdict = _each(parcel, sent, entries)
    return verdict._replace(refusals=faulty + verdict.refusals)


_UNKNOWN = "the connection broke off: it may or may not be stored; load the file again to be sure"


def _each(parcel: Parcel, sent: list[Item], entries: list[Any]) -> Verdict:
    accepted: list[int] = []
    refusals: list[Refusal] = []
    for item, entry in zip(sent, entries, strict=True):
        response = entry.get("response", {}) if isinstance(entry, dict) else {}
        status = _status(response.get("status"))
        if 200 <= status < 300:
            accepted.append(item.number)
        else:
            refusals.append(Refusal(place(parcel, item), status, _reason(response.get("outcome"))))
    return Verdict(tuple(accepted), len(accepted), tuple(refusals))


def place(parcel: Parcel, item: Item) -> str:
    """The file, and the line or entry where there are several."""
    name = str(parcel.input.path)
    return name if item.number == WHOLE else f"{name}:{item.number}"


def _all(parcel: Parcel, items: list[Item], status: int, reason: str) -> tuple[Refusal, ...]:
    return tuple(Refusal(place(parcel, item), status, reason) for item in items)


def _content(response: httpx.Response) -> Any:
    try:
        return json.loads(response.content)
    except json.JsonError:
        return None


def _status(text: object) -> int:
    digits = str(text)[:3]
    return int(digits) if digits.isdigit() else 0


def _reason(outcome: Any) -> str:
    """The diagnostics of an OperationOutcome, each with the element that it is about."""
    issues = outcome.get("issue", []) if isinstance(outcome, dict) else []
    texts = [_text(issue) for issue in issues[:_ISSUES_MAX] if isinstance(issue, dict)]
    more = f" (and {len(issues) - _ISSUES_MAX} more)" if len(issues) > _ISSUES_MAX else ""
    return (" ".join(texts) or "no reason given")[:REASON_CHARACTERS_MAX] + more


def _text(issue: dict[str, Any]) -> str:
    details = issue.get("details")
    text = issue.get("diagnostics") or (details.get("text") if isinstance(details, dict) else None)
    places = issue.get("expression")
    place = f"{places[0]}: " if isinstance(places, list) and places else ""
    return f"{place}{text or issue.get('code', 'refused')}"
