"""A server that others wrote, as it was recorded: loaded whole, followed, and nothing kept that it lost."""

from __future__ import annotations

import asyncio

import pytest

from altid.lookup.beside.fhir.asking import Asker
from altid.lookup.beside.fhir.polling import Poller
from altid.lookup.beside.sources import FhirSource
from tests.lookup.beside_store import StandIn
from tests.lookup.recorded import Replayed, stages

SOURCES = {
    "medplum": FhirSource("med", "http://127.0.0.1:18473/fhir", page_count=20),
    "hapi": FhirSource(
        "hapi",
        "http://127.0.0.1:18474/fhir",
        types=("Patient", "Encounter", "Condition", "Observation"),
        is_export_wanted=False,
        page_count=40,
    ),
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_server_of_others_is_followed_resource_by_resource(name: str) -> None:
    store, source = StandIn(), SOURCES[name]
    for stage in stages(f"{name}.json.gz"):
        replayed = Replayed(stage)
        asyncio.run(Poller(store, Asker(source, replayed)).round())
        here = {
            key.replace(f"{source.name}.", ""): one["meta"]["versionId"] for key, one in store.here().items()
        }
        assert here == stage.there
        assert not any(replayed.left.values())  # it was asked all that was asked then
    (later,) = [one for one in store.here().values() if one.get("code") == {"text": "Seen later"}]
    assert later["subject"]["reference"] in store.here()


def test_what_hapi_deletes_is_seen_in_its_history(caplog: pytest.LogCaptureFixture) -> None:
    store, source = StandIn(), SOURCES["hapi"]
    for stage in stages("hapi.json.gz"):
        asyncio.run(Poller(store, Asker(source, Replayed(stage))).round())
    assert [one for one in store.changes.values() if one.body is None]
    assert caplog.records == []  # and nothing was left for the comparison to mend
