"""What a gateway allows: every size, number and wait, with its unit and reason."""

from __future__ import annotations

from dataclasses import dataclass

from altid.api.settings import FhirSettings
from altid.record.database import Limits

_FHIR, _RECORD = FhirSettings(), Limits()


@dataclass(frozen=True, slots=True)
class GatewayLimits:
    """The limits of one site's gateway; the defaults follow from the servers' own."""

    connections_max: int = 10_000
    """Clients' connections, all together: each costs some 50 kB, so half a gigabyte at most."""

    heap_mb_max: int = 1_024
    """Envoy gives memory back from 90 % of this, and from 95 % takes no new requests rather than die."""

    in_flight_per_server_max: int = _FHIR.in_flight_max
    """What a server takes at once. One more is refused here rather than there."""

    body_bytes_max: int = _FHIR.body_bytes_max
    """As the servers': a larger one is refused before it has been sent on."""

    headers_kb_max: int = 32
    """A FHIR search in the address has some kilobytes; a session's token as many."""

    headers_count_max: int = 100

    streams_max: int = 128
    """Requests at once over one HTTP/2 connection: a page with its pictures needs tens."""

    handshake_s: float = 5.0
    """For TLS. A client across the region needs 0.1 s."""

    headers_s: float = 5.0
    """From a request's first byte to the end of its headers: who dribbles is an attack or a dead line."""

    request_s: float = _FHIR.body_s_max
    """The same for the whole request with its body."""

    stream_idle_s: float = 45.0
    """A request or an answer that doesn't move for so long. Longer than `answer_s`, which tells more."""

    idle_s: float = 60.0
    """A client's connection without requests."""

    server_idle_s: float = 30.0
    """A connection to a server without requests. Shorter than the servers' own (65 s), so that it is never
    the server that hangs up, just when a request is on its way."""

    between_idle_s: float = 30.0
    """The same between the two gateways; below `idle_s`, for the same reason."""

    connect_s: float = 0.25
    """A server on the same network takes a connection in a millisecond."""

    connect_between_s: float = 0.5
    """To the other site: some milliseconds and a TLS handshake."""

    read_s: float = _RECORD.acquire_s + _RECORD.read_statement_ms / 1_000
    """One try of a read. As long as a server itself may take: asked again earlier, the same search would run
    twice."""

    write_s: float = _RECORD.acquire_s + _RECORD.write_statement_ms / 1_000
    """One try of a write, likewise."""

    answer_s: float = 40.0
    """All tries together."""

    tries_more_max: int = 3
    """After the first: another own server, then the other site, then once more."""

    check_interval_s: float = 0.5
    check_jitter_s: float = 0.1
    """Added to the interval at random, so that checks don't march in step."""

    check_s: float = 0.5
    unhealthy_after: int = 2
    healthy_after: int = 1

    eject_after: int = 3
    """Failed connects in a row until a server gets no requests, without waiting for the next check."""

    eject_s: float = 1.0
    """And for how long at first; an answered health check ends it as well."""
