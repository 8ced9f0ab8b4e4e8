"""The sources of others on the real, encrypted copy: what they tell is on the pages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from altid.cli.app import Options
from altid.cli.opslag_sources import sources
from altid.lookup import keys
from altid.lookup.beside.fhir.asking import Asker
from altid.lookup.beside.fhir.polling import Poller
from altid.lookup.beside.hl7.inbox import place, try_again
from altid.lookup.beside.sources import FhirSource
from altid.lookup.beside.store import Store, tell
from altid.lookup.copy import Copy
from altid.lookup.settings import FILE
from tests.lookup.beside_messages import PERSON, SOURCE, VISIT, message, visit
from tests.lookup.other_server import BASE, OtherServer
from tests.lookup.recorded import Replayed, stages

NOW = datetime(2026, 11, 28, 9, tzinfo=UTC)
KEY = bytes(range(32))


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Copy]:
    made = Copy.create(tmp_path / "copy.db", KEY)
    yield made
    made.close()


def test_who_is_admitted_is_on_the_ward_list(copy: Copy) -> None:
    store: Store = copy
    for one in (
        message("ADT^A01", PERSON, VISIT, "AL1|1|DA|J01CE01^Penicillin^ATC|SV|Rash"),
        message("ADT^A02", PERSON, visit("M1^3^B^HOSP"), id_="2", at="20261128082000"),
    ):
        assert place(store, SOURCE, one, NOW) == ""
    (ward,) = copy.wards()
    (bed,) = copy.ward(ward.id)
    assert (ward.name, bed.bed, bed.cave.state) == ("M1", "3-B", "known")
    assert copy.heartbeats()["adt"].at == datetime(2026, 11, 28, 7, 20, tzinfo=UTC)
    (found,) = copy.search("0107590000")
    assert found.ward == ward.id
    assert place(store, SOURCE, message("ADT^A03", PERSON, VISIT, id_="3"), NOW) == ""
    assert copy.ward(ward.id) == ()


def test_a_crash_in_between_leaves_neither_the_change_nor_its_mark(copy: Copy) -> None:
    class CrashError(Exception):
        pass

    class Crashing:
        def __getattr__(self, name: str) -> object:
            return getattr(copy, name)

        def apply(self, changes, position, heartbeat, also=None):  # type: ignore[no-untyped-def]
            def crash(connection: object) -> None:
                also(connection)
                raise CrashError

            return copy.apply(changes, position, heartbeat, crash)

    one = message("ADT^A01", PERSON, VISIT)
    with pytest.raises(CrashError):
        place(Crashing(), SOURCE, one, NOW)  # type: ignore[arg-type]
    assert (copy.patients(), copy.positions()) == (frozenset(), {})
    assert place(copy, SOURCE, one, NOW) == ""
    assert len(copy.patients()) == 1


def test_two_merged_patients_are_one_chart(copy: Copy) -> None:
    other = PERSON.replace("4711", "4712")
    result = ("OBR|1||F1|X^X^L", "OBX|1|ST|X^X^L||text")
    for one in (
        message("ADT^A01", PERSON, VISIT),
        message("ADT^A28", other, id_="2"),
        message("ORU^R01", PERSON, *result, id_="3"),
        message("ADT^A40", other, "MRG|4711^^^PAS^PI", id_="4"),
    ):
        assert place(copy, SOURCE, one, NOW) == ""
    (ward,) = copy.wards()
    (bed,) = copy.ward(ward.id)
    chart = copy.chart(bed.identity.id)
    assert chart is not None
    assert (len(chart.of("Observation")), len(chart.of("Encounter"))) == (1, 1)


def test_a_server_is_followed_resource_by_resource(copy: Copy) -> None:
    for stage in stages("medplum.json.gz"):
        source = FhirSource("med", "http://127.0.0.1:18473/fhir", page_count=20)
        asyncio.run(Poller(copy, Asker(source, Replayed(stage))).round())
        assert _there(copy) == {
            f"{key.partition('/')[0]}/med.{key.partition('/')[2]}": version
            for key, version in stage.there.items()
        }


def test_a_server_that_was_restored_is_followed_back(copy: Copy) -> None:
    server = OtherServer()
    server.put("Patient", "p", gender="male")
    old, versions = dict(server.state), dict(server.versions)
    server.put("Patient", "p", gender="female")
    source = FhirSource("lab1", BASE)
    asyncio.run(Poller(copy, Asker(source, server.transport)).round())
    server.state, server.versions = old, versions
    asyncio.run(Poller(copy, Asker(source, server.transport)).round())
    chart = copy.chart("lab1.p")
    assert chart is not None
    assert chart.patient["gender"] == "male"


def test_operations_see_what_is_held_and_decide(tmp_path: Path) -> None:

    file = tmp_path / "medium" / "key"
    keys.make_key_file(file)
    key = keys.make_key(tmp_path, keys.Secrets(key_file=file))
    made = Copy.create(tmp_path / "copy.db", key)
    tell(made, "adt", "listening")
    assert place(made, SOURCE, message("SIU^S12", PERSON), NOW) == "unknown-kind"
    assert place(made, SOURCE, message("SIU^S13", PERSON, id_="2"), NOW) == "unknown-kind"

    (tmp_path / FILE).write_text('name = "Site A"\nkind = "site"\nprefix = "SA"\n')

    def asked(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(
            sources,
            [*words, "--key-file", str(file)],
            obj=Options(tmp_path, json=words[0] in ("list", "held")),
            standalone_mode=False,
        )
        return (done.return_value or 0, done.output) if done.exception is None else (2, str(done.exception))

    code, said = asked("list")
    assert (code, json.loads(said)["sources"][0]["held"]) == (1, 2)
    code, said = asked("held")
    assert (code, [one["code"] for one in json.loads(said)["held"]]) == (1, ["unknown-kind"] * 2)
    assert asked("discard", "1", "--reason", "A test of theirs")[0] == 0
    assert asked("retry", "2")[0] == 0
    assert asked("retry", "99") == (2, "No message 99 is held: see `altid opslag sources held`.")
    assert try_again(made, SOURCE, NOW) == 0
    with made.reading() as connection:
        rows = connection.execute("SELECT state, message IS NULL FROM beside_message").fetchall()
    assert rows == [("discarded", 1), ("held", 0)]
    assert asked("accept-loss", "nobody")[0] == 2
    assert asked("accept-loss", "adt")[0] == 0
    made.close()


def _there(copy: Copy) -> dict[str, str]:
    """The server's version of each resource in the copy."""
    found = {}
    with copy.reading() as connection:
        rows = connection.execute("SELECT type, id FROM resource WHERE body IS NOT NULL").fetchall()
    for type_, id_ in rows:
        change = copy.resource(type_, id_)
        assert change is not None
        assert change.body is not None
        found[f"{type_}/{id_}"] = json.loads(change.body)["meta"]["versionId"]
    return found
