"""One look or change, as plain data, and the bytes that are sealed, chained and stored of it.

An event names patients by their ids and searches by their parameters' names: never a patient's name, and
never a value that was searched for. Texts that come from outside are cut and cleaned, so that no request can
make an event that can't be stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

import orjson

from altid.access.identity import Identity

TEXT_CHARACTERS_MAX = 256
"""Names, addresses, request ids: longer ones are cut."""
PATIENTS_MAX = 500
"""In one stored event. A look at more becomes several events with the same request id."""
PARAMETERS_MAX = 64

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_PARAMETER = re.compile(r"_?[A-Za-z][A-Za-z0-9_-]*(?:[:.]_?[A-Za-z][A-Za-z0-9_-]*)*")
_OTHER = "(other)"
"""In place of what is no id or no parameter's name: it might be anything."""


class Action(StrEnum):
    """What was done."""

    READ = "read"
    VREAD = "vread"
    HISTORY = "history"
    SEARCH = "search"
    CREATE = "create"
    UPDATE = "update"
    PATCH = "patch"
    DELETE = "delete"
    OPERATION = "operation"
    EXPORT = "export"
    PRINT = "print"
    LOGON = "logon"
    EMERGENCY_LOGON = "emergency-logon"
    """By a local account or a passkey, while no identity provider of the region answers."""
    EMERGENCY_CODE = "emergency-code"
    """By a ward's sealed code at a lookup record, where nobody's own account can be used."""
    LOGOFF = "logoff"
    OVERRIDE = "override"
    """*Værdispring*: the glass was broken."""
    FOLLOW_UP = "follow-up"
    """Somebody has looked at a broken glass."""
    ADMINISTER = "administer"
    """Accounts, systems, lists, blocks."""
    CHECKPOINT = "checkpoint"
    """No person's: how far the chains of all writers were (`heads`)."""


class Outcome(StrEnum):
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """A write whose answer was lost: it may be stored or not."""


@dataclass(frozen=True, slots=True)
class Who:
    """`subject` is an account's or a system's id; `role` and `organisation` those of the session."""

    subject: str
    name: str
    role: str
    organisation: str
    session: str = ""


NOBODY = Who("", "", "", "")
"""Before somebody is known: an attempt to log on."""


def who_of(identity: Identity) -> Who:
    """Who a verified token says it is."""
    return Who(identity.subject, identity.name, identity.role, identity.organisation, identity.session)


@dataclass(frozen=True, slots=True)
class Event:
    """What is not known or does not apply is empty."""

    at_us: int
    """Microseconds since 1970."""
    action: Action
    outcome: Outcome
    who: Who
    patients: tuple[str, ...] = ()
    """Ids of all patients whom it was about."""
    grounds: tuple[str, ...] = ()
    """One for each patient in their order, or a single one for all (`altid.access.grounds.Grounds`)."""
    override: str = ""
    """Id of the broken glass that was the grounds."""
    type: str = ""
    """The resource's type, or what else was looked at."""
    id: str = ""
    version: int | None = None
    operation: str = ""
    """Name of a FHIR operation or a page."""
    parameters: tuple[str, ...] = ()
    """Names only of what was searched by."""
    address: str = ""
    workplace: str = ""
    request: str = ""
    """Correlation id: the same in the answer's header."""
    durability: str = ""
    """How safe a write was when it was answered: "two-sites", "one-site"."""
    heads: tuple[tuple[str, int, str], ...] = ()
    """Of a checkpoint: writer, number and hash (hexadecimal) of its newest stored event."""
    count: int | None = None
    """Of a summary: how many looks like it there were since the one before."""

    @property
    def at(self) -> datetime:
        return moment_of(self.at_us)

    def grounds_for(self, patient: str) -> str:
        """The grounds for one of its patients; empty if none were needed or known."""
        if len(self.grounds) == 1:
            return self.grounds[0]
        return dict(zip(self.patients, self.grounds, strict=False)).get(patient, "")


def moment_of(at_us: int) -> datetime:
    """Exact to the microsecond."""
    return _EPOCH + timedelta(microseconds=at_us)


def parts_of(event: Event) -> Iterator[Event]:
    """The event itself, or several if it is about many patients."""
    if len(event.patients) <= PATIENTS_MAX:
        yield event
        return
    for low in range(0, len(event.patients), PATIENTS_MAX):
        span = slice(low, low + PATIENTS_MAX)
        grounds = event.grounds if len(event.grounds) < 2 else event.grounds[span]
        yield replace(event, patients=event.patients[span], grounds=grounds)


def encode(event: Event, site: str) -> bytes:
    """The bytes that are kept: JSON without what is empty, the same for the same event."""
    who = event.who
    content: dict[str, Any] = {
        "at": event.at_us,
        "action": event.action,
        "outcome": event.outcome,
        "site": site,
        "subject": _clean(who.subject),
        "name": _clean(who.name),
        "role": _clean(who.role),
        "organisation": _clean(who.organisation),
        "session": _clean(who.session),
        "patients": [_id(patient) for patient in event.patients],
        "grounds": [_clean(one) for one in event.grounds],
        "override": _clean(event.override),
        "type": _clean(event.type),
        "id": _id(event.id) if event.id else "",
        "version": event.version,
        "operation": _clean(event.operation),
        "parameters": [_parameter(name) for name in event.parameters[:PARAMETERS_MAX]],
        "address": _clean(event.address),
        "workplace": _clean(event.workplace),
        "request": _clean(event.request),
        "durability": _clean(event.durability),
        "heads": event.heads,
        "count": event.count,
    }
    return orjson.dumps({name: value for name, value in content.items() if value or value == 0})


class FoundBy(NamedTuple):
    """What an event is found by."""

    at: datetime
    subject: str
    action: str
    patients: list[str]


def found_by(body: bytes) -> FoundBy:
    """The same as of the decoded event, without making it. Raises `ValueError` as `decode` does."""
    try:
        content = orjson.loads(body)
        return FoundBy(
            moment_of(content["at"]),
            content.get("subject", ""),
            content["action"],
            content.get("patients", []),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not an audit event") from error


def decode(body: bytes) -> tuple[Event, str]:
    """The event of such bytes, and its site. Raises `ValueError` for what was never encoded here."""
    try:
        content = orjson.loads(body)
        site = content.pop("site", "")
        who = Who(*(content.pop(name, "") for name in ("subject", "name", "role", "organisation", "session")))
        heads = tuple((str(writer), int(seq), str(hash_)) for writer, seq, hash_ in content.pop("heads", ()))
        lists: Any = {name: tuple(content.pop(name, ())) for name in ("patients", "grounds", "parameters")}
        action, outcome = Action(content.pop("action")), Outcome(content.pop("outcome"))
        return Event(content.pop("at"), action, outcome, who, heads=heads, **lists, **content), site
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not an audit event") from error


def _clean(text: str) -> str:
    """Printable, and not longer than it may be: PostgreSQL refuses NUL, UTF-8 lone surrogates."""
    text = text[:TEXT_CHARACTERS_MAX]
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def _id(text: str) -> str:
    return text if _ID.fullmatch(text) else _OTHER


def _parameter(name: str) -> str:
    is_name = len(name) <= TEXT_CHARACTERS_MAX and _PARAMETER.fullmatch(name)
    return name if is_name else _OTHER
