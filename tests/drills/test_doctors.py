"""The clients of order drills over HTTP, at servers that are sound and at servers with a bug."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import pytest

from altid.access.programs import GivenToken
from altid.drills.orders.checker import Verdict, check
from altid.drills.orders.clients import Doctor, Gateway
from altid.drills.orders.held import held_of
from altid.drills.orders.history import Held, Listed, Signed
from altid.drills.orders.line import FAIR, Line, Weather
from tests.gateway.ward import OrderServer, Record

_WORK_S = 1.0
STORM = Weather(late_s_max=0.02, copied=0.5, copy_late_s_max=0.3)
LOSSES = Weather(lost=0.3, unsent=0.3)


def _play(
    mode: str = "well", weather: Weather = FAIR, *, is_hasty: bool = False
) -> tuple[Verdict, list[Signed]]:
    """Two doctors at two servers for a second; the judge's verdict on what they were told."""
    record = Record()

    async def played() -> list[Signed]:
        servers = [OrderServer("127.0.0.1", 0, record, mode) for _ in range(2)]
        listening = [await asyncio.start_server(one.serve, one.host, 0) for one in servers]
        gateways = [
            Gateway(site, "127.0.0.1", one.sockets[0].getsockname()[1])
            for site, one in zip("AB", listening, strict=True)
        ]
        doctors = [_doctor(number, gateways, weather, is_hasty=is_hasty) for number in range(2)]
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(_WORK_S, stop.set)
        await asyncio.gather(*(doctor.work(stop, 0.002) for doctor in doctors))
        await asyncio.gather(*(doctor.close() for doctor in doctors))
        for server, one in zip(servers, listening, strict=True):
            one.close()
            await server.close()
        return [one for doctor in doctors for one in doctor.memory]

    signed = asyncio.run(played())
    return check(signed, _held(record), _uncertain(signed, record)), signed


def _doctor(number: int, gateways: Sequence[Gateway], weather: Weather, *, is_hasty: bool) -> Doctor:
    dice = random.Random(number)
    line = Line(random.Random(-number), weather)
    patients = [f"run-p{patient}" for patient in range(5)]
    order = gateways if number % 2 else gateways[::-1]
    return Doctor(number, "run", order, None, patients, dice, GivenToken("secret"), line, is_hasty)


def _held(record: Record) -> list[Held]:
    versions = [one for some in record.versions.values() for one in some]
    tasks = [_task(record.versions[id_][0], number) for number, id_ in enumerate(record.tasks)]
    return list(held_of([*versions, *tasks], "run"))


def _task(requisition: dict[str, Any], number: int) -> dict[str, Any]:
    focus = {"reference": f"ServiceRequest/{requisition['id']}"}
    return {
        "resourceType": "Task",
        "id": str(number),
        "meta": {"versionId": "1"},
        "focus": focus,
        "for": requisition["subject"],
    }


def _uncertain(signed: Sequence[Signed], record: Record) -> list[Listed]:
    """As a sound reconciliation lists it: what clients don't know, and no key is known of."""
    return [Listed(one.key, one.patient) for one in signed if one.is_open and one.key not in record.keys]


@pytest.mark.parametrize("weather", [FAIR, STORM, LOSSES])
def test_at_sound_servers_nothing_is_wrong_whatever_the_line_does(weather: Weather) -> None:
    verdict, _ = _play(weather=weather)
    assert verdict.examples == ()
    assert verdict.passed
    assert verdict.acknowledged > 10


def test_requisitions_are_signed_too_and_come_with_their_tasks() -> None:
    verdict, signed = _play()
    assert any(one.has_task for one in signed)
    assert any(one.receipts[0].order.startswith("ServiceRequest/") for one in signed)
    assert verdict.torn == 0


def test_a_server_that_writes_half_of_a_transaction_is_found() -> None:
    assert _play("tears")[0].torn > 0


def test_a_lost_answer_is_asked_for_again_with_the_same_key_at_the_other_site() -> None:
    _, signed = _play(weather=LOSSES)
    again = [one for one in signed if len(one.told) > 1]
    assert again
    assert {told.site for one in again for told in one.told} == {"A", "B"}
    assert all(one.is_acknowledged for one in again)


def test_what_a_hasty_doctor_never_sends_again_is_uncertain() -> None:
    verdict, signed = _play(weather=LOSSES, is_hasty=True)
    assert verdict.passed
    assert verdict.uncertain > 0
    assert verdict.told_late > 0
    assert all(len(one.told) == 1 for one in signed)


def test_copies_come_and_are_told_the_same() -> None:
    _, signed = _play(weather=STORM)
    assert any(len(one.receipts) > 1 for one in signed)


def test_a_server_that_acknowledges_and_forgets_is_found() -> None:
    assert _play("loses")[0].missing > 0


def test_a_server_that_forgets_keys_is_found() -> None:
    assert _play("doubles", STORM)[0].doubled > 0
