"""`altid drill`: break something under load, and prove that nothing was lost."""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from altid.cli.app import Options
from altid.cli.region import run
from altid.drills import restore, series
from altid.drills.dark import run as dark
from altid.drills.evidence import make_folder
from altid.drills.orders.run import drill as run_orders
from altid.drills.orders.scenarios import ORDER_SCENARIOS
from altid.drills.run import DrillOptions
from altid.drills.run import drill as run_drill
from altid.drills.scenarios import SCENARIOS, missing
from altid.drills.screen import run as screen
from altid.drills.screen.doctor import missing as nobody_at_the_pc
from altid.gateway.startup import up
from altid.region import faults, layout, netns
from altid.region.builtin import builtin_netns_region, builtin_region
from altid.region.error import RegionError
from altid.region.layout import Layout, load_region
from altid.region.regionfile import render_region
from altid.region.shutdown import down

_SEED_BITS = 32
_ALL, _ORDERS, _RESTORE, _DARK, _SCREEN = "all", "orders", "restore", dark.NAME, screen.NAME
_ALONE = (_RESTORE, _DARK, _SCREEN)
"""Drills that are no scenario with clients under load."""
_GROUPS = (_ALL, _ORDERS)
_EVERY = SCENARIOS | ORDER_SCENARIOS
_REPEAT_MAX = 100
_APART_S_MAX = 3_600.0


_TOLD = (
    "acknowledged",
    "missing",
    "duplicated",
    "stale_reads",
    "two_leaders",
    "unfounded",
    "torn",
    "forked",
    "uncertain",
    "unlisted",
    "wrongly_listed",
    "patients_missing",
    "patients_wrong",
    "unknown",
)
"""Of each result, as far as the drill looks for it."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """What was asked for."""

    name: str
    seed: int | None
    clients: int
    repeat: int
    apart_s: float
    evidence: Path | None

    @property
    def names(self) -> list[str]:
        groups = {_ALL: [*_EVERY, *_ALONE], _ORDERS: [*ORDER_SCENARIOS]}
        return groups.get(self.name, [self.name])

    @property
    def is_group(self) -> bool:
        return self.name in _GROUPS

    @property
    def servers(self) -> int:
        """So many a site that every drill can be done."""
        return max(_EVERY[name].servers if name in _EVERY else 1 for name in self.names)


@click.command()
@click.argument("name", type=click.Choice([*_EVERY, *_ALONE, *_GROUPS]))
@click.option("--seed", type=int, help="Repeat the load of an earlier run.  [default: a new one each run]")
@click.option("--clients", default=8, show_default=True, type=click.IntRange(2, 200), help="Writers.")
@click.option(
    "--repeat",
    default=1,
    type=click.IntRange(1, _REPEAT_MAX),
    help="Do it so often; tells medians, least and most.",
)
@click.option(
    "--apart",
    default=0.0,
    type=click.FloatRange(0, _APART_S_MAX),
    metavar="SECONDS",
    help="Wait so long between runs: for a minute after a change of lead the guardian is more patient.",
)
@click.option(
    "--evidence",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the evidence goes.  [default: DATA/evidence, or ./evidence without --data]",
)
@click.pass_obj
def drill(
    options: Options,
    name: str,
    seed: int | None,
    clients: int,
    repeat: int,
    apart: float,
    evidence: Path | None,
) -> int:
    """Break something of a region under load, and judge by what the clients saw.

    With --data or ALTID_DATA on that region (started and stopped again if it doesn't run); without on a new
    one in a temporary folder. The exit code is 0 only when nothing was lost, doubled or seen to go back.

    \b
    Examples:
      altid drill site-loss
      altid drill site-loss --data /srv/altid --json
      altid drill zombie --seed 7
      altid drill site-silent --repeat 5 --apart 65
      altid drill two-of-ten --clients 20
      altid drill orders
      altid drill all
    """
    wish = _Wish(name, seed, clients, repeat, apart, evidence)
    results = run(_drills(options, wish))
    if wish.is_group:
        return _tell_all(options, results)
    if repeat > 1:
        return _tell_series(options, results)
    _tell(options, results[0])
    return 0 if results[0]["passed"] else 1


async def _drills(options: Options, wish: _Wish) -> list[dict[str, Any]]:
    """Every run that was asked for, one after the other, on one region."""
    results: list[dict[str, Any]] = []
    async with _place(options) as (where, evidence), _running(where, wish):
        for number, name in enumerate(wish.names * wish.repeat):
            await asyncio.sleep(wish.apart_s if number else 0.0)
            result = await _one_of(where, name, wish, wish.evidence or evidence)
            results.append(result)
            if len(wish.names) * wish.repeat > 1 and not (options.json or options.quiet):
                click.echo(series.table([result])[0])
    return results


async def _one_of(where: Layout, name: str, wish: _Wish, evidence: Path) -> dict[str, Any]:
    """One run. Of all drills, one that can't be done is left out, and one that breaks off has failed."""
    reason = _impossible(where, name)
    if wish.is_group and reason:
        return {"drill": name, "skipped": reason}
    if reason:
        raise RegionError(f"{name} can't be done here: {reason}")
    try:
        return await _one(where, name, wish, evidence)
    except RegionError as error:
        if not wish.is_group:
            raise
        return {"drill": name, "passed": False, "findings": [str(error)]}


async def _one(where: Layout, name: str, wish: _Wish, evidence: Path) -> dict[str, Any]:
    region = load_region(where)
    seed = secrets.randbits(_SEED_BITS) if wish.seed is None else wish.seed
    settings = DrillOptions(seed, wish.clients)
    folder = make_folder(evidence, name, seed)
    if name == _RESTORE:
        return await restore.drill(where, region, seed, wish.clients, settings.pause_s, folder)
    if name == _DARK:
        return await dark.drill(where, region, seed, folder)
    if name == _SCREEN:
        return await screen.drill(where, region, seed, folder)
    run_one = run_orders if name in ORDER_SCENARIOS else run_drill
    try:
        return await run_one(name, _EVERY[name], where, region, settings, folder)
    finally:
        await faults.heal(where, region)
        await faults.tidy(where, region)


def _impossible(where: Layout, name: str) -> str:
    """Why the drill can't be done on this region and machine; nothing if it can."""
    if name == _SCREEN:
        return nobody_at_the_pc()
    if name in _ALONE:
        return ""
    scenario = _EVERY[name]
    if scenario.needs_netns and netns.load(where.data) is None:
        return "it cuts lines, and the region was started without --netns"
    if fewer := [site.name for site in load_region(where).sites if site.servers < scenario.servers]:
        return f"it wants {scenario.servers} servers at each site, and {', '.join(fewer)} has fewer"
    return missing(scenario)


@asynccontextmanager
async def _place(options: Options) -> AsyncIterator[tuple[Layout, Path]]:
    """The region's folder, and where evidence goes: the one that was named, or one for the time being."""
    if options.names_data:
        where = Layout(await asyncio.to_thread(options.data.resolve))
        yield where, where.data / "evidence"
        return
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="altid-drill-"))
    # The databases' user must reach what is inside, which is its own.
    await asyncio.to_thread(folder.chmod, 0o755)
    try:
        yield Layout(folder / "data"), Path("evidence")
    finally:
        await asyncio.to_thread(shutil.rmtree, folder)


@asynccontextmanager
async def _running(where: Layout, wish: _Wish) -> AsyncIterator[None]:
    """The region runs; one that didn't is stopped again."""
    ran = where.marker.is_file() and any(
        layout.holder(where.place(place.name).lock) is not None for place in load_region(where).places
    )
    lines = any(name in _EVERY and _EVERY[name].needs_netns for name in wish.names)
    try:
        if not ran:
            in_netns = lines and (not wish.is_group or netns.possible())
            in_netns |= _SCREEN in wish.names and netns.possible()  # then it cuts lines as well
            with tempfile.TemporaryDirectory() as folder:
                region_file = _region_file(Path(folder), wish, in_netns=in_netns)
                is_new = not where.marker.is_file()
                await up(where, region_file if is_new else None, lambda _line: None, in_netns=in_netns)
        yield
    finally:
        if not ran and where.marker.is_file():
            await down(where)


def _region_file(folder: Path, wish: _Wish, *, in_netns: bool) -> Path:
    """Of a new region that is large enough for what is to be done."""
    servers = max(2, wish.servers)
    region = builtin_netns_region(netns.free_prefix(), servers) if in_netns else builtin_region(servers)
    path = folder / "region.toml"
    path.write_text(render_region(region))
    return path


def _tell_all(options: Options, results: list[dict[str, Any]]) -> int:
    if options.json:
        click.echo(json.dumps(results))
    elif not options.quiet:
        failed = [one["drill"] for one in results if not one.get("passed", True)]
        done = [one for one in results if "skipped" not in one]
        click.echo("")
        for line in series.table(results):
            click.echo(line)
        told = f"{len(done) - len(failed)} of {len(done)} passed"
        click.echo(f"{told}{', FAILED: ' + ', '.join(failed) if failed else ''}")
    return 0 if all(one.get("passed", True) for one in results) else 1


def _tell_series(options: Options, results: list[dict[str, Any]]) -> int:
    summary = series.summary(results)
    if options.json:
        click.echo(json.dumps(summary))
    elif not options.quiet:
        click.echo(f"{summary['drill']}: {len(results)} runs, {'passed' if summary['passed'] else 'FAILED'}")
        for name, spread in summary["figures"].items():
            if spread is not None:
                click.echo(f"  {name}: median {spread['median']}, {spread['min']} to {spread['max']}")
    return 0 if summary["passed"] else 1


def _tell(options: Options, result: dict[str, Any]) -> None:
    if options.json:
        click.echo(json.dumps(result))
        return
    if options.quiet:
        return
    verdict = "passed" if result["passed"] else "FAILED"
    click.echo(f"{result['drill']} {verdict} (seed {result['seed']}): {result['about']}")
    offences = ", ".join(f"{name.replace('_', ' ')} {result[name]}" for name in _TOLD if name in result)
    click.echo(f"  {offences}")
    rto = result["rto_s"]
    reads = "" if rto["read"] is None else f", longest gap of reads {rto['read']} s"
    click.echo(f"  back for writes after {rto['write']} s{reads}")
    for name, value in result.get("measured", {}).items():
        for row in value if isinstance(value, list) else [value]:
            click.echo(f"  {name}: {row}")
    for finding in result["findings"]:
        click.echo(f"  {finding}")
    click.echo(f"  evidence: {result['evidence']}")
