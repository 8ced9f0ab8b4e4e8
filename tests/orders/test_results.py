"""Results come in: into the record once, with their order done; or held with their bytes, never dropped."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from altid.access.audit.event import Event
from altid.access.audit.unavailable import AuditUnavailableError, Cause
from altid.fhir import json
from altid.hl7.acknowledgement import read
from altid.hl7.mllp import framed, read_frame
from altid.hl7.text import parse
from altid.orders.downstream import inbox
from altid.orders.downstream.destinations import Listener, Source, Tls
from altid.orders.downstream.line import client_context
from altid.orders.downstream.listener import Results, listening
from altid.record.database import Database, Limits, open_database
from altid.record.postgres import Cluster
from tests.certificates import Authority
from tests.orders.posts import ask, patient, put, requisition
from tests.running import make_database

SOURCE = Source("LABKA", "RH", "labka")
OPEN = Listener("127.0.0.1", 0, None, (SOURCE,))
CPR = patient("p1")["identifier"][0]["value"]
KALIUM = "OBX|1|NM|NPU03230^Kalium^NPU||{value}|mmol/l^millimol/l^UCUM|3,5-4,4"
RESULT = KALIUM + "|{flag}|||{status}|||20261128093000\r"


def oru(
    control: str = "L1",
    *,
    cpr: str = CPR,
    order: str = "s1",
    value: str = "4.20",
    status: str = "F",
    flag: str = "N",
    sent: str = "20261128100000",
    more: str = "",
    filler: str = "F77",
) -> bytes:
    return (
        f"MSH|^~\\&|LABKA|RH|ALTID||{sent}||ORU^R01^ORU_R01|{control}|P|2.5.1||||||UNICODE UTF-8\r"
        f"PID|1||{cpr}^^^CPR&1.2.208.176.1.2&ISO^NNDNK||Sørensen^Åse\r"
        f"OBR|1|{order}^ALTID|{filler}^LABKA|NPU03230^Kalium^NPU|||20261128093000+0100|||||||||||||||"
        f"20261128095500||LAB|{status}\r" + RESULT.format(value=value, flag=flag, status=status) + more
    ).encode()


class Told:
    """An audit that keeps what it is told, or takes nothing."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.takes = True

    async def __call__(self, events: Sequence[Event]) -> None:
        if not self.takes:
            raise AuditUnavailableError(Cause.DISK)
        self.events += events


@pytest.fixture
def dsn(postgres: Cluster) -> str:
    made = make_database(postgres)
    task = {
        "resourceType": "Task",
        "id": "t1",
        "status": "in-progress",
        "intent": "order",
        "focus": {"reference": "ServiceRequest/s1"},
    }
    put(made, patient("p1"), patient("p2"), requisition("s1", "p1"), requisition("s2", "p2"), task)
    return made


def within(dsn: str, work: Callable[[Database, Told], Awaitable[Any]]) -> Any:
    async def bounded() -> Any:
        async with asyncio.timeout(60), open_database(dsn, dsn, limits=Limits(2, 4)) as database:
            return await work(database, Told())

    return asyncio.run(bounded())


def answers(dsn: str, *messages: bytes, told: Told | None = None) -> list[tuple[str, str]]:
    """Code and control id of the answer to each, one after the other."""

    async def work(database: Database, fresh: Told) -> list[tuple[str, str]]:
        results = Results(database, OPEN, told or fresh, random.Random(1))
        found = [parse(await results.answer(message, frozenset())) for message in messages]
        return [(one.segments[1].text(1), one.segments[1].text(2)) for one in found]

    return list(within(dsn, work))


def count(dsn: str, type_: str) -> int:
    return int(ask(dsn, "SELECT count(*) FROM change WHERE type = $1", type_))


def current(dsn: str, type_: str, id_: str | None = None) -> Any:
    text = ask(
        dsn,
        "SELECT fhir_json(type, id, version, last_updated, body) FROM resource "
        "WHERE type = $1 AND ($2::text IS NULL OR id = $2)",
        type_,
        id_,
    )
    return json.loads(text.encode() if isinstance(text, str) else text)


def current_of(dsn: str, type_: str, code: str) -> Any:
    rows = ask(
        dsn,
        "SELECT jsonb_agg(fhir_json(type, id, version, last_updated, body)) FROM resource WHERE type = $1",
        type_,
    )
    return next(one for one in json.loads(rows.encode()) if one["code"]["coding"][0]["code"] == code)


def held(dsn: str) -> list[tuple[str, str]]:
    async def asked() -> list[tuple[str, str]]:
        connection = await asyncpg.connect(dsn)
        try:
            return [(one["control_id"], one["code"]) for one in await inbox.listed(connection)]
        finally:
            await connection.close()

    return asyncio.run(asked())


def test_a_result_is_in_the_record_and_its_order_is_done(dsn: str) -> None:
    told = Told()
    assert answers(dsn, oru(), told=told) == [("AA", "L1")]
    report, value = current(dsn, "DiagnosticReport"), current(dsn, "Observation")
    assert report["basedOn"] == [{"reference": "ServiceRequest/s1"}]
    assert report["result"] == [{"reference": f"Observation/{value['id']}"}]
    assert report["effectiveDateTime"] == "2026-11-28T09:30:00+01:00"
    assert value["subject"] == {"reference": "Patient/p1"}
    assert json.dumps(value["valueQuantity"]["value"]) == b"4.20"
    assert current(dsn, "ServiceRequest", "s1")["status"] == "completed"
    assert current(dsn, "Task", "t1")["status"] == "completed"
    assert {(one.who.subject, one.patients, one.type) for one in told.events} == {
        ("labka", ("p1",), type_) for type_ in ("DiagnosticReport", "Observation", "ServiceRequest", "Task")
    }


def test_the_same_message_again_changes_nothing_and_is_acknowledged(dsn: str) -> None:
    assert answers(dsn, oru(), oru(sent="20261128101500")) == [("AA", "L1"), ("AA", "L1")]
    assert count(dsn, "Observation") == count(dsn, "DiagnosticReport") == 1
    assert count(dsn, "ServiceRequest") == 3


def test_the_same_message_from_many_lines_at_once_is_applied_once(dsn: str) -> None:
    async def work(database: Database, told: Told) -> None:
        results = Results(database, OPEN, told, random.Random(1))
        found = await asyncio.gather(*(results.answer(oru(), frozenset()) for _ in range(8)))
        assert {parse(one).segments[1].text(1) for one in found} == {"AA"}

    within(dsn, work)
    assert count(dsn, "Observation") == 1


def test_a_correction_is_a_new_version_of_what_it_corrects(dsn: str) -> None:
    assert answers(dsn, oru(status="P"), oru("L2", status="C", value="4.9")) == [("AA", "L1"), ("AA", "L2")]
    assert count(dsn, "Observation") == 2
    value = current(dsn, "Observation")
    assert (value["status"], value["meta"]["versionId"]) == ("corrected", "2")


def test_a_preliminary_result_that_comes_late_does_not_overwrite_the_final_one(dsn: str) -> None:
    more = KALIUM.replace("OBX|1", "OBX|2").replace("NPU03230^Kalium", "NPU03429^Natrium")
    late = oru("L0", status="P", value="3.9", more=f"{more.format(value='140')}|N|||P|||20261128093000\r")
    assert answers(dsn, oru("L1", value="4.20"), late) == [("AA", "L1"), ("AA", "L0")]
    report, value = current(dsn, "DiagnosticReport"), current_of(dsn, "Observation", "NPU03230")
    assert (report["status"], report["meta"]["versionId"]) == ("final", "1")
    assert (value["status"], json.dumps(value["valueQuantity"]["value"])) == ("final", b"4.20")
    # What only the late one has is in the record too: nothing that was told is dropped.
    assert current_of(dsn, "Observation", "NPU03429")["status"] == "preliminary"
    assert held(dsn) == []


@pytest.mark.parametrize("status", ["C", "X", "D"])
def test_nor_what_was_corrected_or_taken_back(dsn: str, status: str) -> None:
    last = oru("L2", value="5.0").replace(b"|F|||20261128093000", f"|{status}|||20261128093000".encode())
    assert answers(dsn, oru(), last, oru("L3", status="P"))[2] == ("AA", "L3")
    assert count(dsn, "Observation") == 2


def test_a_preliminary_result_leaves_its_order_open(dsn: str) -> None:
    answers(dsn, oru(status="P"))
    assert current(dsn, "ServiceRequest", "s1")["status"] == "active"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (oru(cpr="0101010101"), "unknown-patient"),
        (oru(order="nobody"), "unknown-order"),
        (oru(order="s2"), "order-of-another-patient"),
        (oru(order=""), "no-order-number"),
        (oru(value="4,2"), "no-number"),
        (oru(status="Q"), "unknown-status"),
        (oru(more="OBX|2|ED|X^Y||a^b^c||||||F\r"), "unknown-value-type"),
        (oru(more=RESULT.format(value="5", flag="H", status="F")), "same-observation-twice"),
    ],
)
def test_what_has_no_place_is_held_whole_and_answered_ae(dsn: str, message: bytes, code: str) -> None:
    assert answers(dsn, message) == [("AE", "L1")]
    assert held(dsn) == [("L1", code)]
    assert ask(dsn, "SELECT message FROM inbound") == message
    assert count(dsn, "Observation") == 0


def test_a_held_message_is_placed_when_it_comes_again_and_its_order_is_there(dsn: str) -> None:
    assert answers(dsn, oru(order="late")) == [("AE", "L1")]
    put(dsn, requisition("late", "p1"))
    assert answers(dsn, oru(order="late", sent="20261128120000")) == [("AA", "L1")]
    assert held(dsn) == []


def test_a_held_message_is_placed_when_a_person_wants_it(dsn: str) -> None:
    answers(dsn, oru(order="late"))
    put(dsn, requisition("late", "p1"))

    async def work(database: Database, told: Told) -> list[Event]:
        async with database.writing() as connection:
            number = await connection.fetchval("SELECT number FROM inbound")
            assert await inbox.decide(connection, number, "waiting", "me", "the order is there now")
        await inbox.try_again(database, told)
        return told.events

    assert {one.who.subject for one in within(dsn, work)} == {"labka"}
    assert held(dsn) == []
    assert count(dsn, "Observation") == 1


def test_a_control_id_that_is_used_for_something_else_is_held(dsn: str) -> None:
    assert answers(dsn, oru(), oru(value="9.9")) == [("AA", "L1"), ("AE", "L1")]
    assert held(dsn) == [("L1", "control-id-used")]
    assert count(dsn, "Observation") == 1


def test_what_the_audit_does_not_take_is_sent_again_and_then_acknowledged(dsn: str) -> None:
    told = Told()
    told.takes = False
    assert answers(dsn, oru(), told=told) == [("AE", "L1")]
    told.takes = True
    assert answers(dsn, oru(), told=told) == [("AA", "L1")]
    assert [one.patients for one in told.events][:1] == [("p1",)]
    assert count(dsn, "Observation") == 1


@pytest.mark.parametrize(
    "message",
    [
        oru().replace(b"LABKA|RH", b"OTHER|RH"),
        oru().replace(b"ORU^R01^ORU_R01", b"ADT^A01^ADT_A01"),
        oru().replace(b"UNICODE UTF-8", b"JAS2020"),
        b"nonsense",
    ],
)
def test_what_is_no_result_or_from_nobody_that_we_know_is_rejected(dsn: str, message: bytes) -> None:
    assert answers(dsn, message)[0][0] == "AR"
    assert ask(dsn, "SELECT count(*) FROM inbound") == 0


def test_a_caller_must_show_a_certificate_with_its_name(dsn: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    tls = Tls(*authority.made("altid.example.org"))
    named = Source("LABKA", "RH", "labka", "labka.example.org")
    listener = Listener("127.0.0.1", 0, tls, (named,))

    async def work(database: Database, told: Told) -> list[str]:
        async with listening(Results(database, listener, told, random.Random(1)), listener) as port:
            good = await call(port, Tls(*authority.made("labka.example.org")))
            other = await call(port, Tls(*authority.made("other.example.org")))
            stranger = Authority(tmp_path / "strangers", believed=tls.authority)
            return [good, other, await call(port, Tls(*stranger.made("labka.example.org")))]

    assert within(dsn, work) == ["AA", "AR", "nothing"]


async def call(port: int, tls: Tls) -> str:
    context = client_context(tls)
    context.check_hostname = False
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        writer.write(framed(oru()))
        frame = await read_frame(reader)
        writer.close()
    except (ssl.SSLError, ConnectionError):
        return "nothing"
    return read(parse(frame)).code[:2] if frame else "nothing"
