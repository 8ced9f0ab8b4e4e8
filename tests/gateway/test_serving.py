"""Real gateways before real servers: what happens when servers die, drain, or a client misbehaves."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from altid.gateway import admin
from altid.gateway.limits import GatewayLimits
from altid.gateway.wire import SERVICE_BETWEEN
from altid.record.postgres.account import current
from altid.region import certificates
from altid.region.builtin import builtin_region
from altid.region.envoy import find
from altid.region.error import RegionError
from altid.region.http import HttpError
from altid.region.layout import Layout
from tests.gateway.running import Stage, eventually, stage, with_duty

_LIMITS = GatewayLimits(headers_s=2.0, request_s=2.5, handshake_s=2.0, body_bytes_max=100_000)

_SETTINGS = 4
"""The kind of HTTP/2's first frame (RFC 9113 §6.5)."""


def _has_envoy() -> bool:
    try:
        find()
    except RegionError:
        return False
    return True


pytestmark = pytest.mark.skipif(not _has_envoy(), reason="Envoy is not in this environment")


@pytest.fixture(scope="module")
def _both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("gateway"), _LIMITS) as both:
        yield both


@pytest.fixture
def both(_both: Stage) -> Iterator[Stage]:
    """Both sites, and afterwards well again."""
    yield _both
    for place in _both.places.values():
        serving = tuple(replace(one, duty="serving") for one in place.gateway.servers)
        place.change(replace(place.gateway, servers=serving))
        for server in place.servers:
            if server.process is None or server.process.poll() is not None:
                server.kill()
                server.start()
            server.be("well")
    for place in _both.places.values():
        assert eventually(lambda place=place: set(place.states().values()) == {"healthy"})  # type: ignore[misc]


def _asked(both: Stage) -> int:
    return sum(server.asked() for place in both.places.values() for server in place.servers)


def _raw(both: Stage, request: bytes, s_max: float = 20.0) -> bytes:
    """What the gateway of A answers to these very bytes, until it hangs up."""

    async def talk() -> bytes:
        gateway = both.places["A"].gateway
        reader, writer = await asyncio.open_connection(gateway.host, gateway.port, ssl=both.tls)
        try:
            async with asyncio.timeout(s_max):
                writer.write(request)
                await writer.drain()
                return await reader.read()
        finally:
            writer.transport.abort()

    return asyncio.run(talk())


# Who answers.


def test_a_request_is_answered_by_the_sites_own_server(both: Stage) -> None:
    assert both.told("A", "GET", "/fhir/Observation")["server"] in ("A1", "A2")


def test_the_answer_names_the_site(both: Stage) -> None:
    assert both.ask("B", "GET", "/fhir/Observation").headers["altid-site"] == "B"


def test_servers_are_told_the_clients_scheme_and_the_name_it_used(both: Stage) -> None:
    told = both.told("A", "GET", "/fhir/Observation")
    gateway = both.places["A"].gateway
    assert (told["scheme"], told["headers"]["host"]) == ("https", f"{gateway.host}:{gateway.port}")


def test_a_client_cannot_claim_another_scheme(both: Stage) -> None:
    assert both.told("A", "GET", "/fhir", X_Forwarded_Proto="http")["scheme"] == "https"


def test_a_client_cannot_give_envoy_orders(both: Stage) -> None:
    headers = both.told("A", "GET", "/fhir", X_Envoy_Max_Retries="9", X_Envoy_Retry_On="5xx")["headers"]
    assert not {"x-envoy-max-retries", "x-envoy-retry-on"} & headers.keys()


def test_a_request_gets_an_id_that_its_answer_carries_once(both: Stage) -> None:
    answer = _raw(both, b"GET /fhir HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\nConnection: close\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    ids = [line.split(b": ")[1] for line in head.split(b"\r\n") if line.startswith(b"x-request-id")]
    assert ids == [json.loads(body)["headers"]["x-request-id"].encode()]
    assert ids != [b"mine"]


def test_nobody_learns_what_runs_here(both: Stage) -> None:
    assert "server" not in both.ask("A", "GET", "/fhir").headers
    assert not [name for name in both.ask("A", "GET", "/fhir").headers if "envoy" in name]


def test_a_client_may_speak_http_2(both: Stage) -> None:
    async def greet() -> tuple[str | None, int]:
        tls = ssl.create_default_context(cafile=both.places["A"].gateway.credentials.authority)
        tls.set_alpn_protocols(["h2", "http/1.1"])
        gateway = both.places["A"].gateway
        reader, writer = await asyncio.open_connection(gateway.host, gateway.port, ssl=tls)
        try:
            writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, _SETTINGS, 0, 0, 0, 0, 0]))
            async with asyncio.timeout(20.0):
                frame = await reader.readexactly(9)
            return writer.get_extra_info("ssl_object").selected_alpn_protocol(), frame[3]
        finally:
            writer.transport.abort()

    assert asyncio.run(greet()) == ("h2", _SETTINGS)


# Servers die.


def test_when_a_server_is_killed_no_read_fails(both: Stage) -> None:
    tally = both.load("A", both.places["A"].servers[0].kill)
    assert tally.failed == 0, tally.statuses


def test_when_all_servers_of_a_site_are_killed_the_other_answers_and_no_read_fails(both: Stage) -> None:
    def kill() -> None:
        for server in both.places["A"].servers:
            server.kill()

    tally = both.load("A", kill)
    assert tally.failed == 0, tally.statuses
    assert both.told("A", "GET", "/fhir")["server"].startswith("B")


def test_the_answer_of_the_other_site_says_so(both: Stage) -> None:
    for server in both.places["A"].servers:
        server.kill()
    assert both.ask("A", "GET", "/fhir").headers["altid-site"] == "B"


def test_one_server_that_is_left_carries_its_site(both: Stage) -> None:
    place = both.places["A"]
    place.servers[0].kill()
    assert eventually(lambda: "healthy" not in place.states()[_address(both, 0)])
    tally = both.load("A", lambda: None)
    assert tally.servers.keys() == {"A2"}


def _address(both: Stage, number: int) -> str:
    server = both.places["A"].servers[number]
    return f"{server.host}:{server.port}"


def test_a_server_that_is_not_ready_gets_no_requests(both: Stage) -> None:
    both.places["A"].servers[0].be("unready")
    assert eventually(lambda: "healthy" not in both.places["A"].states()[_address(both, 0)])
    assert both.load("A", lambda: None).servers.keys() == {"A2"}


def test_a_write_that_was_refused_by_a_site_that_is_not_live_is_done_by_the_other(both: Stage) -> None:
    for server in both.places["A"].servers:
        server.be("stale")
    assert both.told("A", "POST", "/fhir/Observation", b"{}")["server"].startswith("B")


def test_a_write_whose_answer_is_lost_is_not_sent_again_and_called_unknown(both: Stage) -> None:
    answer = both.ask("A", "POST", "/fhir/Observation?crash", b"{}")
    assert (answer.status, json.loads(answer.body)["issue"][0]["code"]) == (504, "timeout")
    assert "not known" in json.loads(answer.body)["issue"][0]["diagnostics"]
    assert eventually(lambda: len(_dead(both)) > 0)
    assert len(_dead(both)) == 1, "it was sent to another server as well"


def test_a_write_of_which_a_server_does_not_know_what_became_is_not_sent_again(both: Stage) -> None:
    for server in both.places["A"].servers:
        server.be("lost")
    before = _asked(both)
    assert both.ask("A", "POST", "/fhir/Observation", b"{}").status == 504
    assert _asked(both) == before + 1


def test_with_an_idempotency_key_it_is(both: Stage) -> None:
    for server in both.places["A"].servers:
        server.be("lost")
    assert both.told("A", "POST", "/fhir/Observation", b"{}", Idempotency_Key="k")["server"].startswith("B")


def _dead(both: Stage) -> list[str]:
    servers = [server for place in both.places.values() for server in place.servers]
    return [one.name for one in servers if one.process is None or one.process.poll() is not None]


def test_a_write_with_an_idempotency_key_is_sent_again(both: Stage) -> None:
    def kill() -> None:
        both.places["A"].servers[0].kill()

    tally = both.load("A", kill, method="POST", body=b"{}", headers={"Idempotency-Key": "k"})
    assert tally.failed == 0, tally.statuses


def test_with_a_key_nobody_claims_that_nothing_was_done(both: Stage) -> None:
    """An earlier try of the same request may have done it."""
    servers = [server for place in both.places.values() for server in place.servers]
    for server in servers:
        server.be("stale")
    refused = both.ask("A", "POST", "/fhir/Observation", b"{}", Idempotency_Key="k")
    assert (refused.status, "altid-nothing-done" in refused.headers) == (503, False)
    for server in servers:
        server.kill()
    answer = both.ask("A", "POST", "/fhir/Observation", b"{}", Idempotency_Key="k")
    assert answer.status == 504
    assert "not known" in json.loads(answer.body)["issue"][0]["diagnostics"]


def test_a_large_body_is_sent_again_too(both: Stage) -> None:
    body = b"x" * 90_000
    both.places["A"].servers[0].be("stale")
    both.places["A"].servers[1].be("stale")
    assert eventually(lambda: both.ask("A", "POST", "/fhir", body).status == 200)
    assert both.told("A", "POST", "/fhir", body)["bytes"] == len(body)


def test_when_nobody_is_there_the_answer_says_that_nothing_was_done(both: Stage) -> None:
    for place in both.places.values():
        for server in place.servers:
            server.kill()
    answer = both.ask("A", "POST", "/fhir/Observation", b"{}")
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert "Nothing was stored" in json.loads(answer.body)["issue"][0]["diagnostics"]


# Loops.


def test_a_request_is_never_sent_back(both: Stage) -> None:
    """Nobody is live: each gateway would send to the other for ever if it could."""
    for place in both.places.values():
        for server in place.servers:
            server.be("stale")
    before = _asked(both)
    assert both.ask("A", "GET", "/fhir").status == 503
    tries_here, tries_there = 1 + _LIMITS.tries_more_max, 1 + _LIMITS.tries_more_max
    assert _asked(both) - before <= tries_here * tries_there


def test_the_entrance_for_gateways_is_shut_to_whoever_has_no_certificate(both: Stage) -> None:
    gateway = both.places["A"].gateway

    async def enter(tls: ssl.SSLContext) -> bytes:
        reader, writer = await asyncio.open_connection(
            gateway.host, gateway.port, ssl=tls, server_hostname=SERVICE_BETWEEN
        )
        try:
            writer.write(b"GET /fhir HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            return await reader.read()
        finally:
            writer.transport.abort()

    tls = ssl.create_default_context(cafile=gateway.credentials.authority)
    tls.check_hostname = False
    with pytest.raises(OSError, match=r"."):
        asyncio.run(enter(tls))
    tls.load_cert_chain(certificates.identity(Layout(both.folder).pki / "operator"))
    with pytest.raises(OSError, match=r"."):
        asyncio.run(enter(tls))
    tls.load_cert_chain(both.places["B"].gateway.credentials.identity)
    assert b"200 OK" in asyncio.run(enter(tls))


# Drains and changes.


def test_draining_a_server_drops_nothing_and_ends_when_its_requests_have(both: Stage) -> None:
    place = both.places["A"]

    def drain() -> None:
        place.change(with_duty(place.gateway, "A1", "draining"))
        assert eventually(lambda: _in_flight(both, 0) == 0)
        place.servers[0].kill()

    tally = both.load("A", drain, method="POST", body=b"{}")
    assert tally.failed == 0, tally.statuses


def _in_flight(both: Stage, number: int) -> int:
    hosts = {host.address: host for host in admin.hosts(both.places["A"].gateway.folder)}
    host = hosts[_address(both, number)]
    return host.in_flight if host.health == "draining" else 1


def test_a_drained_site_sends_its_requests_to_the_other(both: Stage) -> None:
    place = both.places["A"]
    spare = tuple(replace(one, duty="spare") for one in place.gateway.servers)
    tally = both.load("A", lambda: place.change(replace(place.gateway, servers=spare)))
    assert tally.failed == 0, tally.statuses
    assert both.told("A", "GET", "/fhir")["server"].startswith("B")


def test_a_drained_site_still_answers_when_the_other_is_gone(both: Stage) -> None:
    place = both.places["A"]
    spare = tuple(replace(one, duty="spare") for one in place.gateway.servers)
    place.change(replace(place.gateway, servers=spare))
    for server in both.places["B"].servers:
        server.kill()
    assert eventually(lambda: both.told("A", "GET", "/fhir")["server"].startswith("A"))
    assert eventually(lambda: both.told("B", "GET", "/fhir")["server"].startswith("A"))


def test_a_new_server_gets_requests_and_an_old_one_no_more_and_nothing_is_dropped(both: Stage) -> None:
    place = both.places["A"]
    all_of_them = place.gateway.servers

    def change() -> None:
        place.change(replace(place.gateway, servers=all_of_them[1:]))
        assert eventually(lambda: len(place.states()) == 1)
        place.change(replace(place.gateway, servers=all_of_them))
        assert eventually(lambda: list(place.states().values()) == ["healthy"] * 2)

    tally = both.load("A", change, method="POST", body=b"{}")
    assert tally.failed == 0, tally.statuses


def test_other_limits_are_taken_over_live_and_nothing_is_dropped(both: Stage) -> None:
    place = both.places["A"]
    before = place.gateway

    def change() -> None:
        place.change(replace(before, limits=replace(before.limits, answer_s=39.0, tries_more_max=2)))
        place.change(before)

    tally = both.load("A", change, method="POST", body=b"{}")
    assert tally.failed == 0, tally.statuses


def test_a_renewed_certificate_is_shown_and_nothing_is_dropped(both: Stage) -> None:
    place = both.places["A"]
    before = _shown_certificate(both)

    def renew() -> None:
        place.gateway.credentials.identity.unlink()  # so that it is due
        certificates.make(Layout(both.folder), builtin_region(), current())
        assert eventually(lambda: _shown_certificate(both) != before)

    tally = both.load("A", renew)
    assert tally.failed == 0, tally.statuses


def _shown_certificate(both: Stage) -> str:
    gateway = both.places["A"].gateway
    return ssl.get_server_certificate((gateway.host, gateway.port))


# Clients that misbehave.


def test_headers_that_are_too_large_are_refused(both: Stage) -> None:
    assert both.ask("A", "GET", "/fhir", X_Long="x" * 40_000).status == 431


def test_too_many_headers_are_refused(both: Stage) -> None:
    lines = b"".join(b"X-%d: 1\r\n" % number for number in range(200))
    answer = _raw(both, b"GET /fhir HTTP/1.1\r\nHost: a\r\n" + lines + b"Connection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 431")


def test_a_body_that_is_too_large_is_refused_and_no_server_sees_it(both: Stage) -> None:
    before = _asked(both)
    answer = both.ask("A", "POST", "/fhir", b"x" * 200_000)
    assert (answer.status, json.loads(answer.body)["resourceType"]) == (413, "OperationOutcome")
    assert _asked(both) == before


def test_what_is_not_http_is_refused(both: Stage) -> None:
    answer = _raw(both, b"GET /fhir HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400")


def test_whoever_dribbles_headers_is_hung_up_on(both: Stage) -> None:
    began = time.monotonic()
    assert _raw(both, b"GET /fhir HTTP/1.1\r\nHost: a\r\nX-Slow").startswith(b"HTTP/1.1 408")
    assert time.monotonic() - began < GatewayLimits().headers_s


def test_whoever_dribbles_a_body_is_hung_up_on_and_no_server_waits_for_it(both: Stage) -> None:
    before = _asked(both)
    answer = _raw(both, b"POST /fhir HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{")
    assert answer.startswith(b"HTTP/1.1 408")
    assert _asked(both) == before


def test_whoever_begins_no_handshake_is_hung_up_on(both: Stage) -> None:
    gateway = both.places["A"].gateway

    async def wait() -> bytes:
        reader, writer = await asyncio.open_connection(gateway.host, gateway.port)
        try:
            async with asyncio.timeout(20.0):
                return await reader.read()
        finally:
            writer.transport.abort()

    assert asyncio.run(wait()) == b""


def test_plain_http_is_not_answered(both: Stage) -> None:
    gateway = both.places["A"].gateway

    async def ask() -> None:
        from altid.region.http import Connection

        connection = Connection(gateway.host, gateway.port)
        try:
            await connection.ask("GET", "/fhir", s_max=20.0)
        finally:
            connection.close()

    with pytest.raises(HttpError):
        asyncio.run(ask())


def test_no_address_of_a_request_is_written_down(both: Stage) -> None:
    both.ask("A", "GET", "/fhir/Patient/very-private")
    both.ask("A", "GET", "/fhir/Patient/very-private%2f")
    for place in both.places.values():
        for file in Path(place.gateway.folder).iterdir():
            assert not file.is_file() or b"very-private" not in file.read_bytes()
