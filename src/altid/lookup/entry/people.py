"""Last known accounts and what is theirs, as the record told them with `/feed/entry`: replaced as a whole.

Names, roles, places, argon2id hashes. Whoever is not among them any more, or closed, can't come in, and who
is in goes out at the next request.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from altid.access.grounds import Above, Own
from altid.access.identity import Identity, Role
from altid.fhir.search.hidden import Period
from altid.lookup.entry.relations import organisations_of
from altid.lookup.entry.tables import Connection

WRONG_PINS_MAX = 5
"""As in the record (`altid.access.reentry`): six digits stand no more guessing than that."""
ROWS_MAX = 2_000_000
"""Of one answer in all. A region has some ten thousand accounts; more was sent by mistake."""
_BEGIN = datetime(1900, 1, 1, tzinfo=UTC)
_END = datetime(2200, 1, 1, tzinfo=UTC)
"""For the ends that a period does not have."""


class EntryAnswerError(ValueError):
    """The record's answer has not the form that it must have; what was known before stays."""


@dataclass(frozen=True, slots=True)
class Account:
    """One person. `password` and `pin` are hashes."""

    id: str
    username: str
    name: str
    roles: tuple[Role, ...]
    organisations: tuple[str, ...]
    is_disabled: bool = False
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Reentry:
    """An account's right to come back in by PIN, for the rest of a shift."""

    account: Account
    workplace: str
    role: Role
    organisation: str
    pin: str = field(repr=False)
    wrong: int = 0


def replace(connection: Connection, answer: Mapping[str, Any]) -> None:
    """Keep what the record says now, in the caller's transaction. Raises `EntryAnswerError`, having kept some
    of it: then the transaction must not be committed."""
    try:
        tables = {
            "account": [_account_row(each) for each in answer["accounts"]],
            "reentry": [_reentry_row(each) for each in answer["reentries"] if each["pin"]],
            "block": [_block_row(each) for each in answer["blocks"]],
            "listed": [_listed_row(each) for each in answer["lists"]],
        }
        overrides = [_override_row(each) for each in answer["overrides"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EntryAnswerError(f"not an answer of /feed/entry ({type(error).__name__})") from None
    if sum(map(len, tables.values())) > ROWS_MAX:
        raise EntryAnswerError(f"more than {ROWS_MAX} rows")
    for table, rows in tables.items():
        _replace_rows(connection, table, rows)
    connection.execute("DELETE FROM broken_glass WHERE NOT is_own OR until < ?", (_second(answer["at"]),))
    connection.executemany("INSERT OR IGNORE INTO broken_glass VALUES (?, ?, ?, ?, ?, ?, 0)", overrides)


def by_username(connection: Connection, username: str) -> Account | None:
    """By a user name in its one spelling."""
    row = connection.execute(f"{_SELECT} WHERE username = ?", (username,)).fetchone()
    return None if row is None else _account(row)


def by_id(connection: Connection, account: str) -> Account | None:
    row = connection.execute(f"{_SELECT} WHERE id = ?", (account,)).fetchone()
    return None if row is None else _account(row)


def reentry_of(connection: Connection, username: str, now_s: float) -> Reentry | None:
    """The right to come in by PIN, if there is one that holds and was not guessed at too often."""
    account = by_username(connection, username)
    if account is None:
        return None
    row = connection.execute(_REENTRY, (account.id, now_s, WRONG_PINS_MAX)).fetchone()
    return None if row is None else Reentry(account, row[0], Role(row[1]), row[2], row[3], row[4])


def has_reentries(connection: Connection, now_s: float) -> bool:
    row = connection.execute("SELECT 1 FROM reentry WHERE expires > ? LIMIT 1", (now_s,)).fetchone()
    return row is not None


def wrong_pin(connection: Connection, reentry: Reentry) -> None:
    """After a few of these the PIN opens nothing any more."""
    key = (reentry.account.id, reentry.workplace)
    connection.execute("UPDATE reentry SET wrong = wrong + 1 WHERE account = ? AND workplace = ?", key)


def own_of(connection: Connection, identity: Identity, stands: Above, now: datetime) -> Own:
    """What is the person's own in this role at this place, and what patients have blocked for them."""
    whose = (identity.subject, identity.role, identity.organisation, now.timestamp())
    blocked: set[str] = set()
    hidden: dict[str, tuple[Period, ...]] = {}
    for patient, organisation, low, high in connection.execute(_BLOCKS, (identity.subject, now.timestamp())):
        if not _covers(connection, organisation, stands):
            continue
        if low is None and high is None:
            blocked.add(patient)
        else:
            hidden[patient] = (*hidden.get(patient, ()), Period(_moment(low, _BEGIN), _moment(high, _END)))
    listed = connection.execute(_LISTED, whose).fetchall()
    overrides = connection.execute(_OVERRIDES, whose).fetchall()
    return Own(_until(listed), _until(overrides), frozenset(blocked), hidden)


def _covers(connection: Connection, organisation: str | None, stands: Above) -> bool:
    """Whether a block by place is for who works there. What can't be told covers everybody."""
    if organisation is None or not stands.is_whole:
        return True
    ids = organisations_of(connection, organisation)
    return not ids or not ids.isdisjoint(stands.organisations)


def _until(rows: Iterable[tuple[str, float]]) -> dict[str, datetime]:
    return {patient: datetime.fromtimestamp(until, UTC) for patient, until in rows}


def _moment(at_s: float | None, missing: datetime) -> datetime:
    return missing if at_s is None else datetime.fromtimestamp(at_s, UTC)


def _second(text: str | None) -> float | None:
    return None if text is None else datetime.fromisoformat(text).timestamp()


def _account_row(each: Mapping[str, Any]) -> tuple[Any, ...]:
    roles = json.dumps([Role(role) for role in each["roles"]])
    places = json.dumps([str(place) for place in each["organisations"]])
    named = str(each["id"]), str(each["username"]), str(each["name"])
    return *named, roles, places, each["password"], bool(each["disabled"])


def _reentry_row(each: Mapping[str, Any]) -> tuple[Any, ...]:
    whose = str(each["account"]), str(each["workplace"]), Role(each["role"]), str(each["organisation"])
    return *whose, str(each["pin"]), _second(each["expires"]), 0


def _block_row(each: Mapping[str, Any]) -> tuple[Any, ...]:
    times = (_second(each[name]) for name in ("low", "high", "until"))
    return str(each["id"]), str(each["patient"]), each["account"], each["organisation"], *times


def _listed_row(each: Mapping[str, Any]) -> tuple[Any, ...]:
    whose = str(each["account"]), Role(each["role"]), str(each["organisation"]), str(each["patient"])
    return *whose, _second(each["until"])


def _override_row(each: Mapping[str, Any]) -> tuple[Any, ...]:
    return str(each["id"]), *_listed_row(each)


def _replace_rows(connection: Connection, table: str, rows: list[tuple[Any, ...]]) -> None:
    """Wrong PINs that were counted here stay counted, as long as it is the same PIN."""
    if table == "reentry":
        wrong = {row[:3]: row[3] for row in connection.execute(_WRONG).fetchall()}
        rows = [(*row[:-1], wrong.get((row[0], row[1], row[4]), 0)) for row in rows]
    connection.execute(f"DELETE FROM {table}")
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


def _account(row: tuple[Any, ...]) -> Account:
    roles = tuple(Role(role) for role in json.loads(row[3]))
    return Account(row[0], row[1], row[2], roles, tuple(json.loads(row[4])), bool(row[6]), row[5])


_SELECT = "SELECT id, username, name, roles, organisations, password, is_disabled FROM account"
_WRONG = "SELECT account, workplace, pin, wrong FROM reentry WHERE wrong > 0"
_REENTRY = """
SELECT workplace, role, organisation, pin, wrong FROM reentry
 WHERE account = ? AND expires > ? AND wrong < ? ORDER BY expires DESC LIMIT 1
"""
_BLOCKS = """
SELECT patient, organisation, low, high FROM block
 WHERE (account IS NULL OR account = ?) AND (until IS NULL OR until > ?)
"""
_LISTED = """
SELECT patient, max(until) FROM listed
 WHERE account = ? AND role = ? AND organisation = ? AND until > ? GROUP BY patient
"""
_OVERRIDES = """
SELECT patient, max(until) FROM broken_glass
 WHERE account = ? AND role = ? AND organisation = ? AND until > ? GROUP BY patient
"""
