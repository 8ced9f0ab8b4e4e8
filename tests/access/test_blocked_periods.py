"""A period that a patient has blocked hides what was found and done then, and never who the patient is."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from altid.access.grounds import Grounds, Own, Place, Reach
from altid.access.identity import Identity
from altid.access.permit import Permit
from altid.fhir.search.hidden import Period
from altid.fhir.search.query import parse
from altid.record.database import open_database
from altid.record.postgres import Cluster
from altid.record.read import read_found
from altid.record.search import search, total
from tests.access.little_region import NOW, Resource, empty, patient, put, someone, told

BLOCKED = Period(datetime(1949, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
"""The patient's date of birth lies within: it is no date of what was done."""
REACH = Reach(
    False, Place(patients={"anna": Grounds.ADMITTED}), Own(hidden={"anna": (BLOCKED,)}), NOW, only="anna"
)
OWN = someone()
APPLICATION = replace(OWN, scopes=("patient/*.rs",), application="app", patient="anna")


class _Reaches:
    async def of(self, _identity: Identity, *, fresh: bool = False) -> Reach:
        return REACH


def _measured(id_: str, date: str | None) -> Resource:
    dated = {"effectiveDateTime": date} if date else {}
    subject = {"reference": "Patient/anna"}
    return {"resourceType": "Observation", "id": id_, "status": "final", "subject": subject, **dated}


@pytest.fixture(scope="module")
def record(postgres: Cluster, shared: str) -> str:
    empty(postgres, shared)
    dates = {"before": "2026-01-10", "after": "2026-03-10", "undated": None}
    measured = [_measured(id_, date) for id_, date in dates.items()]
    told(shared, lambda connection: put(connection, patient("anna"), *measured))
    return shared


def _ways(dsn: str, identity: Identity, type_: str, id_: str, named: tuple[str, str]) -> set[str]:
    """The ways by which it is shown: read, found by its own name, or among all."""

    async def work() -> set[str]:
        permit = Permit(identity, _Reaches())  # type: ignore[arg-type]
        async with open_database(dsn, dsn) as database, database.reading() as connection:
            found = await read_found(connection, type_, id_)
            assert found is not None
            ways = {"read"} if await permit.shows(found) else set()
            visible = await permit.visible("s")
            ways_to_search: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
                ("named", (named,)),
                ("all", ()),
            )
            for way, criteria in ways_to_search:
                query = parse(type_, criteria)
                page = await search(connection, query, visible, count=10)
                shown = {one.stored.id for one in page.found}
                assert await total(connection, query, visible) == len(shown)
                ways |= {way} if id_ in shown else set()
            return ways

    return asyncio.run(work())


@pytest.mark.parametrize("identity", [OWN, APPLICATION], ids=["person", "application"])
def test_who_the_patient_is_is_shown_by_every_way(record: str, identity: Identity) -> None:
    assert _ways(record, identity, "Patient", "anna", ("_id", "anna")) == {"read", "named", "all"}


@pytest.mark.parametrize("identity", [OWN, APPLICATION], ids=["person", "application"])
@pytest.mark.parametrize(
    ("id_", "ways"), [("before", set()), ("undated", set()), ("after", {"read", "named"})]
)
def test_what_was_done_is_hidden_by_its_date(
    record: str, identity: Identity, id_: str, ways: set[str]
) -> None:
    """Among all nothing of such a patient is found: only whoever names them is shown the rest."""
    assert _ways(record, identity, "Observation", id_, ("patient", "Patient/anna")) == ways
