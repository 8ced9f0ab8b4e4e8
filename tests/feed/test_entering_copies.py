"""Who may come in at a copy, and what was looked at there, told to the record once and in order."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from typing import Any

import httpx
import pytest

from altid.access.audit.event import Action, Event, Outcome, Who, encode
from tests.feed.reading import Reader, execute, reader_of, register, wait_until
from tests.feed.ward import ELSEWHERE, HERE, HOSPITAL_SOR, WARD_SOR

WHO = Who(str(uuid.uuid4()), "Sidsel", "nurse", WARD_SOR)


@pytest.fixture(scope="module")
def people(dsn: str) -> None:
    """A nurse of the ward, a doctor of the hospital, somebody elsewhere, and what patients have blocked."""
    for name, place in (("nurse", WARD_SOR), ("doctor", HOSPITAL_SOR), ("stranger", "99900000001002")):
        execute(
            dsn,
            """
            INSERT INTO account (id, username, name, password, roles, organisations, created)
            VALUES (gen_random_uuid(), $1, $1, '$argon2id$of ' || $1, ARRAY['nurse'], ARRAY[$2], now())
            """,
            name,
            place,
        )
    for of in (HERE, ELSEWHERE):
        execute(
            dsn,
            """
            INSERT INTO patient_block (id, patient, organisation, since, set_by, asked)
            VALUES (gen_random_uuid(), $1, '1', now(), 'x', 'spurgte')
            """,
            of,
        )
        execute(
            dsn,
            """
            INSERT INTO personal_list (account, role, organisation, patient, added, until)
            VALUES ('a', 'nurse', '1', $1, now(), now() + interval '1 day')
            """,
            of,
        )


def names(answer: httpx.Response) -> set[str]:
    return {one["username"] for one in answer.json()["accounts"]}


def test_a_ward_gets_who_may_work_there_and_its_patients_blocks(people: None, ward: Reader) -> None:
    answer = ward.get("entry")
    assert names(answer) == {"nurse", "doctor"}
    told = answer.json()
    assert [one["patient"] for one in told["blocks"]] == [HERE]
    assert [one["patient"] for one in told["lists"]] == [HERE]
    assert told["revoked"] is False
    assert {one["password"] for one in told["accounts"]} == {"$argon2id$of nurse", "$argon2id$of doctor"}


def test_a_site_gets_everybody(people: None, site: Reader) -> None:
    answer = site.get("entry")
    assert names(answer) == {"nurse", "doctor", "stranger"}
    assert {one["patient"] for one in answer.json()["blocks"]} == {HERE, ELSEWHERE}


def test_a_closed_account_comes_without_its_password(people: None, site: Reader, dsn: str) -> None:
    execute(dsn, "UPDATE account SET disabled_at = now() WHERE username = 'stranger'")
    told = {one["username"]: one for one in site.get("entry").json()["accounts"]}
    assert told["stranger"]["disabled"] is True
    assert told["stranger"]["password"] is None


def test_a_place_that_was_revoked_is_told_so_and_reads_nothing(server: str, dsn: str) -> None:
    register(dsn, "stolen", "system/feed-ward", WARD_SOR)
    with reader_of(server, dsn, "stolen", "system/feed-ward") as reader:
        assert reader.get("entry").json()["revoked"] is False
        execute(dsn, "UPDATE client SET scopes = '{system/feed-revoked}' WHERE id = 'stolen'")
        answer = reader.get("entry").json()
        assert answer.keys() == {"at", "revoked", "place"}
        assert answer["revoked"] is True
        assert reader.get("snapshot").status_code == 403
        assert reader.get(f"patient/{HERE}").status_code == 403
        sent = send(reader, "late-copy", chain(1))
        assert sent.json() == {"last": 1}


def look(sequence: int, before: str, event: Event | None = None, **said: str) -> dict[str, Any]:
    event = event or Event(time.time_ns() // 1000, Action.READ, Outcome.DONE, WHO, (HERE,))
    content = json.loads(encode(event, "ward PC"))
    made = hashlib.sha256(f"{sequence} {before}".encode()).hexdigest()
    return {"sequence": sequence, "before": before, "hash": made, "event": content} | (
        {"said": said} if said else {}
    )


def chain(count: int, after: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    looks = list(after or [])
    for _ in range(count):
        looks.append(look(len(looks) + 1, looks[-1]["hash"] if looks else "0" * 64))
    return looks


def send(reader: Reader, copy: str, looks: list[dict[str, Any]]) -> httpx.Response:
    return reader.client.post("/feed/looks", json={"copy": copy, "looks": looks})


def kept(dsn: str) -> int:
    found: int = execute(dsn, "SELECT count(*) FROM audit WHERE writer ^@ 'opslag-ward-copy'")[0][0]
    return found


def test_looks_are_kept_once_and_in_order(ward: Reader, dsn: str) -> None:
    looks = chain(5)
    before = kept(dsn)
    assert send(ward, "one", []).json() == {"last": 0}
    assert send(ward, "one", looks[:3]).json() == {"last": 3}
    assert send(ward, "one", looks[:3]).json() == {"last": 3}
    assert send(ward, "one", looks[2:]).json() == {"last": 5}
    assert kept(dsn) == before + 5
    assert send(ward, "another", chain(1)).json() == {"last": 1}


def test_a_gap_or_another_past_is_refused_with_what_is_kept(ward: Reader, dsn: str) -> None:
    looks = chain(4)
    assert send(ward, "two", looks[:1]).json() == {"last": 1}
    before = kept(dsn)
    assert send(ward, "two", looks[2:]).status_code == 409
    forged = [look(2, "f" * 64)]
    answer = send(ward, "two", forged)
    assert (answer.status_code, answer.json()) == (409, {"last": 1})
    assert kept(dsn) == before


@pytest.mark.parametrize(
    "looks",
    [
        [{}],
        [{"sequence": 1, "before": "0" * 64, "hash": "x", "event": {}}],
        [{"sequence": True, "before": "0" * 64, "hash": "0" * 64, "event": {"at": 1, "action": "read"}}],
        "looks",
        [look(1, "0" * 64), look(1, "0" * 64)],
        [look(1, "0" * 64, Event(1, Action.CHECKPOINT, Outcome.DONE, WHO))],
        [look(1, "0" * 64, Event(1, Action.OVERRIDE, Outcome.DONE, WHO, (HERE,)), kind="x", reason="y")],
    ],
)
def test_what_is_no_look_is_refused_and_nothing_kept(ward: Reader, dsn: str, looks: Any) -> None:
    before = kept(dsn)
    assert send(ward, "bad", looks).status_code == 422
    assert kept(dsn) == before


def test_broken_glass_at_a_copy_is_there_to_be_followed_up(ward: Reader, dsn: str) -> None:
    id_ = str(uuid.uuid4())
    event = Event(time.time_ns() // 1000, Action.OVERRIDE, Outcome.DONE, WHO, (ELSEWHERE,), override=id_)
    sent = [look(1, "0" * 64, event, kind="acute", reason="Bevidstløs ved ankomst")]
    assert send(ward, "glass", sent).json() == {"last": 1}
    assert send(ward, "glass", sent).json() == {"last": 1}
    rows = execute(dsn, "SELECT account, patient, reason, finding FROM override WHERE id = $1", id_)
    assert [tuple(row) for row in rows] == [(WHO.subject, ELSEWHERE, "Bevidstløs ved ankomst", None)]


def test_reading_is_in_the_audit_by_answer_and_not_by_patient(site: Reader, dsn: str) -> None:
    site.load()
    events = """
    SELECT convert_from(body, 'UTF8') FROM audit
     WHERE subject = 'site-copy' AND convert_from(body, 'UTF8') ~ 'feed-snapshot:'
    """
    wait_until(lambda: execute(dsn, events))
    assert all("patients" not in json.loads(row[0]) for row in execute(dsn, events))
