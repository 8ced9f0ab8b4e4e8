"""What is kept of a ward's patients: just while nothing of theirs is written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
import pytest

from altid.record.keys import term_keys
from altid.web.ward_memory import AGE_S_MAX, Known, WardMemory

Store = Callable[..., None]
KNOWN = Known({"MedicationRequest/o": datetime(2026, 11, 28, tzinfo=UTC)}, {})
MINE = ("memory-a",)
TERMS = term_keys(
    ["Observation.subject=Patient/memory-a", "MedicationAdministration.subject=Patient/memory-a"]
)


def observe(store: Store, identity: str, patient: str) -> None:
    store(
        "Observation",
        identity,
        status="final",
        code={"text": "Puls"},
        subject={"reference": f"Patient/{patient}"},
        valueQuantity={"value": 70},
    )


@pytest.fixture
def look(web_dsn: str) -> Callable[..., Any]:
    """Ask a memory on a connection of its own."""

    def look(memory: WardMemory, patients: tuple[str, ...] = MINE) -> Any:
        async def work() -> Any:
            connection = await asyncpg.connect(web_dsn)
            try:
                return await memory.find(connection, patients, TERMS)
            finally:
                await connection.close()

        return asyncio.run(work())

    return look


def test_it_is_kept_until_something_of_theirs_is_written(store: Store, look: Callable[..., Any]) -> None:
    for patient in ("memory-a", "memory-b"):
        store("Patient", patient, name=[{"family": "Husket"}])
    memory = WardMemory()
    found, since = look(memory)
    assert found is None
    memory.keep(MINE, KNOWN, since)
    assert look(memory)[0] is KNOWN
    observe(store, "memory-other", "memory-b")
    assert look(memory)[0] is KNOWN
    assert look(memory, ("memory-a", "memory-b"))[0] is None
    observe(store, "memory-own", "memory-a")
    assert look(memory)[0] is None


def test_what_is_deleted_may_have_been_theirs(
    store: Store, look: Callable[..., Any], web_server: str
) -> None:
    store("Patient", "memory-a", name=[{"family": "Husket"}])
    observe(store, "memory-gone", "memory-a")
    memory = WardMemory()
    memory.keep(MINE, KNOWN, look(memory)[1])
    httpx.delete(f"{web_server}/fhir/Observation/memory-gone", timeout=30).raise_for_status()
    assert look(memory)[0] is None


def test_it_has_an_end_however_little_is_written(look: Callable[..., Any]) -> None:
    now = [0.0]
    memory = WardMemory(lambda: now[0])
    memory.keep(MINE, KNOWN, look(memory)[1])
    now[0] = AGE_S_MAX - 1
    assert look(memory)[0] is KNOWN
    now[0] = AGE_S_MAX + 1
    assert look(memory)[0] is None


@pytest.mark.parametrize("part", [Known(None, {}), Known({}, None)])
def test_what_could_not_be_read_is_not_kept(part: Known, look: Callable[..., Any]) -> None:
    memory = WardMemory()
    memory.keep(MINE, part, look(memory)[1])
    assert look(memory)[0] is None
