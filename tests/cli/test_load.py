"""`altid load` against a server on a real socket: what is sent, what is reported, what is remembered."""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import BREAK_OFF, Altid, FhirServer

from altid.cli.loading.journal import FILE, Done, Journal
from altid.cli.remote import OutcomeUnknownError, Patience, Unreachable, send

PATIENT = b'{"resourceType":"Patient","id":"p%d"}'
DIGITS = b'{"resourceType":"Observation","valueQuantity":{"value":1.500}}'
TRANSACTION = b"""{ "resourceType": "Bundle", "type": "transaction", "entry": [
  {"resource": {"resourceType": "Device"}, "request": {"method": "POST", "url": "Device"}} ] }"""


def lines(path: Path, *resources: bytes) -> Path:
    path.write_bytes(b"".join(resource + b"\n" for resource in resources))
    return path


def patients(count: int) -> list[bytes]:
    return [PATIENT % number for number in range(count)]


def ids(server: FhirServer) -> list[str]:
    return sorted(entry["resource"]["id"] for entry in server.entries)


def test_a_line_with_an_id_is_put_and_one_without_is_posted(
    altid: Altid, server: FhirServer, tmp_path: Path
) -> None:
    file = lines(tmp_path / "a.ndjson", PATIENT % 1, DIGITS)
    assert altid("load", file, "--server", server.base) == 0
    assert [entry["request"] for entry in server.entries] == [
        {"method": "PUT", "url": "Patient/p1"},
        {"method": "POST", "url": "Observation"},
    ]


@pytest.mark.parametrize("name", ["a.ndjson", "a.json"])
def test_a_decimal_is_sent_with_the_digits_it_was_written_with(
    altid: Altid, server: FhirServer, tmp_path: Path, name: str
) -> None:
    altid("load", lines(tmp_path / name, DIGITS), "--server", server.base)
    assert DIGITS in server.bodies[0]


def test_a_decimal_in_a_collection_keeps_its_digits(altid: Altid, server: FhirServer, tmp_path: Path) -> None:
    bundle = b'{"resourceType":"Bundle","type":"collection","entry":[{"resource":%b}]}' % DIGITS
    altid("load", lines(tmp_path / "a.json", bundle), "--server", server.base)
    assert b"1.500" in server.bodies[0]


def test_a_transaction_is_posted_byte_for_byte(altid: Altid, server: FhirServer, tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(TRANSACTION)
    assert altid("load", file, "--server", server.base) == 0
    assert server.bodies == [TRANSACTION]


def test_a_line_that_is_a_transaction_is_posted_as_one(
    altid: Altid, server: FhirServer, tmp_path: Path
) -> None:
    whole = json.dumps(json.loads(TRANSACTION)).encode()
    altid("load", lines(tmp_path / "a.ndjson", PATIENT % 1, whole, PATIENT % 2), "--server", server.base)
    assert whole in server.bodies
    assert len(server.bodies) == 3


def test_what_a_search_says_about_itself_is_left_out(
    altid: Altid, server: FhirServer, tmp_path: Path
) -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [
            {"resource": {"resourceType": "Patient", "id": "p"}},
            {"resource": {"resourceType": "OperationOutcome"}, "search": {"mode": "outcome"}},
        ],
    }
    altid("load", lines(tmp_path / "a.json", json.dumps(bundle).encode()), "--server", server.base)
    assert ids(server) == ["p"]


def test_a_document_is_stored_as_the_bundle_that_it_is(
    altid: Altid, server: FhirServer, tmp_path: Path
) -> None:
    document = b'{"resourceType":"Bundle","id":"d","type":"document","entry":[]}'
    altid("load", lines(tmp_path / "a.json", document), "--server", server.base)
    assert server.entries[0]["request"]["url"] == "Bundle/d"


def test_folders_are_searched_and_gzip_is_unpacked(altid: Altid, server: FhirServer, tmp_path: Path) -> None:
    folder = tmp_path / "in" / "deep"
    folder.mkdir(parents=True)
    (folder / "a.ndjson.gz").write_bytes(gzip.compress(PATIENT % 1))
    (folder / "b.json.gz").write_bytes(gzip.compress(PATIENT % 2))
    (folder / "notes.txt").write_text("no resource")
    assert altid("load", tmp_path / "in", "--server", server.base) == 0
    assert ids(server) == ["p1", "p2"]


def test_many_lines_go_in_several_batches_and_none_is_lost(
    altid: Altid, server: FhirServer, tmp_path: Path
) -> None:
    altid("load", lines(tmp_path / "a.ndjson", *patients(450)), "--server", server.base)
    assert len(server.bodies) == 3
    assert len(set(ids(server))) == 450


def test_a_refused_line_is_reported_with_its_place_and_the_others_are_loaded(
    altid: Altid, server: FhirServer, tmp_path: Path
) -> None:
    server.refuses = lambda resource: "must not be so" if resource["id"] == "p1" else None
    file = lines(tmp_path / "a.ndjson", *patients(3))
    assert altid("load", file, "--server", server.base) == 1
    assert altid.err == f"{file}:2 (422): Patient.name: must not be so\n"
    assert "Resources loaded: 2, refused: 1." in altid.out


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{not json", "not valid JSON"),
        (b"[1]", "not a FHIR resource"),
        (b'{"resourceType":"Patient","id":"a","id":"b"}', "same key twice"),
        (b'{"resourceType":"Patient","x":NaN}', "NaN"),
    ],
)
def test_a_line_that_cannot_be_sent_does_not_take_others_with_it(
    altid: Altid, server: FhirServer, tmp_path: Path, line: bytes, reason: str
) -> None:
    file = lines(tmp_path / "a.ndjson", PATIENT % 1, line, PATIENT % 2)
    assert altid("load", file, "--server", server.base) == 1
    assert altid.err.startswith(f"{file}:2: ")
    assert reason in altid.err
    assert ids(server) == ["p1", "p2"]


def test_a_damaged_gzip_file_is_reported_and_the_next_file_is_loaded(
    altid: Altid, server: FhirServer, tmp_path: Path
) -> None:
    damaged = tmp_path / "a.ndjson.gz"
    damaged.write_bytes(gzip.compress(b"\n".join(patients(1000)))[:-20])
    whole = lines(tmp_path / "b.ndjson", b'{"resourceType":"Patient","id":"whole"}')
    assert altid("load", damaged, whole, "--server", server.base) == 1
    assert f"{damaged}: the file cannot be read" in altid.err
    assert "whole" in ids(server)


def test_the_summary_as_json_names_each_refusal(altid: Altid, server: FhirServer, tmp_path: Path) -> None:
    server.refuses = lambda _resource: "no"
    file = lines(tmp_path / "a.ndjson", PATIENT % 1)
    altid("load", file, "--server", server.base, "--json")
    assert json.loads(altid.out) == {
        "complete": True,
        "files": 1,
        "files_skipped": 0,
        "resources": 0,
        "refused": 1,
        "refusals": [{"place": f"{file}:1", "status": 422, "reason": "Patient.name: no"}],
    }


def test_a_second_load_sends_nothing(altid: Altid, server: FhirServer, tmp_path: Path) -> None:
    file = lines(tmp_path / "a.ndjson", *patients(3))
    altid("load", file, "--server", server.base)
    server.bodies.clear()
    assert altid("load", file, "--server", server.base) == 0
    assert server.bodies == []
    assert "Files loaded before and left out: 1" in altid.out


def test_again_sends_everything_again(altid: Altid, server: FhirServer, tmp_path: Path) -> None:
    file = lines(tmp_path / "a.ndjson", *patients(3))
    altid("load", file, "--server", server.base)
    altid("load", file, "--server", server.base, "--again")
    assert ids(server) == ["p0", "p0", "p1", "p1", "p2", "p2"]


def test_a_changed_file_is_loaded_again(altid: Altid, server: FhirServer, tmp_path: Path) -> None:
    altid("load", lines(tmp_path / "a.ndjson", PATIENT % 1), "--server", server.base)
    altid("load", lines(tmp_path / "a.ndjson", PATIENT % 1, PATIENT % 2), "--server", server.base)
    assert ids(server) == ["p1", "p1", "p2"]


def test_another_server_gets_everything(altid: Altid, server: FhirServer, tmp_path: Path) -> None:
    file = lines(tmp_path / "a.ndjson", PATIENT % 1)
    altid("load", file, "--server", server.base)
    altid("load", file, "--server", server.base.replace("127.0.0.1", "localhost"))
    assert ids(server) == ["p1", "p1"]


def test_a_refused_line_is_tried_again_by_the_next_load_and_no_other(
    altid: Altid, server: FhirServer, tmp_path: Path
) -> None:
    file = lines(tmp_path / "a.ndjson", *patients(3))
    server.refuses = lambda resource: "not yet" if resource["id"] == "p1" else None
    altid("load", file, "--server", server.base)
    server.refuses = lambda _resource: None
    server.bodies.clear()
    assert altid("load", file, "--server", server.base) == 0
    assert ids(server) == ["p1"]


def test_an_interrupted_load_goes_on_where_it_was(altid: Altid, server: FhirServer, tmp_path: Path) -> None:
    file = lines(tmp_path / "a.ndjson", *patients(450))
    arguments = ("load", file, "--server", server.base, "--in-flight", "1", "--patience", "0")
    done_by_first = _load_until_the_server_leaves(altid, server, arguments)
    server.faults.clear()
    assert altid(*arguments) == 0
    assert done_by_first == 200
    assert len(ids(server)) == len(set(ids(server))) == 450


def _load_until_the_server_leaves(altid: Altid, server: FhirServer, arguments: tuple[object, ...]) -> int:
    """The server carries out one batch, then answers 503; how many resources it took."""
    post = server.post

    def post_and_leave(body: bytes) -> Any:
        server.faults = [503] * 10
        return post(body)

    server.post = post_and_leave  # type: ignore[method-assign]
    assert altid(*arguments) == 1
    assert "run the same command again to go on" in altid.err
    server.post = post  # type: ignore[method-assign]
    return len(server.entries)


def test_a_busy_server_is_asked_again(altid: Altid, server: FhirServer, tmp_path: Path) -> None:
    server.faults = [503, 429]
    assert altid("load", lines(tmp_path / "a.ndjson", PATIENT % 1), "--server", server.base) == 0
    assert ids(server) == ["p1"]


def test_a_create_whose_connection_broke_off_is_reported_and_not_sent_twice(
    altid: Altid, server: FhirServer, tmp_path: Path
) -> None:
    server.faults = [BREAK_OFF]
    assert altid("load", lines(tmp_path / "a.ndjson", DIGITS), "--server", server.base) == 1
    assert "may or may not be stored" in altid.err
    assert server.bodies == []


def test_an_update_whose_connection_broke_off_is_sent_again(
    altid: Altid, server: FhirServer, tmp_path: Path
) -> None:
    server.faults = [BREAK_OFF]
    assert altid("load", lines(tmp_path / "a.ndjson", PATIENT % 1), "--server", server.base) == 0
    assert ids(server) == ["p1"]


def test_a_transaction_that_came_too_early_is_sent_again_at_the_end(
    altid: Altid, server: FhirServer, tmp_path: Path
) -> None:
    early = tmp_path / "a.json"
    early.write_bytes(TRANSACTION)
    lines(tmp_path / "b.ndjson", PATIENT % 1)
    server.refuses = lambda resource: (
        "no such patient" if resource["resourceType"] == "Device" and not server.bodies else None
    )
    assert altid("load", tmp_path, "--server", server.base, "--in-flight", "1") == 0
    assert TRANSACTION in server.bodies
    assert altid.err == ""


def test_a_transaction_that_stays_refused_is_reported_once(
    altid: Altid, server: FhirServer, tmp_path: Path
) -> None:
    (tmp_path / "a.json").write_bytes(TRANSACTION)
    lines(tmp_path / "b.ndjson", PATIENT % 1)
    server.refuses = lambda resource: "never" if resource["resourceType"] == "Device" else None
    assert altid("load", tmp_path, "--server", server.base) == 1
    assert altid.err == f"{tmp_path / 'a.json'} (422): Patient.name: never\n"


def test_the_running_server_of_the_data_folder_is_found(
    altid: Altid, server: FhirServer, tmp_path: Path
) -> None:
    altid.data.mkdir()
    (altid.data / "server.json").write_text(json.dumps({"fhir": server.base}))
    assert altid("load", lines(tmp_path / "a.ndjson", PATIENT % 1)) == 0


def test_without_a_server_one_line_says_what_to_do(altid: Altid, tmp_path: Path) -> None:
    assert altid("load", lines(tmp_path / "a.ndjson", PATIENT % 1)) == 1
    assert altid.err.startswith("altid: no server is running on ")
    assert altid.err.count("\n") == 1


def test_an_empty_folder_is_bad_input(altid: Altid, server: FhirServer, tmp_path: Path) -> None:
    assert altid("load", tmp_path, "--server", server.base) == 2
    assert "There is nothing to load" in altid.err


def test_waiting_for_a_server_ends_with_the_patience() -> None:
    paused: list[float] = []

    async def pause(seconds: float) -> None:
        paused.append(seconds)

    async def ask() -> None:
        transport = httpx.MockTransport(lambda _request: httpx.Response(503))
        async with httpx.AsyncClient(transport=transport) as http:
            request = http.build_request("GET", "http://server.example/fhir")
            await send(http, request, Patience(20, pause), twice_is_once=True)

    with pytest.raises(Unreachable, match="answers 503"):
        asyncio.run(ask())
    assert 10 < sum(paused) <= 20


def test_a_gateway_that_lost_the_answer_leaves_the_outcome_unknown() -> None:
    async def ask() -> None:
        transport = httpx.MockTransport(lambda _request: httpx.Response(504))
        async with httpx.AsyncClient(transport=transport) as http:
            request = http.build_request("POST", "http://server.example/fhir")
            await send(http, request, Patience(20), twice_is_once=False)

    with pytest.raises(OutcomeUnknownError):
        asyncio.run(ask())


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9))))
def test_done_holds_exactly_the_numbers_that_were_added(added: list[tuple[int, int]]) -> None:
    done, expected = Done(), set[int]()
    for first, length in added:
        done.add(first, first + length)
        expected.update(range(first, first + length + 1))
    assert {number for number in range(80) if number in done} == expected
    assert len(done) == len(expected)


def test_a_torn_last_line_of_the_journal_is_passed_over(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "server")
    journal.open()
    journal.accept("file", [1, 2, 3, 7])
    journal.close()
    with (tmp_path / FILE).open("ab") as file:
        file.write(b'{"server":"server","file":"file","items":[[8')

    reopened = Journal(tmp_path, "server")
    reopened.open()
    reopened.accept("file", [9])
    reopened.close()
    last = Journal(tmp_path, "server")
    last.open()
    last.close()

    assert [number for number in range(12) if number in last.done("file")] == [1, 2, 3, 7, 9]
