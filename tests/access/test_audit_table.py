"""From the journal into the table, and what is found there when somebody has altered it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from altid.access.audit import store
from altid.access.audit.event import NOBODY, Action, Event, Outcome
from altid.access.audit.recorder import Audit
from altid.access.audit.store import Query
from altid.access.audit.unavailable import AuditUnavailableError, Cause
from altid.access.audit.verify import Kind
from altid.access.journal.segment import segments
from altid.record.postgres import Cluster
from tests.access.auditing import (
    ANNE,
    BO,
    NOON_US,
    QUICK,
    alter_last_byte,
    auditing,
    look,
    sql,
    stored,
    until,
    verified,
)

COUNT = "SELECT writer, seq FROM audit ORDER BY writer, seq"


def as_superuser(postgres: Cluster, dsn: str) -> str:
    return dsn.replace("altid_app@", f"{postgres.superuser}@")


def recording(*events: Event) -> Callable[[Audit], Any]:
    async def work(audit: Audit) -> str:
        await asyncio.gather(*(audit.record(event) for event in events))
        await until(lambda: audit.shipper.shipped_seq >= len(events))
        return audit.writer

    return work


def test_what_is_recorded_comes_to_the_table_once_and_is_sound(dsn: str, tmp_path: Path) -> None:
    writer = auditing(dsn, tmp_path, recording(*(look(n) for n in range(50))))
    assert [tuple(row) for row in sql(dsn, COUNT)] == [(writer, n) for n in range(1, 51)]
    report = verified(dsn, tmp_path)
    assert (report.sound, report.events, report.writers) == (True, 50, 1)


def test_the_chain_goes_on_after_a_restart(dsn: str, tmp_path: Path) -> None:
    for n in range(3):
        auditing(dsn, tmp_path, recording(look(n)))
    assert [row["seq"] for row in sql(dsn, COUNT)] == [1, 2, 3]
    assert verified(dsn, tmp_path).sound


def test_an_event_is_on_disk_before_it_is_answered_though_the_database_is_away(
    dsn: str, tmp_path: Path
) -> None:
    never = replace(QUICK, ship_every_s=3600.0, close_s=0.01)

    async def work(audit: Audit) -> None:
        await audit.record(look(7))
        records, _ = stored(tmp_path / audit.writer)
        assert b"o-7" in records[-1].body

    auditing(dsn, tmp_path, work, limits=never)


def test_many_events_share_one_sync(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    syncs = []
    real = os.fdatasync
    monkeypatch.setattr("os.fdatasync", lambda descriptor: (syncs.append(descriptor), real(descriptor)))
    auditing(dsn, tmp_path, recording(*(look(n) for n in range(300))))
    assert len(syncs) <= 3


def test_what_is_looked_at_in_the_same_turn_goes_with_one_sync(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncs = []
    real = os.fdatasync
    monkeypatch.setattr("os.fdatasync", lambda descriptor: (syncs.append(descriptor), real(descriptor)))
    auditing(dsn, tmp_path, recording(*(look(n) for n in range(8))))
    assert len(syncs) == 1


def test_what_is_given_at_the_end_is_kept(dsn: str, tmp_path: Path) -> None:
    async def work(audit: Audit) -> asyncio.Task[None]:
        given = asyncio.create_task(audit.record(look(1)))
        await asyncio.sleep(0)  # given, and not yet begun
        return given

    auditing(dsn, tmp_path, work)
    assert [row["seq"] for row in sql(dsn, COUNT)] == [1]


def test_what_the_table_had_already_is_compared(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []
    real = store.differing

    async def differing(connection: Any, rows: Any) -> Any:
        compared.append([row.seq for row in rows])
        return await real(connection, rows)

    async def work(audit: Audit) -> None:
        await asyncio.sleep(0)
        await audit.shipper.step()  # behind the first one of its own; from now on it is asked here alone
        for n in (1, 2):
            await audit.record(look(n))
        with monkeypatch.context() as patch:
            patch.setattr(store, "differing", _away)
            with pytest.raises(ConnectionError):  # put in and committed, and not compared
                await audit.shipper.step()
        monkeypatch.setattr(store, "differing", differing)
        await audit.record(look(3))
        await audit.shipper.step()

    auditing(dsn, tmp_path, work, limits=replace(QUICK, ship_every_s=3600.0))
    assert compared[0] == [1, 2]
    assert not any(compared[1:])
    assert verified(dsn, tmp_path).sound


def test_a_batch_whose_answer_is_lost_is_sent_again_and_stored_once(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken off before, within and after each statement of each batch."""
    for number, name in enumerate(("put", "differing", "head") * 2):
        real = getattr(store, name)
        broken: list[int] = []

        async def once(
            connection: Any,
            *arguments: Any,
            real: Any = real,
            broken: list[int] = broken,
            after: Any = number,
        ) -> Any:
            if broken:
                return await real(connection, *arguments)
            broken.append(1)
            if after >= 3:
                await real(connection, *arguments)
            connection.terminate()
            raise ConnectionError

        with monkeypatch.context() as patch:
            patch.setattr(store, name, once)
            auditing(dsn, tmp_path, recording(*(look(number * 10 + n) for n in range(10)), look()))
        assert broken
    rows = sql(dsn, COUNT)
    assert [row["seq"] for row in rows] == list(range(1, 67))
    assert verified(dsn, tmp_path).sound


async def _away(*_: Any) -> None:
    raise ConnectionError


def test_segments_go_only_when_the_table_has_them(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = replace(QUICK, segment_bytes=1000, close_s=5.0)

    async def work(audit: Audit) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(store, "head", _away)
            await _record_one_by_one(audit, 30)
            assert len(segments(tmp_path / audit.writer)) > 5
        await audit.shipper.step()
        assert len(segments(tmp_path / audit.writer)) == 1
        assert audit.shipper.shipped_seq == 30

    auditing(dsn, tmp_path, work, limits=small)
    assert len(sql(dsn, COUNT)) == 30


def test_segments_stay_when_the_table_has_something_else(dsn: str, tmp_path: Path, postgres: Cluster) -> None:
    small = replace(QUICK, segment_bytes=1000, ship_every_s=3600.0)

    async def work(audit: Audit) -> None:
        connection = await asyncpg.connect(as_superuser(postgres, dsn))
        try:
            await connection.execute(
                "INSERT INTO audit VALUES ($1, 3, now(), 'x', 'read', '{}', '{}', $2)",
                audit.writer,
                bytes(32),
            )
        finally:
            await connection.close()
        for n in range(30):
            await audit.record(look(n))
        before = segments(tmp_path / audit.writer)
        await audit.shipper.step()
        assert segments(tmp_path / audit.writer) == before
        assert "the table has" in audit.shipper.problems[0]

    auditing(dsn, tmp_path, work, limits=small)


_DIES = """
import asyncio, os, sys
from pathlib import Path
from dataclasses import replace
from tests.access.auditing import QUICK, auditing, look
async def work(audit):
    await asyncio.gather(*(audit.record(look(n)) for n in range(20)))
    os.kill(os.getpid(), 9)
auditing(sys.argv[1], Path(sys.argv[2]), work, limits=replace(QUICK, ship_every_s=3600.0), name="dead")
"""


def test_the_journal_of_a_process_that_died_is_shipped_by_the_next_one(dsn: str, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _DIES, dsn, str(tmp_path)], check=False)
    assert done.returncode == -9

    async def work(audit: Audit) -> None:
        await audit.record(look())
        await until(lambda: bool(audit.shipper.shipped_seq))
        await audit.shipper.step()

    auditing(dsn, tmp_path, work)
    writers = [row["writer"].split(".")[0] for row in sql(dsn, COUNT)]
    assert (writers.count("dead"), writers.count("A")) == (20, 1)
    assert verified(dsn, tmp_path).sound


async def _record_one_by_one(audit: Audit, count: int) -> None:
    for n in range(count):
        await audit.record(look(n))


def test_at_its_bound_nothing_is_taken_until_the_database_is_back(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = replace(QUICK, segment_bytes=1000, journal_bytes_max=4000)

    async def work(audit: Audit) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(store, "head", _away)
            with pytest.raises(AuditUnavailableError) as caught:
                await _record_one_by_one(audit, 100)
            assert (caught.value.cause, audit.fault) == (Cause.FULL, Cause.FULL)
        await audit.shipper.step()
        assert audit.healthy
        await audit.record(look())

    auditing(dsn, tmp_path, work, limits=tiny)


def test_a_disk_that_fails_is_refused_and_recovered_from_without_being_asked(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(audit: Audit) -> None:
        await audit.record(look(1))
        with monkeypatch.context() as patch:
            patch.setattr("os.fdatasync", _fails)
            with pytest.raises(AuditUnavailableError) as caught:
                await audit.record(look(2))
            assert (caught.value.cause, audit.fault) == (Cause.DISK, Cause.DISK)
        await until(lambda: audit.healthy)
        await audit.record(look(3))

    auditing(dsn, tmp_path, work)
    ids = [
        entry["id"] for entry in sql(dsn, "SELECT convert_from(body, 'UTF8')::json->>'id' AS id FROM audit")
    ]
    assert ids == ["o-1", "o-3"]


def _fails(_descriptor: int) -> None:
    raise OSError(5, "Input/output error")


def test_a_disk_that_hangs_is_not_waited_for(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    go_on = threading.Event()
    real = os.fdatasync

    def hangs(descriptor: int) -> None:
        go_on.wait(30)
        real(descriptor)

    async def work(audit: Audit) -> None:
        monkeypatch.setattr("os.fdatasync", hangs)
        asked = await asyncio.gather(*(audit.record(look(n)) for n in range(3)), return_exceptions=True)
        assert [one.cause for one in asked if isinstance(one, AuditUnavailableError)] == [Cause.SLOW] * 3
        assert audit.fault is Cause.SLOW
        go_on.set()
        await until(lambda: audit.healthy)

    auditing(dsn, tmp_path, work, limits=replace(QUICK, record_s=0.1))


def test_nothing_is_taken_after_the_end(dsn: str, tmp_path: Path) -> None:
    async def work(audit: Audit) -> Audit:
        return audit

    audit = auditing(dsn, tmp_path, work)
    assert audit.fault is Cause.CLOSED
    with pytest.raises(AuditUnavailableError):
        asyncio.run(audit.record(look()))


def test_the_servers_role_may_add_and_read_and_nothing_else(dsn: str, tmp_path: Path) -> None:
    auditing(dsn, tmp_path, recording(look()))
    for statement in ("UPDATE audit SET subject = 'x'", "DELETE FROM audit", "TRUNCATE audit"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            sql(dsn, statement)


def searched(dsn: str, query: Query) -> list[str]:
    async def run() -> list[str]:
        connection = await asyncpg.connect(dsn)
        try:
            return [entry.event.id for entry in await store.search(connection, query)]
        finally:
            await connection.close()

    return asyncio.run(run())


def test_it_is_searched_by_patient_person_time_and_broken_glass(dsn: str, tmp_path: Path) -> None:
    glass = look(3, "p-2", BO, action=Action.OVERRIDE, grounds=("override",), override="w-1")
    auditing(dsn, tmp_path, recording(look(1), look(2, who=BO), glass, look(4, "p-2")))
    assert searched(dsn, Query(patient="p-1")) == ["o-2", "o-1"]
    assert searched(dsn, Query(subject=ANNE.subject)) == ["o-4", "o-1"]
    assert searched(dsn, Query(patient="p-2", subject="a-2")) == ["o-3"]
    assert searched(dsn, Query(action=Action.OVERRIDE)) == ["o-3"]
    assert searched(dsn, Query(since=look(2).at, until=look(4).at)) == ["o-3", "o-2"]
    assert searched(dsn, Query(limit=1)) == ["o-4"]


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        ("patients @> ARRAY['p-77']", "audit_patients"),
        ("subject = 'a-77'", "audit_subject"),
        ("at > timestamptz '2027-01-15' + interval '99990 s'", "audit_at"),
        ("action = 'override'", "audit_action"),
    ],
)
def test_a_search_uses_an_index(dsn: str, postgres: Cluster, condition: str, index: str) -> None:
    fill = """
    INSERT INTO audit SELECT 'A', n, timestamptz '2027-01-15' + n * interval '5 s', 'a-' || n % 1000, 'read',
           ARRAY['p-' || n % 2000], '{}', decode(repeat('00', 32), 'hex') FROM generate_series(1, 20000) n"""
    plan = sql(
        as_superuser(postgres, dsn), fill, "ANALYZE audit", f"EXPLAIN SELECT * FROM audit WHERE {condition}"
    )
    assert index in str(plan)


TAMPERING = [
    ("DELETE FROM audit WHERE seq = 5", Kind.MISSING, (5, 5)),
    ("DELETE FROM audit WHERE seq <= 3", Kind.MISSING, (1, 3)),
    ("DELETE FROM audit WHERE seq > 15", Kind.CUT, (16, 20)),
    ("DELETE FROM audit", Kind.CUT, (1, 20)),
    (
        "UPDATE audit SET body = replace(body::text, encode('Anne', 'hex'), encode('Nina', 'hex'))::bytea "
        "WHERE seq = 7",
        Kind.ALTERED,
        (7, 7),
    ),
    ("UPDATE audit SET hash = sha256(hash) WHERE seq = 8", Kind.ALTERED, (8, 8)),
    ("UPDATE audit SET patients = '{p-9}' WHERE seq = 9", Kind.ALTERED, (9, 9)),
    ("UPDATE audit SET at = at - interval '1 day' WHERE seq = 9", Kind.ALTERED, (9, 9)),
    ("UPDATE audit SET subject = 'a-2' WHERE seq = 9", Kind.ALTERED, (9, 9)),
    (
        "UPDATE audit a SET body = b.body, hash = b.hash, at = b.at FROM audit b "
        "WHERE a.writer = b.writer AND a.seq + b.seq = 9 AND a.seq IN (4, 5)",
        Kind.MOVED,
        (4, 4),
    ),
    (
        "INSERT INTO audit SELECT writer, 21, at, subject, action, patients, body, sha256(hash) FROM audit "
        "WHERE seq = 20",
        Kind.ALTERED,
        (21, 21),
    ),
    (
        "INSERT INTO audit SELECT 'A.ffffffff', 1, at, subject, action, patients, body, hash FROM audit "
        "WHERE seq = 1",
        Kind.ALTERED,
        (1, 1),
    ),
]


@pytest.mark.parametrize(("statement", "kind", "numbers"), TAMPERING)
def test_whatever_is_altered_in_the_table_is_found(
    dsn: str, tmp_path: Path, postgres: Cluster, statement: str, kind: Kind, numbers: tuple[int, int]
) -> None:
    auditing(dsn, tmp_path, recording(*(look(n) for n in range(20))))
    assert verified(dsn, tmp_path).sound
    # The next start lets go of all but a new segment: what it follows is noted in its beginning.
    _begin_new_segment(dsn, tmp_path)
    sql(as_superuser(postgres, dsn), "SET session_replication_role = replica", statement)
    found = verified(dsn, tmp_path).findings
    assert (found[0].kind, (found[0].first, found[0].last)) == (kind, numbers)


def _begin_new_segment(dsn: str, folder: Path) -> None:
    async def work(audit: Audit) -> None:
        await until(lambda: audit.shipper.shipped_seq == 20)
        audit._journal.rotate()
        audit._journal.release(20)

    auditing(dsn, folder, work)


def test_a_tail_that_was_cut_is_found_by_another_writers_checkpoint(
    dsn: str, tmp_path: Path, postgres: Cluster
) -> None:
    """The other server's disk is not at hand: only the table is."""
    writer = auditing(dsn, tmp_path / "other", recording(*(look(n) for n in range(20))))
    often = replace(QUICK, checkpoint_every_s=0.0)

    async def work(audit: Audit) -> None:
        await until(lambda: audit.shipper.shipped_seq > 0)

    auditing(dsn, tmp_path / "this", work, limits=often, name="B", seed=2)
    assert verified(dsn).sound
    sql(as_superuser(postgres, dsn), f"DELETE FROM audit WHERE writer = '{writer}' AND seq > 12")
    (found,) = verified(dsn).findings
    assert (found.kind, found.writer, found.first, found.last) == (Kind.CUT, writer, 13, 20)


def test_a_journal_that_was_altered_is_found(dsn: str, tmp_path: Path) -> None:
    writer = auditing(dsn, tmp_path, recording(look()))
    alter_last_byte(segments(tmp_path / writer)[0].path)
    (found,) = verified(dsn, tmp_path).findings
    assert found.kind is Kind.JOURNAL


def test_a_look_at_more_patients_than_one_event_holds_becomes_several(dsn: str, tmp_path: Path) -> None:
    everyone = tuple(f"p-{n}" for n in range(1201))
    event = look(1, action=Action.EXPORT, patients=everyone, grounds=("scope",))

    async def work(audit: Audit) -> None:
        await audit.record(event)
        await until(lambda: audit.shipper.shipped_seq == 3)

    auditing(dsn, tmp_path, work)
    rows = sql(dsn, "SELECT patients FROM audit ORDER BY seq")
    assert tuple(patient for row in rows for patient in row["patients"]) == everyone


@pytest.mark.parametrize("text", ["\0", "\ud800", "x" * 100_000, "a\nb"])
def test_no_text_of_a_request_keeps_the_next_event_from_the_table(
    dsn: str, tmp_path: Path, text: str
) -> None:
    event = look(
        1, patient=text, who=replace(ANNE, name=text), id=text, type=text, parameters=(text,), request=text
    )
    auditing(dsn, tmp_path, recording(event, look(2)))
    assert len(sql(dsn, COUNT)) == 2


def test_no_value_of_a_search_and_no_cpr_number_gets_in(dsn: str, tmp_path: Path) -> None:
    odd = ("identifier=010190-1234", "010190-1234", "name:Anna Hansen")
    event = Event(
        NOON_US, Action.SEARCH, Outcome.DONE, NOBODY, parameters=(*odd, "subject:Patient.birthdate")
    )
    auditing(dsn, tmp_path, recording(event))
    (row,) = sql(dsn, "SELECT convert_from(body, 'UTF8') AS body FROM audit")
    assert "010190" not in row["body"]
    assert "Anna" not in row["body"]
    assert "subject:Patient.birthdate" in row["body"]
