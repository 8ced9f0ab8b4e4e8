"""What is asked of the record: one function per kind of work, and what a right answer looks like.

Each function takes a `Source` and gives a `Workload`, which makes one request after the other.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson

from benchmarks import dataset
from benchmarks.dataset import ANALYSES, LOINC, Dataset
from benchmarks.load import Request, Workload
from benchmarks.response import Response

JSON = "application/fhir+json"

MIXED_SHARES = (("create", 10), ("read", 60), ("update", 25), ("delete", 5))
"""Percent of the requests in the mixed work."""

_NOW = datetime(2026, 1, 5, 8, 15, tzinfo=UTC)


class Transaction(NamedTuple):
    """A transaction bundle as it is sent."""

    body: bytes
    entries: int


class Source(NamedTuple):
    """The data that may be asked for, where to ask, and dice to choose with."""

    data: Dataset
    host: str
    dice: random.Random
    base: str = "/fhir"
    token: str = ""

    def patient(self) -> int:
        return self.dice.randrange(self.data.patients)

    def analysis(self) -> int:
        return self.dice.randrange(self.data.analyses)

    def get(self, path: str) -> bytes:
        return http_request("GET", self.base + path, self.host, token=self.token)

    def send(self, method: str, path: str, content: dict[str, Any]) -> bytes:
        return http_request(method, self.base + path, self.host, orjson.dumps(content), token=self.token)


def http_request(method: str, path: str, host: str, body: bytes | None = None, *, token: str = "") -> bytes:
    """The bytes of a request on a keep-alive connection."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"Accept: {JSON}"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if body is not None:
        lines += [f"Content-Type: {JSON}", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b"")


def read(source: Source) -> Workload:
    """Read an Observation by id."""

    def next_request() -> Request:
        patient, id_ = _stored_observation(source, source.analysis())
        check = functools.partial(_check_observation, id_, patient)
        return Request("read", source.get(f"/Observation/{id_}"), 200, check)

    return next_request


def search(source: Source) -> Workload:
    """Search a patient's results of one analysis."""

    def next_request() -> Request:
        patient, analysis = source.patient(), source.analysis()
        code = quote(f"{LOINC}|{ANALYSES[analysis].loinc}", safe="")
        path = f"/Observation?patient={dataset.patient_id(patient)}&code={code}"
        check = functools.partial(_check_matches, patient, analysis, source.data.repeats)
        return Request("search", source.get(path), 200, check)

    return next_request


def find(source: Source) -> Workload:
    """Find a patient by number."""

    def next_request() -> Request:
        patient = source.patient()
        number = quote(f"{dataset.NUMBERS}|{dataset.patient_identifier(patient)}", safe="")
        check = functools.partial(_check_found, dataset.patient_id(patient))
        return Request("find", source.get(f"/Patient?identifier={number}"), 200, check)

    return next_request


def create(source: Source) -> Workload:
    """Create an Observation of a stored patient."""

    def next_request() -> Request:
        patient = source.patient()
        content = dataset.new_observation(patient, source.analysis(), source.dice, _NOW)
        check = functools.partial(_check_created, patient)
        return Request("create", source.send("POST", "/Observation", content), 201, check)

    return next_request


def update(source: Source) -> Workload:
    """Update a stored Observation."""

    def next_request() -> Request:
        analysis = source.analysis()
        patient, id_ = _stored_observation(source, analysis)
        content = {"id": id_, **dataset.new_observation(patient, analysis, source.dice, _NOW)}
        check = functools.partial(_check_updated, id_, patient)
        return Request("update", source.send("PUT", f"/Observation/{id_}", content), 200, check)

    return next_request


def mixed(source: Source) -> Workload:
    """All four together; only what the run itself has created is deleted."""
    kinds = [kind for kind, percent in MIXED_SHARES for _ in range(percent)]
    others: dict[str, Workload] = {"read": read(source), "create": create(source), "update": update(source)}
    created: list[str] = []

    def next_request() -> Request | None:
        kind = source.dice.choice(kinds)
        if kind != "delete":
            request = others[kind]()
            if request is None or kind != "create":
                return request
            return request._replace(learn=lambda response: created.append(_created_id(response)))
        if not created:
            return others["read"]()
        path = f"{source.base}/Observation/{created.pop()}"
        return Request("delete", http_request("DELETE", path, source.host, token=source.token), 204)

    return next_request


def transactions(source: Source, bundles: Iterator[Transaction]) -> Workload:
    """Send bundles, each once, until there are no more; they may be made as they are needed."""

    def next_request() -> Request | None:
        bundle = next(bundles, None)
        if bundle is None:
            return None
        check = functools.partial(_check_transaction, bundle.entries)
        data = http_request("POST", source.base, source.host, bundle.body, token=source.token)
        return Request("transaction", data, 200, check)

    return next_request


WORKLOADS: dict[str, Callable[[Source], Workload]] = {
    "read": read,
    "search": search,
    "find": find,
    "update": update,
    "create": create,
    "mixed": mixed,
}
"""In the order in which they are run: what leaves the data as it is comes first."""


def _stored_observation(source: Source, analysis: int) -> tuple[int, str]:
    """A patient and the id of one of its results."""
    patient = source.patient()
    return patient, dataset.observation_id(patient, analysis, source.dice.randrange(source.data.repeats))


def _check_observation(id_: str, patient: int, response: Response) -> str | None:
    return _check_resource(orjson.loads(response.body), id_, patient)


def _check_resource(resource: dict[str, Any], id_: str, patient: int) -> str | None:
    if (resource.get("resourceType"), resource.get("id")) != ("Observation", id_):
        return "another resource than asked for"
    if resource["subject"]["reference"] != f"Patient/{dataset.patient_id(patient)}":
        return "another patient's resource"
    return None if "versionId" in resource.get("meta", {}) else "a resource without a version"


def _check_matches(patient: int, analysis: int, least: int, response: Response) -> str | None:
    bundle = orjson.loads(response.body)
    found = [entry["resource"] for entry in bundle.get("entry", [])]
    if bundle.get("type") != "searchset" or len(found) < least:
        return f"{len(found)} matches, at least {least} expected"
    if any(item["code"]["coding"][0]["code"] != ANALYSES[analysis].loinc for item in found):
        return "a match has another code"
    findings = (_check_resource(item, item["id"], patient) for item in found)
    return next((finding for finding in findings if finding), None)


def _check_found(id_: str, response: Response) -> str | None:
    entries = orjson.loads(response.body).get("entry", [])
    return None if [entry["resource"]["id"] for entry in entries] == [id_] else "not the patient asked for"


def _created_id(response: Response) -> str:
    """The id in the Location header (`…/Observation/ID/_history/1`; headers come in lower case)."""
    location = (response.header(b"location") or b"").decode()
    return location.partition("/observation/")[2].partition("/")[0]


def _check_created(patient: int, response: Response) -> str | None:
    id_ = _created_id(response)
    if not id_:
        return "no Location"
    if not response.body:
        return None
    resource = orjson.loads(response.body)
    return _check_resource(resource, resource["id"], patient)


def _check_updated(id_: str, patient: int, response: Response) -> str | None:
    if not response.body:
        return None if response.header(b"etag") else "neither a body nor an ETag"
    return _check_observation(id_, patient, response)


def _check_transaction(entries: int, response: Response) -> str | None:
    answers = orjson.loads(response.body).get("entry", [])
    if len(answers) != entries:
        return f"{len(answers)} entries answered of {entries}"
    refused = [answer for answer in answers if answer["response"]["status"][:3] not in ("200", "201")]
    return "an entry was not stored" if refused else None
