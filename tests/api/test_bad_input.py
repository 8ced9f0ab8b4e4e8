"""Bad input: a clear OperationOutcome with the right status, nothing lost, and the server lives on."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from altid.api.settings import FhirSettings
from altid.record.postgres import Cluster
from running import make_database, running_worker

Create = Callable[..., dict[str, Any]]

JSON = {"content-type": "application/fhir+json"}
SECRET = "Hemmelighedsen"


def assert_outcome(response: httpx.Response, *statuses: int) -> None:
    assert response.status_code in statuses, response.text
    outcome = response.json()
    assert outcome["resourceType"] == "OperationOutcome"
    assert outcome["issue"][0]["diagnostics"]
    for leak in ("Traceback", "asyncpg", "psql", ".py", SECRET):
        assert leak not in response.text


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("not JSON", b'{"resourceType":"Patient",'),
        ("nothing but a word", b"hello"),
        ("a number", b"3"),
        ("null", b"null"),
        ("an empty list", b"[]"),
        ("an empty object", b"{}"),
        ("invalid UTF-8", b'{"resourceType":"Patient","name":[{"family":"\xff"}]}'),
        ("a lone surrogate", b'{"resourceType":"Patient","name":[{"family":"\\ud800"}]}'),
        ("a zero character", b'{"resourceType":"Patient","name":[{"family":"a\\u0000b"}]}'),
        ("a key twice", b'{"resourceType":"Patient","active":true,"active":false}'),
        ("NaN", b'{"resourceType":"Observation","valueQuantity":{"value":NaN}}'),
        ("infinity", b'{"resourceType":"Observation","valueQuantity":{"value":1e999}}'),
        ("a depth bomb", b'{"resourceType":"Patient","extension":' + b'[{"extension":' * 5_000 + b"1"),
        ("a closed depth bomb", b"[" * 100_000 + b"]" * 100_000),
        ("deep but well formed", b'{"resourceType":"Patient","a":' + b"[" * 90 + b"]" * 90 + b"}"),
        ("an unknown element", b'{"resourceType":"Patient","nmae":[]}'),
        ("another type than the URL's", b'{"resourceType":"Observation"}'),
        ("an unknown type", b'{"resourceType":"Patent"}'),
        ("a type that is a number", b'{"resourceType":7}'),
        ("a meta that is a list", b'{"resourceType":"Patient","meta":[]}'),
        ("an id that is a number", b'{"resourceType":"Patient","id":7}'),
        ("a faulty value", b'{"resourceType":"Patient","birthDate":"' + SECRET.encode() + b'"}'),
    ],
)
def test_a_faulty_body_is_refused(fhir: httpx.Client, name: str, body: bytes) -> None:
    assert_outcome(fhir.post("/Patient", content=body, headers=JSON), 400, 422)
    assert_outcome(fhir.put("/Patient/x", content=body, headers=JSON), 400, 422)
    assert_outcome(fhir.post("", content=body, headers=JSON), 400, 422)


def test_a_missing_body_is_refused(fhir: httpx.Client) -> None:
    assert_outcome(fhir.post("/Patient", headers=JSON), 400)


def test_other_formats_are_refused_in_words(fhir: httpx.Client) -> None:
    xml = {"content-type": "application/fhir+xml"}
    assert_outcome(fhir.post("/Patient", content=b"<Patient/>", headers=xml), 415)
    assert_outcome(fhir.post("/Patient", content=b"x", headers={"content-type": ""}), 415)
    assert_outcome(fhir.get("/metadata", headers={"accept": "application/fhir+xml"}), 406)
    assert_outcome(fhir.get("/metadata?_format=xml"), 406)
    assert fhir.get("/metadata?_format=application/fhir+json").status_code == 200
    assert fhir.get("/metadata", headers={"accept": "text/html,*/*"}).status_code == 200


def test_a_body_over_the_limit_is_refused(fhir: httpx.Client) -> None:
    body = b'{"resourceType":"Patient","name":[{"family":"' + b"x" * 17_000_000 + b'"}]}'
    assert_outcome(fhir.post("/Patient", content=body, headers=JSON), 413)
    assert_outcome(fhir.post("/Patient", content=iter([body]), headers=JSON), 413)


@pytest.mark.parametrize("id_", ["a b", "a/b", "æ", "x" * 65, "a%00b", "a;b", "'", "%2e%2e%2f", "$x"])
def test_odd_ids_are_no_resources(fhir: httpx.Client, id_: str) -> None:
    response = fhir.get(f"/Patient/{id_}")
    assert_outcome(response, 404, 400)
    put = fhir.put(f"/Patient/{id_}", json={"resourceType": "Patient", "id": id_})
    assert_outcome(put, 400, 404, 405, 422)


INJECTIONS = [
    "' OR 1=1 --",
    "'; DROP TABLE resource; --",
    "$1",
    "%",
    "_",
    "\\",
    "1) OR (1=1",
    "{}",
    "\x00",
    "*",
]
PARAMETERS = [
    "_id",
    "name",
    "name:exact",
    "name:contains",
    "identifier",
    "birthdate",
    "gender",
    "organization",
    "general-practitioner.name",
    "_has:Observation:patient:code",
    "_lastUpdated",
    "_tag",
    "_profile",
    "_sort",
    "_include",
    "_revinclude",
    "_count",
    "_page",
    "_elements",
    "_summary",
    "_type",
    "_since",
]


@pytest.mark.parametrize("injection", INJECTIONS)
def test_sql_in_any_parameter_is_only_text(fhir: httpx.Client, create: Create, injection: str) -> None:
    create("Patient", active=True)
    for name in PARAMETERS:
        for path in ("/Patient", "/Patient/_history", "/Patient/x/$everything"):
            response = fhir.get(path, params={name: injection})
            assert response.status_code in (200, 400, 404), f"{path} {name}: {response.text}"
    assert fhir.get("/Patient?_count=1").status_code == 200


def test_errors_come_in_danish_for_who_wants_it(fhir: httpx.Client) -> None:
    danish = fhir.get("/Patient/nowhere", headers={"accept-language": "da-DK,da;q=0.9"}).json()
    assert danish["issue"][0]["details"]["text"] == "Der er ingen sådan ressource."


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE"])
def test_methods_that_mean_nothing_here_are_refused(fhir: httpx.Client, method: str) -> None:
    assert_outcome(fhir.request(method, "/metadata/1/2"), 404, 405, 400)
    assert_outcome(fhir.request(method, ""), 404, 405, 400)


def test_an_interrupted_upload_stores_nothing_and_harms_nobody(
    server: str, fhir: httpx.Client, unique: str
) -> None:
    host = urlsplit(server)
    with socket.create_connection((str(host.hostname), host.port or 0), timeout=30) as line:
        line.sendall(
            f"PUT /fhir/Patient/{unique} HTTP/1.1\r\nHost: x\r\nContent-Type: application/fhir+json\r\n"
            f'Content-Length: 500\r\n\r\n{{"resourceType":"Patient","id":"{unique}"}}'.encode()
        )
    assert fhir.get(f"/Patient/{unique}").status_code == 404


def test_a_request_that_is_no_http_harms_nobody(server: str, fhir: httpx.Client) -> None:
    host = urlsplit(server)
    with socket.create_connection((str(host.hostname), host.port or 0), timeout=30) as line:
        line.sendall(b"\x16\x03\x01\x02\x00 hello \r\n\r\n")
        line.recv(1_000)
    assert fhir.get("/metadata").status_code == 200


def test_a_bundle_that_refers_to_itself_is_stored_or_refused_but_never_loops(fhir: httpx.Client) -> None:
    urn = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"
    inner = {"resourceType": "Bundle", "type": "collection", "entry": [{"fullUrl": urn}]}
    outer = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"fullUrl": urn, "resource": inner, "request": {"method": "POST", "url": "Bundle"}},
        ],
    }
    assert fhir.post("", json=outer).status_code in (200, 400, 422)


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "resourceType",
                    "id",
                    "meta",
                    "name",
                    "entry",
                    "resource",
                    "request",
                    "method",
                    "url",
                    "type",
                ]
            )
            | st.text(max_size=8),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=_json, path=st.sampled_from(["", "/Patient", "/Bundle", "/Patient/$validate", "/Parameters"]))
def test_no_json_makes_the_server_fail(fhir: httpx.Client, value: Any, path: str) -> None:
    assert fhir.post(path, json=value).status_code < 500


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    type_=st.sampled_from(
        ["Patient", "Observation", "Bundle", "Nothing", "_history", "metadata", "$validate"]
    ),
    name=st.sampled_from([*PARAMETERS, "code", "date", "value-quantity", "subject:Patient.name"])
    | st.text(max_size=12),
    value=st.text(max_size=20),
)
def test_no_query_makes_the_server_fail(fhir: httpx.Client, type_: str, name: str, value: str) -> None:
    try:
        response = fhir.get(f"/{type_}", params={name: value})
    except (httpx.InvalidURL, UnicodeEncodeError):
        return
    assert response.status_code < 500


def test_more_requests_than_can_be_answered_in_time_are_refused_at_once(postgres: Cluster) -> None:
    settings = FhirSettings(in_flight_max=2)
    with running_worker(make_database(postgres), settings) as address, ExitStack() as stack:
        host = urlsplit(address)
        for _ in range(2):
            line = socket.create_connection((str(host.hostname), host.port or 0), timeout=30)
            stack.enter_context(line)
            line.sendall(
                b"POST /fhir/Patient HTTP/1.1\r\nHost: x\r\n"
                b"Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
            )
        refused = httpx.get(f"{address}/fhir/metadata", timeout=30)
        while refused.status_code == 200:  # until the server has read both of the lines above
            refused = httpx.get(f"{address}/fhir/metadata", timeout=30)
        assert_outcome(refused, 503)
        assert refused.headers["retry-after"] == "1"
        stack.close()
        while httpx.get(f"{address}/fhir/metadata", timeout=30).status_code != 200:
            pass
