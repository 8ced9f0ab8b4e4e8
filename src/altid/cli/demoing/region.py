"""The demo as a region: two sites and a witness, loaded with patients; with `--exit` the proof."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from altid.cli.demoing.filling import first_seen, keep_seen, load, make_patients
from altid.cli.demoing.looking import look
from altid.cli.demoing.narrator import DemoError, Narrator
from altid.cli.demoing.proof import Proof, prove
from altid.cli.demoing.stopping import until_stopped
from altid.cli.demoing.users import Cast, make_users, print_users
from altid.gateway.startup import up
from altid.region import layout
from altid.region.builtin import reserved_region
from altid.region.error import RegionError
from altid.region.layout import Layout, load_region
from altid.region.leftovers import end_all
from altid.region.operating import operator_of, tokens_of
from altid.region.regionfile import render_region
from altid.region.shutdown import down
from altid.region.status import SiteStatus, Status


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for."""

    chosen_data: Path | None
    patients: int
    files: tuple[Path, ...]
    clients: int
    evidence: Path


async def show_region(wish: Wish, narrator: Narrator) -> None:
    """Start, load, look, and wait for Ctrl-C."""
    async with _running(wish, narrator) as (where, status):
        people = await _people(where)
        patients = {site.name: await _look(where, site, people, wish, narrator) for site in status.sites}
        _print_addresses(where, status, patients, people, narrator)
        await until_stopped()


async def prove_region(wish: Wish, narrator: Narrator) -> Proof:
    """Start, load, look, lose the leader's site under load, and see whether anything was lost."""
    async with _running(wish, narrator) as (where, status):
        people = await _people(where)
        for site in status.sites:
            await _look(where, site, people, wish, narrator)
        with tempfile.TemporaryDirectory(prefix="altid-export-") as folder:
            return await prove(where, load_region(where), wish.clients, wish.evidence, Path(folder), narrator)


async def _people(where: Layout) -> Cast:
    async with operator_of(where, load_region(where)) as operator:
        return await make_users(operator)


async def _look(where: Layout, site: SiteStatus, people: Cast, wish: Wish, narrator: Narrator) -> str:
    tokens = tokens_of(where, load_region(where), "demo")
    return await look(site.web, wish.patients, tokens, people.doctor_token, narrator, f"{site.name}: ")


@asynccontextmanager
async def _running(wish: Wish, narrator: Narrator) -> AsyncIterator[tuple[Layout, Status]]:
    """The region, started and loaded; stopped again at the end, unless it ran before."""
    async with _folder(wish.chosen_data) as where:
        ran = _runs(where)
        try:
            status = await _started_and_loaded(where, wish, narrator)
            yield where, status
        finally:
            if not ran:
                narrator.tell("Stopping the region", "…")
                await _stop(where)
                narrator.tell("nothing is left running", "✓")


@asynccontextmanager
async def _folder(chosen: Path | None) -> AsyncIterator[Layout]:
    """The data folder: the chosen one, or a new one that is removed at the end."""
    if chosen is not None:
        yield Layout(await asyncio.to_thread(chosen.resolve))
        return
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="altid-demo-"))
    try:
        # The databases' user must reach what is inside, which is its own.
        await asyncio.to_thread(folder.chmod, 0o755)
        yield Layout(folder / "data")
    finally:
        await asyncio.to_thread(shutil.rmtree, folder)


def _runs(where: Layout) -> bool:
    return where.marker.is_file() and any(
        layout.holder(where.place(place.name).lock) is not None for place in load_region(where).places
    )


async def _started_and_loaded(where: Layout, wish: Wish, narrator: Narrator) -> Status:
    with tempfile.TemporaryDirectory(prefix="altid-sample-") as folder:
        # Made while the databases start: that takes a second or two of one core.
        seen = await asyncio.to_thread(first_seen, where.data)
        making = asyncio.create_task(make_patients(wish.patients, Path(folder), seen))
        try:
            status = await _started(where, narrator)
            await making
            leader = next(site for site in status.sites if site.name == status.leader)
            narrator.tell(f"Loading {wish.patients} synthetic Danish patients at {leader.name}", "…")
            await load(where.data, leader.fhir[0], [Path(folder), *wish.files], quiet=narrator.silent)
            await asyncio.to_thread(keep_seen, where.data, seen)
        finally:
            making.cancel()
            await asyncio.gather(making, return_exceptions=True)
    return status


async def _started(where: Layout, narrator: Narrator) -> Status:
    narrator.tell("Starting two sites and a witness", "…")
    if where.marker.is_file():
        status = await up(where, None, narrator.tell)
    else:
        with reserved_region() as region, tempfile.TemporaryDirectory(prefix="altid-region-") as folder:
            file = Path(folder) / "region.toml"
            file.write_text(render_region(region))
            status = await up(where, file, narrator.tell)
    narrator.tell("two sites: every acknowledged write is stored at both", "✓")
    return status


async def _stop(where: Layout) -> None:
    """Stop it, in good order if that can be, by force if not. Raises `DemoError` if something lives on."""
    if where.marker.is_file():
        with suppress(RegionError):
            await down(where)
    left = await end_all(where.data)
    if left:
        raise DemoError(f"{left} processes of {where.data} do not end, even by force")


def _print_addresses(
    where: Layout, status: Status, patients: dict[str, str], people: Cast, narrator: Narrator
) -> None:
    narrator.print()
    for site in status.sites:
        role = "leads" if site.name == status.leader else "follows"
        narrator.print(f"  Patients at {site.name} ({role})  {site.web}/")
        narrator.print(f"    one of them            {site.web}/patient/{patients[site.name]}")
        if site.lookup:
            narrator.print(f"    the lookup record      {site.lookup}/   (also when nothing else answers)")
    narrator.print(f"  Live picture              {status.witness['status']}")
    narrator.print()
    print_users(people, narrator)
    narrator.print("\n  In another terminal:")
    for command in ("status --watch", "token --user doctor", "fault inject site-kill", "fault heal"):
        narrator.print(f"    altid {command} --data {where.data}")
    narrator.print("\nCtrl-C stops it.")
