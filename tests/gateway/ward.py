"""Servers that take orders into one record, each with a fault of choice, behind both sites' gateways."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any

from altid.gateway import admin, files
from altid.orders.receipt import order_id
from altid.record.postgres.account import current
from altid.region import certificates, envoy, layout
from altid.region.builtin import reserved_region
from altid.region.error import RegionError
from altid.region.layout import Layout
from altid.region.topology import Region, Site

_HUNG_S = 30.0


@dataclass
class Record:
    """Every version of every order, of both sites; a record that is `broken` takes none."""

    versions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    patients: set[str] = field(default_factory=set)
    keys: dict[str, tuple[str, int]] = field(default_factory=dict)
    tasks: list[str] = field(default_factory=list)
    """Ids of the requisitions that have one, as often as they have."""
    broken: bool = False

    def write(self, key: str, id_: str, resource: dict[str, Any]) -> int:
        if key in self.keys:
            return self.keys[key][1]
        held = self.versions.setdefault(id_, [])
        version = len(held) + 1
        held.append({**resource, "id": id_, "meta": {"versionId": str(version)}})
        self.keys[key] = id_, version
        if version == 1 and resource.get("resourceType") == "ServiceRequest":
            self.tasks.append(id_)
        return version


@dataclass
class OrderServer:
    """One server. Modes: `well`, `loses`, `refuses`, `slow`, `hangs` (at orders), `late` (its clock),
    `doubles` (knows no keys), `stale` (says that its site isn't live), `unready` (not ready),
    `tears` (forgets Tasks)."""

    host: str
    port: int
    record: Record
    mode: str = "well"
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            await self._talk(reader, writer)
        except (OSError, EOFError, asyncio.CancelledError):
            pass
        finally:
            self.tasks.discard(task)
            writer.transport.abort()

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, path, _ = head[0].split(" ", 2)
            pairs = (line.split(":", 1) for line in head[1:] if ":" in line)
            headers = {name.lower(): value.strip() for name, value in pairs}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            status, told = await self._answer(method, path, headers, body)
            text = json.dumps(told).encode()
            moment = formatdate(time.time() - (600 if self.mode == "late" else 0), usegmt=True)
            lines = [f"HTTP/1.1 {status} x", f"Date: {moment}", "Content-Type: application/json"]
            lines += ["Altid-Nothing-Done: true"] if status == 503 else []
            lines += [f"Altid-Receipt: {told['word']}"] if "word" in told else []
            lines += [f"Content-Length: {len(text)}", "", ""]
            writer.write("\r\n".join(lines).encode() + text)
            await writer.drain()

    async def _answer(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, Any]]:
        if path == "/health/ready":
            return (503, {"status": "no"}) if self.mode == "unready" else (200, {"status": "ready"})
        if path.startswith("/fhir/Patient/") and method == "PUT":
            self.record.patients.add(path.rpartition("/")[2])
            return 200, {}
        if path.startswith("/fhir/MedicationRequest/"):
            return self._read(path.removeprefix("/fhir/MedicationRequest/"))
        if path.startswith("/orders") and method == "POST":
            return await self._sign(path, headers, json.loads(body))
        return 404, {}

    def _read(self, path: str) -> tuple[int, dict[str, Any]]:
        id_, _, version = path.partition("/_history/")
        held = self.record.versions.get(id_, [])
        wanted = int(version) if version else len(held)
        return (200, held[wanted - 1]) if 0 < wanted <= len(held) else (404, {})

    async def _sign(self, path: str, headers: dict[str, str], content: dict[str, Any]) -> tuple[int, Any]:
        if self.mode == "hangs":
            await asyncio.sleep(_HUNG_S)
        if self.mode == "slow":
            await asyncio.sleep(1.7)
        if self.mode == "stale":
            return 503, {}
        if self.mode == "refuses" or self.record.broken:
            return 503, {"resourceType": "OperationOutcome", "word": "transient-error"}
        key = headers["idempotency-key"]
        id_ = path.split("/")[3] if path.endswith("/change") else order_id(key)
        held = self.record.versions.get(id_, [])
        if self.mode == "doubles":
            key = id_ = f"{key}-{len(self.record.keys)}" if id_ == order_id(key) else id_
        if self.mode == "loses":
            version = len(held) + 1
        else:
            version = self.record.write(key, id_, {**(held[-1] if held else {}), **content})
        if self.mode == "tears":
            self.record.tasks.clear()
        type_ = (
            path.split("/")[2]
            if path.endswith("/change")
            else content.get("resourceType", "MedicationRequest")
        )
        receipt = {"word": "ok", "order": f"{type_}/{id_}", "version": version}
        return 200, receipt | {"durability": "two-sites"}


@dataclass
class Ward:
    """Both sites' servers and gateways, without a database."""

    where: Layout
    region: Region
    record: Record
    servers: dict[str, list[OrderServer]]

    def site(self, name: str) -> Site:
        return self.region.site(name)

    def health(self, site: str) -> dict[str, str]:
        """The site's servers as its gateway sees them, by the names of their parts."""
        ports = {port: f"server-{number}" for number, port in enumerate(self.site(site).server_ports, 1)}
        hosts = admin.hosts(self.where.place(site).gateway)
        return {ports[int(host.address.rpartition(":")[2])]: host.health for host in hosts}

    def start_anew(self, site: str, server: str) -> None:
        """What its supervisor tells of a process that was just ended and started."""
        self._told(site, {server: {"state": "running", "pid": 1, "since": time.time() - 60}})

    def all_run(self, site: str) -> None:
        numbers = range(1, self.site(site).servers + 1)
        self.run(site, {f"server-{number}": os.getpid() for number in numbers})

    def run(self, site: str, processes: dict[str, int]) -> None:
        """What the supervisor tells of servers that have been running for a while."""
        since = time.time() - 60
        told = {name: {"state": "running", "pid": pid, "since": since} for name, pid in processes.items()}
        self._told(site, told)

    def seen(self, site: str) -> dict[str, str]:
        """As `health`; nothing while the gateway is starting."""
        try:
            return self.health(site)
        except RegionError:
            return {}

    def _told(self, site: str, parts: dict[str, Any]) -> None:
        path = self.where.place(site).parts
        known = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps(known | parts))


@asynccontextmanager
async def ward(folder: Path, servers: int = 3) -> AsyncIterator[Ward]:
    """Both sites, started and found well by their gateways."""
    where, record = Layout(folder), Record()
    async with AsyncExitStack() as stack:
        region = stack.enter_context(reserved_region(servers))
        layout.make(where, region, current())
        certificates.make(where, region, current())
        files.prepare(where, region, current())
        told = Ward(where, region, record, {})
        for site in region.sites:
            told.servers[site.name] = [OrderServer(site.host, port, record) for port in site.server_ports]
            for server in told.servers[site.name]:
                listening = await asyncio.start_server(server.serve, server.host, server.port)
                stack.push_async_callback(_closed, server, listening)
            stack.enter_context(layout.held(where.place(site.name).lock))
            told.all_run(site.name)
            start_envoy(stack, where, site)
        for site in region.sites:
            await eventually(lambda site=site: set(told.seen(site.name).values()) == {"healthy"})  # type: ignore[misc]
        yield told


async def _closed(server: OrderServer, listening: asyncio.Server) -> None:
    listening.close()
    await server.close()


def start_envoy(stack: AsyncExitStack, where: Layout, site: Site) -> None:
    """As long as the stack lasts."""
    folder = where.place(site.name).gateway
    with (folder / "envoy.log").open("ab") as log:
        command = envoy.command(envoy.find(), folder / "envoy.json", node=site.name)
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    stack.callback(process.wait, 10)
    stack.callback(process.kill)


async def eventually(holds: Any, s_max: float = 60.0) -> float:
    """Wait until it holds; for how long that was. Fails when it never does."""
    began = time.monotonic()
    while not await asyncio.to_thread(holds):
        assert time.monotonic() - began < s_max, "it never came to be so"
        await asyncio.sleep(0.05)
    return time.monotonic() - began
