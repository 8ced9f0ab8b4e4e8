"""The parts of a place: which processes it has, how each is started, and what each waits for."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from altid.record.postgres.settings import PostgresSettings
from altid.record.postgres.settings import configuration as postgres_configuration
from altid.region import envoy, etcd, gates, kept, lookup, patroni, tunnel
from altid.region.addresses import app_dsn
from altid.region.guarding import guard_of
from altid.region.layout import Layout, Secrets, may_join
from altid.region.programs import Programs
from altid.region.topology import Place, Region, Site, Witness

_CONNECTIONS_PER_SITE = 32
"""Shared by the site's servers, half for reads: both sites' writes meet at one PostgreSQL of 100."""

_GATEWAY_THREADS = 2
"""One thread of Envoy passes on more than a site's servers answer; two go on when one is busy with TLS."""

Gate = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Part:
    """One process of a place."""

    name: str
    folder: Path
    command: tuple[str, ...]
    gate: Gate
    """Answers whether it may start now."""

    stdin: str = ""
    stop_s_max: float = 10.0


def parts_of(
    region: Region, place: Place, layout: Layout, secrets: Secrets, programs: Programs
) -> list[Part]:
    """The parts in the order in which they start; they stop in the opposite one."""
    folders = layout.place(place.name)
    joins = may_join(folders, datetime.now(UTC))
    own_etcd = etcd.command(region, place, str(folders.etcd), folders.pki, programs, joins=joins)
    parts = [_lookup(place, layout, programs)] if isinstance(place, Site) else []
    parts.append(Part("etcd", folders.etcd, tuple(own_etcd), gates.at_once))
    if tunnel.is_needed(place):
        parts.append(_tunnel(place, layout))
    if isinstance(place, Site):
        parts.append(_patroni(place, layout, programs))
    parts.append(_guardian(place, layout, programs))
    if isinstance(place, Witness):
        parts.append(_archive(place, layout, programs))
    if isinstance(place, Site):
        parts += [_server(region, place, layout, secrets, programs, port) for port in place.server_ports]
        parts.append(_reconciler(region, place, layout, secrets, programs))
        parts += _gateway(place, layout, programs)
    else:
        parts.append(_status_page(place, layout, programs))
    return parts


def write_configuration(
    region: Region,
    place: Place,
    layout: Layout,
    secrets: Secrets,
    programs: Programs,
    write: Callable[[Path, str], None],
) -> None:
    """Write what Patroni and the tunnel read. `write` makes a file that only the service user may read."""
    folders = layout.place(place.name)
    if tunnel.is_needed(place):
        told, known = tunnel.configuration(region, place, folders.tunnel, folders.pki)
        write(tunnel.secrets_file(folders.tunnel), known)
        write(tunnel.configuration_file(folders.tunnel), told)
    if isinstance(place, Site):
        _write_patroni(region, place, layout, secrets, programs, write)


def _write_patroni(
    region: Region,
    site: Site,
    layout: Layout,
    secrets: Secrets,
    programs: Programs,
    write: Callable[[Path, str], None],
) -> None:
    folders = layout.place(site.name)
    base = folders.patroni / "record.conf"
    settings = PostgresSettings(buffers_bytes=region.limits.buffers_mb * 1024 * 1024, wal_bytes_max=1024**3)
    write(base, postgres_configuration(settings, folders.root, site.postgres))
    bootstraps = not layout.restored.exists()  # one that was restored has its database, and makes no other
    text = patroni.configuration(
        region, site, folders, secrets, programs.postgres_bin, base, bootstraps=bootstraps
    )
    write(folders.patroni / "patroni.yml", text)
    rewind = kept.script(layout, site.name, programs.python, programs.postgres_bin)
    write(patroni.rewind_program(folders), rewind)


def _patroni(site: Site, layout: Layout, programs: Programs) -> Part:
    folders = layout.place(site.name)
    return Part(
        "patroni",
        folders.patroni,
        (str(programs.python), "-m", "patroni", str(folders.patroni / "patroni.yml")),
        gates.etcd_healthy(site, folders.pki),
        stop_s_max=30.0,
    )


def _tunnel(place: Place, layout: Layout) -> Part:
    folder = layout.place(place.name).tunnel
    command = envoy.command(envoy.find(), tunnel.configuration_file(folder), node=f"{place.name}-tunnel")
    return Part("tunnel", folder, command, gates.at_once)


def _lookup(site: Site, layout: Layout, programs: Programs) -> Part:
    """First to come and last to go: it needs none of the others."""
    command = lookup.command(layout, site, programs)
    return Part("lookup", layout.place(site.name).root, command, gates.at_once)


def _status_page(witness: Witness, layout: Layout, programs: Programs) -> Part:
    command = (str(programs.python), "-m", "altid.region.page", str(layout.data))
    return Part("status", layout.place(witness.name).root, command, gates.at_once, stop_s_max=5.0)


def _guardian(place: Place, layout: Layout, programs: Programs) -> Part:
    command = (str(programs.python), "-m", "altid.region.guardian", str(layout.data), place.name)
    return Part("guardian", layout.place(place.name).root, command, gates.at_once)


def _archive(witness: Witness, layout: Layout, programs: Programs) -> Part:
    module, bin_folder = "altid.region.backup.service", str(programs.postgres_bin)
    command = (str(programs.python), "-m", module, str(layout.data), witness.name, bin_folder)
    return Part("archive", layout.place(witness.name).root, command, gates.at_once, stop_s_max=40.0)


def _server(
    region: Region, site: Site, layout: Layout, secrets: Secrets, programs: Programs, port: int
) -> Part:
    read_dsn, write_dsn = app_dsn(secrets, [site]), app_dsn(secrets, [site, region.other(site)], primary=True)
    each = max(2, _CONNECTIONS_PER_SITE // 2 // site.servers)
    limits = {"read_connections": each, "write_connections": each, "connect_s": 1.0}
    guard = asdict(guard_of(region, site, layout))
    app = {"read_dsn": read_dsn, "write_dsn": write_dsn, "guard": guard, "limits": limits, "fhir": {}}
    app["sites"] = [one.name for one in region.sites]
    live = str(layout.place(site.name).live)
    settings = {"host": site.host, "port": port, "app": app, "live_file": live, "gateway_host": site.host}
    return Part(
        f"server-{port - site.server + 1}",
        layout.place(site.name).root,
        (str(programs.python), "-m", "altid.server.worker"),
        gates.record_ready(region, site, layout.place(site.name).pki, read_dsn),
        stdin=json.dumps(settings) + "\n",
        stop_s_max=15.0,
    )


def _reconciler(region: Region, site: Site, layout: Layout, secrets: Secrets, programs: Programs) -> Part:
    folders = layout.place(site.name)
    command = (str(programs.python), "-m", "altid.region.reconciling", str(layout.data), site.name)
    gate = gates.record_ready(region, site, folders.pki, app_dsn(secrets, [site]))
    return Part("reconciler", folders.root, command, gate, stop_s_max=5.0)


def _gateway(site: Site, layout: Layout, programs: Programs) -> list[Part]:
    """The site's Envoy, where `altid.gateway` has written what it shall be, and the canary beside it."""
    folder = layout.place(site.name).gateway
    configuration = folder / "envoy.json"
    if not configuration.is_file():
        return []
    command = envoy.command(envoy.find(), configuration, node=site.name, threads=_GATEWAY_THREADS)
    canary = (str(programs.python), "-m", "altid.gateway.canary", str(layout.data), site.name)
    return [
        Part("gateway", folder, command, gates.at_once),
        Part("canary", folder, canary, gates.at_once, stop_s_max=5.0),
    ]


def dump_states(states: dict[str, dict[str, object]]) -> str:
    """The text of a place's parts.json."""
    return json.dumps(states, indent=1) + "\n"
