"""A FHIR server that others run, into the copy: all that it has, nothing that it has lost."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey

from altid.lookup.beside.fhir import bulk
from altid.lookup.beside.fhir.asking import Asker, SourceDownError, pause_s
from altid.lookup.beside.fhir.comparing import accepted
from altid.lookup.beside.fhir.polling import Poller
from altid.lookup.beside.naming import TAG_SYSTEM
from altid.lookup.beside.sources import FhirSource, Login
from tests.lookup.beside_store import StandIn
from tests.lookup.other_server import BASE, OtherServer


def poller(store: StandIn, server: OtherServer, **settings: Any) -> Poller:
    source = FhirSource("lab1", BASE, **{"page_count": 2, "compare_s": 1e9, **settings})
    return Poller(store, Asker(source, server.transport))


def rounds(store: StandIn, server: OtherServer, number: int = 1, **settings: Any) -> None:
    """A process's life of so many rounds; the first of each compares."""

    async def run() -> None:
        one = poller(store, server, **settings)
        for _ in range(number):
            await one.round()

    asyncio.run(run())


def there(store: StandIn) -> dict[str, str]:
    """The server's ids of what is in the copy, with the version that the server gave it."""
    return {key.replace("lab1.", ""): one["meta"]["versionId"] for key, one in store.here().items()}


def at_the_server(server: OtherServer) -> dict[str, str]:
    return {key: one["meta"]["versionId"] for key, one in server.state.items()}


def some(server: OtherServer, number: int = 5) -> OtherServer:
    for place in range(number):
        server.put("Patient", f"p{place}", name=[{"family": f"F{place}"}])
        server.put("Observation", f"o{place}", subject={"reference": f"Patient/p{place}"})
    return server


def test_all_pages_are_loaded_and_then_only_what_has_changed() -> None:
    store, server = StandIn(), some(OtherServer())
    rounds(store, server)
    assert there(store) == at_the_server(server)
    before = store.applied
    server.put("Patient", "p1", name=[{"family": "New"}])
    rounds(store, server)
    assert (store.here()["Patient/lab1.p1"]["name"], store.applied) == ([{"family": "New"}], before + 1)


def test_a_round_says_up_to_when_everything_was_asked_for() -> None:
    store, server = StandIn(), some(OtherServer())
    rounds(store, server)
    heartbeat = store.heartbeats["lab1"]
    assert heartbeat.at <= heartbeat.received


def test_two_versions_of_the_same_millisecond_are_both_seen() -> None:
    store, server = StandIn(), OtherServer()

    async def run() -> None:
        one = poller(store, server)
        server.put("Patient", "p", gender="male")
        await one.round()
        server.put("Patient", "p", after_ms=0, gender="female")
        server.put("Patient", "q", after_ms=0)
        await one.round()

    asyncio.run(run())
    assert (store.here()["Patient/lab1.p"]["gender"], len(store.here())) == ("female", 2)


@pytest.mark.parametrize("history", [True, False])
def test_what_is_deleted_goes_from_the_copy(history: bool) -> None:
    store, server = StandIn(), some(OtherServer(history=history))
    rounds(store, server)
    server.delete("Observation", "o3")
    rounds(store, server)
    assert "Observation/o3" not in there(store)
    assert there(store) == at_the_server(server)


def test_by_its_history_a_deletion_is_seen_without_a_comparison() -> None:
    store, server = StandIn(), some(OtherServer())

    async def run() -> None:
        one = poller(store, server)
        await one.round()
        server.delete("Observation", "o3")
        server.delete("Patient", "p3")
        server.put("Patient", "p3")
        await one.round()

    asyncio.run(run())
    assert there(store) == at_the_server(server)


def test_a_server_that_was_restored_is_followed_back() -> None:
    store, server = StandIn(), some(OtherServer())
    old, versions, now = dict(server.state), dict(server.versions), server.now
    server.put("Patient", "p1", gender="male")
    server.put("Patient", "late")
    rounds(store, server)
    server.state, server.versions, server.now = old, versions, now - timedelta(hours=1)
    server.log = [entry for entry in server.log if entry[2] <= now]
    server.put("Patient", "p2", gender="other")
    rounds(store, server)
    assert there(store) == at_the_server(server)
    assert "gender" not in store.here()["Patient/lab1.p1"]
    assert store.here()["Patient/lab1.p2"]["gender"] == "other"


def test_what_a_search_leaves_out_is_not_taken_for_lost() -> None:
    store, server = StandIn(), some(OtherServer())
    rounds(store, server)
    server.hidden = {"Patient/p0", "Patient/p4"}
    rounds(store, server)
    assert there(store) == at_the_server(server)


def test_a_server_that_lost_nearly_all_is_followed_only_when_somebody_says_so() -> None:
    store, server = StandIn(), some(OtherServer(history=False), 60)
    rounds(store, server)
    heartbeat, before = store.heartbeats["lab1"], there(store)
    server.state = {}
    with pytest.raises(SourceDownError, match="lost-too-much"):
        rounds(store, server)
    assert (there(store), store.heartbeats["lab1"]) == (before, heartbeat)
    store.set_meta(accepted("lab1"), "1")
    rounds(store, server)
    assert (there(store), store.meta(accepted("lab1"))) == ({}, "")


def test_the_first_load_is_by_export_where_there_is_one() -> None:
    store, server = StandIn(), some(OtherServer(export=True))
    rounds(store, server)
    assert there(store) == at_the_server(server)
    assert "file/Patient" in {one.url.path.removeprefix("/fhir/") for one in server.asked}
    assert server.files == {}  # the server was told that they are no longer needed


def test_an_export_that_was_broken_off_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "BATCH", 2)
    store, server = StandIn(), some(OtherServer(export=True))
    broken = server.files

    def break_off(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("file/Observation"):
            raise httpx.ConnectError("cut")
        return server.handle(request)

    source = FhirSource("lab1", BASE, page_count=2)
    with pytest.raises(SourceDownError):
        asyncio.run(Poller(store, Asker(source, httpx.MockTransport(break_off))).round())
    assert (len(there(store)), broken) == (5, {})
    server.asked.clear()
    rounds(store, server)
    asked = [one.url.path.removeprefix("/fhir/") for one in server.asked]
    assert there(store) == at_the_server(server)
    assert "$export" not in asked
    assert "file/Patient" not in asked


def test_an_export_that_the_server_has_lost_is_replaced_by_pages() -> None:
    store, server = StandIn(), some(OtherServer(export=True))
    lost = httpx.MockTransport(
        lambda asked: httpx.Response(410) if "/file/" in asked.url.path else server.handle(asked)
    )
    asyncio.run(Poller(store, Asker(FhirSource("lab1", BASE, page_count=2), lost)).round())
    assert there(store) == at_the_server(server)


def test_the_same_ids_of_two_servers_are_two_resources() -> None:
    store, server = StandIn(), some(OtherServer(), 1)
    rounds(store, server)
    other = FhirSource("lab2", BASE, page_count=2)
    asyncio.run(Poller(store, Asker(other, server.transport)).round())
    assert set(store.here()) == {f"{kind}/{name}.{id_}" for name in ("lab1", "lab2") for kind, id_ in KINDS}
    seen = store.here()["Observation/lab2.o0"]
    assert seen["subject"] == {"reference": "Patient/lab2.p0"}
    assert {"system": TAG_SYSTEM, "code": "lab2"} in seen["meta"]["tag"]


KINDS = (("Patient", "p0"), ("Observation", "o0"))


def test_a_link_to_another_server_is_not_followed() -> None:
    store, server = StandIn(), some(OtherServer())
    server.next_base = "https://elsewhere.example/fhir"
    with pytest.raises(SourceDownError, match="link-elsewhere"):
        rounds(store, server)
    assert {one.url.host for one in server.asked} == {"epj.example"}


def test_a_server_that_is_busy_is_asked_again() -> None:
    store, server = StandIn(), some(OtherServer())
    server.answers = [httpx.Response(429, headers={"retry-after": "0"})] * 2
    rounds(store, server)
    assert there(store) == at_the_server(server)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (httpx.Response(500), "http-500"),
        (httpx.Response(302, headers={"location": "https://elsewhere.example"}), "http-302"),
        (httpx.Response(200, content=b"<html>"), "no-json"),
        (httpx.Response(200, content=b"[1]"), "no-json"),
        (httpx.Response(200, json={"resourceType": "CapabilityStatement"}), "type-missing"),
    ],
)
def test_an_answer_that_is_none_moves_nothing_on(answer: httpx.Response, code: str) -> None:
    store, server = StandIn(), some(OtherServer())
    server.answers = [answer]
    with pytest.raises(SourceDownError, match=code):
        rounds(store, server)
    assert (store.here(), store.heartbeats) == ({}, {})


def test_a_wish_to_wait_is_bounded() -> None:
    assert pause_s({"retry-after": "999999999"}, 1) == 60
    date = {"retry-after": "Fri, 31 Dec 9999 00:00:00 GMT", "date": "Sun, 01 Nov 2026 00:00:00 GMT"}
    assert pause_s(date, 1) == 60
    assert pause_s({}, 3) == 4


def test_who_we_are_is_signed_as_smart_backend_services_want_it(tmp_path: Path) -> None:
    key = ECKey.generate_key("P-384", {"kid": "k1"}, private=True)
    (tmp_path / "key").write_text(json.dumps(key.as_dict(private=True)))
    server, given_tokens = some(OtherServer()), iter(("first", "second"))
    asked: list[dict[str, str]] = []

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            asked.append(dict(httpx.QueryParams(request.content.decode())))
            return httpx.Response(200, json={"access_token": next(given_tokens), "expires_in": 300})
        if request.headers["authorization"] == "Bearer first" and len(server.asked) > 2:
            return httpx.Response(401)
        return server.handle(request)

    login = Login("key", tmp_path / "key", "https://epj.example/token", "altid")
    source = FhirSource("lab1", BASE, login, page_count=2)
    store = StandIn()
    asyncio.run(Poller(store, Asker(source, httpx.MockTransport(handle))).round())
    assert there(store) == at_the_server(server)
    claims = jwt.decode(asked[0]["client_assertion"], key, algorithms=["ES384"]).claims
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("altid", "altid", login.token_url)
    assert len(asked) == 2


IDS = st.sampled_from(["a", "b", "c"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), IDS, st.integers(0, 1)),
        st.tuples(st.just("delete"), IDS, st.just(0)),
        st.tuples(st.just("poll"), st.just(""), st.just(0)),
        st.tuples(st.just("restart"), st.just(""), st.just(0)),
        st.tuples(st.just("restore"), st.just(""), st.just(0)),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(STEPS, st.booleans(), st.booleans())
def test_whatever_happens_there_the_copy_is_the_server(
    steps: list[tuple[str, str, int]], history: bool, export: bool
) -> None:
    store, server = StandIn(), OtherServer(history=history, export=export)
    kept = (dict(server.state), dict(server.versions))

    async def run() -> None:
        one = poller(store, server)
        for step, id_, after_ms in steps:
            if step == "put":
                server.put("Patient", id_, after_ms=after_ms, multipleBirthInteger=len(server.log))
            elif step == "delete":
                server.delete("Patient", id_)
            elif step == "restore":
                # A moment at least: nothing is written after it in the very millisecond of what it has lost.
                server.now += timedelta(milliseconds=1)
                server.state, server.versions = dict(kept[0]), dict(kept[1])
                one = poller(store, server)
            elif step == "restart":
                one = poller(store, server)
            else:
                await one.round()
        await poller(store, server).round()

    asyncio.run(run())
    assert {key: one.get("multipleBirthInteger") for key, one in server.state.items()} == {
        key.replace("lab1.", ""): one.get("multipleBirthInteger") for key, one in store.here().items()
    }


def test_a_server_that_ends_its_pages_early_is_asked_for_the_rest() -> None:
    store, server = StandIn(), some(OtherServer(history=False), 9)
    for place in range(5):
        server.put("Patient", f"same{place}", after_ms=0)
    server.with_next = False
    rounds(store, server)
    assert there(store) == at_the_server(server)


def test_a_part_is_not_taken_for_the_whole() -> None:
    store, server = StandIn(), some(OtherServer(history=False), 9)
    server.with_next, server.with_times = False, False
    with pytest.raises(SourceDownError, match="pages-end-early"):
        rounds(store, server)
    assert store.heartbeats == {}
