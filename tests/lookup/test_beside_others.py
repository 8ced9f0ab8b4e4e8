"""A server that others wrote, as it was recorded: loaded whole, followed, and nothing kept that it lost."""

from __future__ import annotations

import asyncio

from altid.lookup.beside.fhir.asking import Asker
from altid.lookup.beside.fhir.polling import Poller
from altid.lookup.beside.sources import FhirSource
from tests.lookup.beside_store import StandIn
from tests.lookup.recorded import Replayed, stages

SOURCE = FhirSource("med", "http://127.0.0.1:18473/fhir", page_count=20)


def test_medplum_is_followed_resource_by_resource() -> None:
    store = StandIn()
    for stage in stages("medplum.json.gz"):
        replayed = Replayed(stage)
        asyncio.run(Poller(store, Asker(SOURCE, replayed)).round())
        here = {key.replace("med.", ""): one["meta"]["versionId"] for key, one in store.here().items()}
        assert here == stage.there
        assert not any(replayed.left.values())  # it was asked all that was asked then
    (later,) = [one for one in store.here().values() if one.get("code") == {"text": "Seen later"}]
    assert later["subject"]["reference"] in store.here()
