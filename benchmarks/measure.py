"""One measurement: a load on a running Altid, and what it cost in processor time on each side."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from altid.fhir import json
from benchmarks import processes, workloads
from benchmarks.dataset import Dataset
from benchmarks.load import Outcome, Plan, Workload, run
from benchmarks.server import HOST, Server
from benchmarks.workloads import WORKLOADS, Source, Transaction

LOADING_CONNECTIONS = 4
"""Transactions under way while data is loaded."""

_LOADING_S_MAX = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor time for one request, in µs, of all processes of a part together."""

    server_us: float
    postgres_us: float
    load_us: float
    server_processes: int
    postgres_processes: int
    others_cores: float
    """Cores that something else kept busy meanwhile: above some 0.1 the figures are not to be trusted."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """A kind of work at a number of connections. `resources_per_second` is that of transactions only."""

    workload: str
    outcome: Outcome
    cost: Cost
    resources_per_second: float | None = None


def measure(
    server: Server, data: Dataset, workload: str, connections: int, seconds: float, warmup_seconds: float
) -> Measurement:
    """Run one of `WORKLOADS` for some seconds."""
    make = functools.partial(_make, workload, data, _where(server), connections)
    outcome, cost = _observe(server, Plan(make, HOST, server.port, connections, seconds, warmup_seconds))
    return Measurement(workload, outcome, cost)


def load(server: Server, data: Dataset, first: int = 0, patients_per_bundle: int = 2) -> Measurement:
    """Store the patients of `data` from number `first` on as fast as they are taken."""
    make = functools.partial(_make_loading, data, first, patients_per_bundle, _where(server))
    resources = data.resources // data.patients * (data.patients - first)
    return _load(server, make, "load", resources)


def import_bundles(server: Server, bundles: Iterable[dict[str, Any]]) -> Measurement:
    """Send the transaction bundles, made beforehand, as fast as they are taken."""
    made = [_transaction(bundle) for bundle in bundles]
    make = functools.partial(_make_import, made, _where(server))
    return _load(server, make, "import", sum(bundle.entries for bundle in made))


def _load(server: Server, make: Callable[[], Workload], name: str, resources: int) -> Measurement:
    outcome, cost = _observe(server, Plan(make, HOST, server.port, LOADING_CONNECTIONS, _LOADING_S_MAX, 0.0))
    if outcome.errors:
        raise RuntimeError(f"The {name} failed: {outcome.findings}")
    return Measurement(name, outcome, cost, round(resources / outcome.seconds, 1))


class _Where(NamedTuple):
    """Whom to ask, and what to prove oneself with."""

    host: str
    token: str


def _where(server: Server) -> _Where:
    return _Where(server.host_header, server.token(_LOADING_S_MAX))


def _make(workload: str, data: Dataset, where: _Where, seed: int) -> Workload:
    return WORKLOADS[workload](Source(data, where.host, random.Random(seed), token=where.token))


def _make_loading(data: Dataset, first: int, patients_per_bundle: int, where: _Where) -> Workload:
    bundles = map(_transaction, data.bundles(first, patients_per_bundle))
    return workloads.transactions(Source(data, where.host, random.Random(0), token=where.token), bundles)


def _transaction(bundle: dict[str, Any]) -> Transaction:
    return Transaction(json.dumps(bundle), len(bundle["entry"]))


def _make_import(bundles: list[Transaction], where: _Where) -> Workload:
    source = Source(Dataset(patients=0), where.host, random.Random(0), token=where.token)
    return workloads.transactions(source, iter(bundles))


def _observe(server: Server, plan: Plan) -> tuple[Outcome, Cost]:
    before = _used(server)
    outcome = run(plan)
    after = _used(server)
    own_s, postgres_s = after.own_s - before.own_s, after.postgres_s - before.postgres_s
    others_s = after.machine_s - before.machine_s - own_s - postgres_s - outcome.process_cpu_seconds
    sent = max(outcome.sent, 1)
    cost = Cost(
        server_us=round(own_s / sent * 1e6, 1),
        postgres_us=round(postgres_s / sent * 1e6, 1),
        load_us=round(outcome.cpu_seconds / sent * 1e6, 1),
        server_processes=len(server.own_processes()),
        postgres_processes=len(server.postgres_processes()),
        others_cores=round(max(others_s / (after.clock_s - before.clock_s), 0.0), 2),
    )
    return outcome, cost


class _Used(NamedTuple):
    """Processor time used so far, by part, and the time of day."""

    own_s: float
    postgres_s: float
    machine_s: float
    clock_s: float


def _used(server: Server) -> _Used:
    return _Used(
        processes.cpu_seconds(server.own_processes()),
        processes.cpu_seconds(server.postgres_processes()),
        processes.machine_cpu_seconds(),
        time.monotonic(),
    )
