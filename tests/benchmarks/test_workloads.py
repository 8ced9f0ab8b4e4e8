"""The requests that are sent, and what counts as a right answer."""

from __future__ import annotations

import random
from typing import Any

import orjson
import pytest

from benchmarks import dataset, workloads
from benchmarks.dataset import Dataset
from benchmarks.load import Request, Workload
from benchmarks.response import Response
from benchmarks.workloads import WORKLOADS, Source, Transaction


def source(patients: int = 3) -> Source:
    return Source(Dataset(patients), "127.0.0.1:1", random.Random(5))


def first(workload: Workload) -> Request:
    request = workload()
    assert request is not None
    return request


def finding(request: Request, content: Any, head: bytes = b"\r\n") -> str | None:
    assert request.check is not None
    return request.check(Response(request.status, head, orjson.dumps(content)))


@pytest.mark.parametrize("name", WORKLOADS)
def test_each_request_is_whole(name: str) -> None:
    request = first(WORKLOADS[name](source()))
    head, _, body = request.data.partition(b"\r\n\r\n")
    assert head.endswith(f"Content-Length: {len(body)}".encode()) if body else b"Content-Length" not in head


def stored(patient: int, id_: str) -> dict[str, Any]:
    created = dataset.observation(patient, 0, 0)
    return {**created, "id": id_, "meta": {"versionId": "1"}}


def asked_for(request: Request) -> str:
    return request.data.split(b" ")[1].decode().rpartition("/")[2]


def test_a_read_must_give_the_resource_asked_for() -> None:
    request = first(workloads.read(source()))
    id_ = asked_for(request)
    patient = int(id_.split("-")[1])
    assert finding(request, stored(patient, id_)) is None
    assert finding(request, stored(patient, "other")) == "another resource than asked for"
    assert finding(request, stored(patient + 1, id_)) == "another patient's resource"
    assert finding(request, {"resourceType": "OperationOutcome"}) == "another resource than asked for"


def test_a_search_must_find_all_of_the_patient_and_only_them() -> None:
    request = first(workloads.search(source(patients=1)))
    analysis = next(n for n, kind in enumerate(dataset.ANALYSES) if kind.loinc.encode() in request.data)
    matches = [dataset.observation(0, analysis, repeat) | {"meta": {"versionId": "1"}} for repeat in range(9)]
    bundle = {"type": "searchset", "entry": [{"resource": match} for match in matches]}
    assert finding(request, bundle) is None
    assert finding(request, {**bundle, "entry": bundle["entry"][:8]}) == "8 matches, at least 9 expected"
    matches[4] = matches[4] | {"code": {"coding": [{"code": "other"}]}}
    strangers = [{"resource": match} for match in matches]
    assert finding(request, {**bundle, "entry": strangers}) == "a match has another code"


def test_a_create_must_say_where() -> None:
    request = first(workloads.create(source(patients=1)))
    located = b"\r\nlocation: http://h/fhir/observation/1a/_history/1\r\n"
    assert finding(request, stored(0, "1a"), located) is None
    assert finding(request, stored(0, "1a")) == "no Location"


def test_a_transaction_must_have_stored_every_entry() -> None:
    workload = workloads.transactions(source(), iter([Transaction(b"{}", entries=1)]))
    request = first(workload)
    assert finding(request, {"entry": [{"response": {"status": "201 Created"}}]}) is None
    assert finding(request, {"entry": [{"response": {"status": "412"}}]}) == "an entry was not stored"
    assert finding(request, {"entry": []}) == "0 entries answered of 1"
    assert workload() is None


def test_mixed_work_deletes_only_what_it_has_created() -> None:
    workload = workloads.mixed(source())
    created, deleted = [], []
    for number in range(600):
        request = first(workload)
        if request.kind == "delete":
            deleted.append(asked_for(request))
        if request.learn is not None:
            created.append(f"new-{number}")
            head = f"\r\nlocation: /fhir/observation/new-{number}/_history/1\r\n".encode()
            request.learn(Response(201, head, b""))
    assert deleted
    assert set(deleted) <= set(created)
    assert len(set(deleted)) == len(deleted)
