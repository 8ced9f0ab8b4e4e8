"""What a process leaves open: looked up, sent again while it is young, and else put before a person."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest

from altid.access.journal.journal import take
from altid.access.journal.journals import journals
from altid.fhir import json
from altid.orders.doses import KIND, Telling, told
from altid.orders.intent import PURPOSE, Action, End, Intent, Outcome
from altid.orders.limits import OrderLimits
from altid.orders.notebook import Notebook, new_notebook
from altid.orders.receipt import order_id, part_key, write_key
from altid.orders.recovery import Recovery, entries_of, planned_again
from altid.orders.registering import NotRegisteredError, Registrar
from altid.orders.synthetic import canary_patient
from altid.record.database import Database, Limits, open_database
from altid.record.grouping import GroupWriter
from altid.record.postgres import Cluster
from running import make_database
from tests.access.auditing import SECRET, alter_last_byte, sql, until

from .ordering import PATIENT, medication

QUICK = OrderLimits(look_every_s=0.01, settle_after_s=0.0)
_Result = TypeVar("_Result")


@pytest.fixture(scope="module")
def dsn(postgres: Cluster) -> str:
    return make_database(postgres)


@dataclass
class Stage:
    """One process, and another that died."""

    database: Database
    registrar: Registrar
    recovery: Recovery
    folder: Path
    told: list[tuple[str, int]]


def staged(dsn: str, folder: Path, work: Callable[[Stage], Awaitable[_Result]]) -> _Result:
    async def run() -> _Result:
        async with AsyncExitStack() as stack:
            pools = replace(Limits(), read_connections=1, write_connections=2)
            database = await stack.enter_async_context(open_database(dsn, dsn, limits=pools))
            notebook = opened(folder)
            told: list[tuple[str, int]] = []

            async def tell(intent: Intent, version: int) -> None:
                told.append((intent.key, version))

            registrar = Registrar(database, GroupWriter(database), notebook)
            recovery = Recovery(registrar, SECRET, "A", QUICK, tell)
            notebook.start()
            result = await work(Stage(database, registrar, recovery, folder, told))
            await notebook.close()
            return result

    return asyncio.run(run())


def opened(folder: Path) -> Notebook:
    return new_notebook(folder, "A", SECRET, QUICK, time.time, random.SystemRandom())


def intent(key: str, age_s: float = 0.0, **others: Any) -> Intent:
    content = json.dumps({**medication(), "id": order_id(key)})
    made = Intent(
        round((time.time() - age_s) * 1e6),
        key,
        str(write_key(key, content).value),
        Action.SIGN,
        "MedicationRequest",
        order_id(key),
        0,
        PATIENT,
        "ward",
        "a-1",
        "Anne Holm",
        content.decode(),
    )
    return replace(made, **others)


def dose(key: str, order: Intent, age_s: float = 0.0, after: str = "") -> Intent:
    """Of a dose by that order."""
    made = {
        "resourceType": KIND,
        "id": order_id(key),
        "status": "completed",
        "medicationCodeableConcept": {"text": "Salve"},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "request": {"reference": order.reference},
        "effectiveDateTime": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    content = json.dumps(told(made, Telling(after))).decode()
    return intent(key, age_s, action=Action.ADMINISTER, type=KIND, content=content)


async def dead(folder: Path, *intents: Intent) -> Path:
    """A process that noted these and was gone. Gives its journal."""
    notebook = opened(folder)
    notebook.start()
    await notebook.begin(intents)
    await notebook.close()
    return notebook.journal.folder


def ends(folder: Path) -> list[End]:
    """The outcomes in a journal that nobody holds."""
    journal = take(folder, SECRET, PURPOSE)
    assert journal is not None
    found = [entry.end for _, entry in entries_of(journal) if isinstance(entry, Outcome)]
    journal.close()
    return found


def versions(dsn: str, key: str) -> int:
    return int(sql(dsn, f"SELECT count(*) FROM order_key WHERE id = '{order_id(key)}'")[0][0])


def shown(dsn: str, key: str) -> list[Any]:
    return sql(dsn, f"SELECT state, writer FROM order_recovered WHERE client_key = '{key}'")


def test_a_young_order_that_was_never_registered_is_sent_again(dsn: str, tmp_path: Path) -> None:
    async def work(stage: Stage) -> Path:
        path = await dead(tmp_path, intent("young"))
        await stage.recovery.step()
        assert stage.told == [("young", 1)]
        await stage.recovery.step()
        return path

    path = staged(dsn, tmp_path, work)
    assert (versions(dsn, "young"), ends(path), shown(dsn, "young")) == (1, [End.REGISTERED], [])


def test_one_that_was_registered_is_not_sent_again(dsn: str, tmp_path: Path) -> None:
    async def work(stage: Stage) -> Path:
        registered = intent("registered")
        await stage.registrar.register([planned_again(registered)])
        path = await dead(tmp_path, registered)
        await stage.recovery.step()
        assert stage.told == []
        return path

    path = staged(dsn, tmp_path, work)
    assert (versions(dsn, "registered"), ends(path)) == (1, [End.REGISTERED])


def test_an_old_one_is_put_before_a_person_and_not_registered(dsn: str, tmp_path: Path) -> None:
    async def work(stage: Stage) -> Path:
        path = await dead(tmp_path, intent("old", age_s=QUICK.young_s + 1))
        await stage.recovery.step()
        return path

    path = staged(dsn, tmp_path, work)
    assert versions(dsn, "old") == 0
    assert [tuple(row) for row in shown(dsn, "old")] == [("open", path.name)]
    assert ends(path) == [End.SHOWN]


def test_a_bundle_is_sent_again_whole_or_not_at_all(dsn: str, tmp_path: Path) -> None:
    now_us = round(time.time() * 1e6)
    whole = [intent(part_key("whole", n), at_us=now_us, parts=3) for n in (1, 2, 3)]
    torn = [intent(part_key("torn", n), at_us=now_us, parts=3) for n in (1, 2)]

    async def work(stage: Stage) -> None:
        await dead(tmp_path, *whole, *torn)
        await stage.recovery.step()

    staged(dsn, tmp_path, work)
    assert [versions(dsn, one.key) for one in (*whole, *torn)] == [1, 1, 1, 0, 0]
    assert [len(shown(dsn, one.key)) for one in (*whole, *torn)] == [0, 0, 0, 1, 1]


def test_a_change_of_what_has_changed_since_is_put_before_a_person(dsn: str, tmp_path: Path) -> None:
    first = intent("changed")
    late = replace(intent("late"), id=first.id, expected=1, action=Action.CHANGE)

    async def work(stage: Stage) -> None:
        await stage.registrar.register([planned_again(first)])
        again = replace(intent("between"), id=first.id, expected=1)
        await stage.registrar.register([planned_again(again)])
        await dead(tmp_path, late)
        await stage.recovery.step()

    staged(dsn, tmp_path, work)
    assert [row["state"] for row in shown(dsn, "late")] == ["open"]
    assert versions(dsn, "changed") == 2


def test_a_dose_that_is_sent_again_is_looked_at_again(dsn: str, tmp_path: Path) -> None:
    """Somebody else may have given it meanwhile."""
    order, first = intent("dosed"), dose("first", intent("dosed"))

    async def work(stage: Stage) -> None:
        await stage.registrar.register([planned_again(order)])
        await dead(tmp_path, first)
        await stage.recovery.step()
        await dead(tmp_path, dose("second", order))
        await stage.recovery.step()

    staged(dsn, tmp_path, work)
    assert (versions(dsn, "first"), shown(dsn, "first")) == (1, [])
    assert versions(dsn, "second") == 0
    assert [row["state"] for row in shown(dsn, "second")] == ["open"]


def test_what_a_living_process_has_open_is_its_own(dsn: str, tmp_path: Path) -> None:
    async def work(stage: Stage) -> None:
        other = opened(tmp_path)
        other.start()
        await other.begin([intent("living")])
        await stage.recovery.step()
        assert other.open_count == 1
        await other.close()

    staged(dsn, tmp_path, work)
    assert versions(dsn, "living") == 0


def test_a_process_looks_after_its_own_when_no_answer_came(dsn: str, tmp_path: Path) -> None:
    async def work(stage: Stage) -> None:
        await stage.registrar.notebook.begin([intent("own")])
        await asyncio.sleep(0.002)
        await stage.recovery.step()
        assert stage.registrar.notebook.open_count == 0

    staged(dsn, tmp_path, work)
    assert versions(dsn, "own") == 1


def test_an_outcome_is_on_disk_soon_though_nothing_else_comes(dsn: str, tmp_path: Path) -> None:
    async def work(stage: Stage) -> None:
        notebook = stage.registrar.notebook
        await stage.registrar.register([planned_again(intent("quiet"))])
        await until(lambda: notebook.journal.head.seq == 2)
        assert isinstance(entries_of(notebook.journal)[-1][1], Outcome)

    staged(dsn, tmp_path, work)


def test_an_altered_journal_is_left_and_nothing_is_made_of_it(dsn: str, tmp_path: Path) -> None:
    async def work(stage: Stage) -> None:
        path = await dead(tmp_path, intent("altered"))
        alter_last_byte(next(iter(path.glob("*.journal"))))
        await stage.recovery.step()
        assert (path / "set-aside").exists()

    staged(dsn, tmp_path, work)
    assert versions(dsn, "altered") == 0


def test_an_empty_journal_leaves_nothing_behind(dsn: str, tmp_path: Path) -> None:
    async def work(stage: Stage) -> None:
        await dead(tmp_path)
        await stage.recovery.step()
        assert journals(tmp_path) == [stage.registrar.notebook.journal.folder]

    staged(dsn, tmp_path, work)


def test_two_processes_that_find_the_same_do_it_once(dsn: str, tmp_path: Path) -> None:
    async def work(stage: Stage) -> None:
        await dead(tmp_path, *(intent(f"both-{n}") for n in range(20)))
        other = Recovery(stage.registrar, SECRET, "A", QUICK, stage.recovery._told)
        await asyncio.gather(stage.recovery.step(), other.step())

    staged(dsn, tmp_path, work)
    assert [versions(dsn, f"both-{n}") for n in range(20)] == [1] * 20


def test_a_key_that_made_another_order_is_refused_by_the_record_itself(dsn: str, tmp_path: Path) -> None:
    async def work(stage: Stage) -> None:
        first = planned_again(intent("spent"))
        await stage.registrar.register([first])
        other = planned_again(replace(intent("spent"), id="another-order"))
        with pytest.raises(NotRegisteredError, match="key-used"):
            await stage.registrar.register([other])

    staged(dsn, tmp_path, work)
    assert sql(dsn, "SELECT count(*) FROM resource WHERE id = 'another-order'")[0][0] == 0


def test_a_journal_that_gets_big_keeps_what_is_open(dsn: str, tmp_path: Path) -> None:
    small = replace(QUICK, segment_bytes=2_000, kept_bytes_max=8_000)

    async def work(stage: Stage) -> None:
        notebook = new_notebook(tmp_path, "B", SECRET, small)
        notebook.start()
        for n in range(30):
            numbers = await notebook.begin([intent(f"big-{n}")])
            if n != 10:
                notebook.settle(numbers, End.NOT_STORED)
        await notebook.release()
        assert notebook.journal.firsts()[0] > 1
        left = [entry.key for _, entry in entries_of(notebook.journal) if isinstance(entry, Intent)]
        assert "big-10" in left
        assert "big-0" not in left
        await notebook.close()

    staged(dsn, tmp_path, work)


def test_a_test_order_that_was_never_registered_is_nobodys_and_let_go(dsn: str, tmp_path: Path) -> None:
    key = "canary-never-seen"

    async def work(stage: Stage) -> Path:
        left = await dead(stage.folder, intent(key, patient=canary_patient("A", "server-1")))
        await stage.recovery.step()
        return left

    left = staged(dsn, tmp_path, work)
    assert ends(left) == [End.NOT_STORED]
    assert sql(dsn, f"SELECT FROM order_recovered WHERE client_key = '{key}'") == []
    assert sql(dsn, f"SELECT FROM resource WHERE id = '{order_id(key)}'") == []
