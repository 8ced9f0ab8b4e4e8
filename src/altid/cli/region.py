"""`altid up`, `down`, `status`, `switchover`, `fault`, `plan`: the two-site region on this machine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click

from altid.cli.app import Options
from altid.record.migrate import MigrationError
from altid.record.postgres import PostgresError
from altid.region import faults
from altid.region.distance import expected_commit
from altid.region.error import RegionError
from altid.region.layout import Layout, load_region
from altid.region.shutdown import down as stop_region
from altid.region.startup import up as start_region
from altid.region.status import Status, gather
from altid.region.switchover import switchover as move_lead

_FAULT_S_MAX = 3_600.0
"""A fault that heals itself does so while the command waits."""

_T = TypeVar("_T")


@click.command()
@click.option(
    "--region",
    "region_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The region file.  [default: the data folder's own, else a built-in region on loopback addresses]",
)
@click.option("--netns", is_flag=True, help="Each place in a network namespace of its own (needs root).")
@click.pass_obj
def up(options: Options, region_file: Path | None, netns: bool) -> None:
    """Start the region: two sites and a witness, or whatever of them doesn't run yet.

    \b
    Examples:
      altid up
      altid up --data /srv/altid --region region.toml
    """
    silent = options.quiet or options.json
    tell: Callable[[str], None] = (lambda _line: None) if silent else click.echo
    _show(options, run(start_region(_layout(options), region_file, tell, in_netns=netns)))


@click.command()
@click.pass_obj
def down(options: Options) -> None:
    """Stop the region, and leave nothing running. The record stays.

    \b
    Examples:
      altid down
      altid down --data /srv/altid
    """
    stopped = run(stop_region(_layout(options)))
    if options.json:
        click.echo(json.dumps({"stopped": stopped}))
    elif not options.quiet:
        click.echo(f"Stopped: {', '.join(stopped)}" if stopped else "Nothing ran.")


@click.command()
@click.pass_obj
def status(options: Options) -> None:
    """Who leads, how each site is, and how safe a write is now.

    \b
    Examples:
      altid status
      altid status --data /srv/altid --json
    """
    _show(options, run(_gathered(_layout(options))))


@click.command()
@click.option("--to", metavar="SITE", help="The site that shall lead.  [default: the one that doesn't]")
@click.pass_obj
def switchover(options: Options, to: str | None) -> None:
    """Move the lead to the other site without losing a write. Clients see a short pause.

    \b
    Examples:
      altid switchover
      altid switchover --to B
    """
    _show(options, run(_moved(_layout(options), to)))


@click.command()
@click.argument("action", type=click.Choice(["inject", "heal", "list"]))
@click.argument("name", required=False)
@click.option("--site", metavar="PLACE", help="Where; for example A, B or W.  [default: the leader's site]")
@click.option("--part", metavar="PART", help="Which part: postgres, patroni, etcd, guardian, server-1, ...")
@click.option(
    "--for",
    "seconds",
    type=click.FloatRange(0.1, _FAULT_S_MAX),
    metavar="SECONDS",
    help="Heal it after so long; the command waits.",
)
@click.pass_obj
def fault(
    options: Options, action: str, name: str | None, site: str | None, part: str | None, seconds: float | None
) -> None:
    """Break something of the running region for real, and mend it again.

    \b
    Examples:
      altid fault list
      altid fault inject site-kill --site A
      altid fault inject part-freeze --site B --part postgres --for 10
      altid fault heal
    """
    if action == "list":
        _list_faults(options)
        return
    if action == "heal":
        healed = run(_healed(_layout(options), name))
        _tell(options, [asdict(one) for one in healed], f"Healed: {len(healed)}")
        return
    if name is None:
        raise click.UsageError(f"Which fault? {', '.join(faults.FAULTS)}")
    injected = run(_injected(_layout(options), name, site, part, seconds))
    _tell(options, asdict(injected), f"{injected.name} at {injected.site} {injected.part or ''}".strip())


@click.command()
@click.argument("what", type=click.Choice(["distance"]))
@click.option("--km", type=click.FloatRange(0, 20_000), required=True, help="Fibre between the sites.")
@click.pass_obj
def plan(options: Options, what: str, km: float) -> None:
    """What a distance between the sites costs: the commit time to expect, from the measured model.

    \b
    Examples:
      altid plan distance --km 105
      altid plan distance --km 300 --json
    """
    expected = expected_commit(km)
    text = (
        f"{km:g} km of fibre: round trip {expected.round_trip_ms:.1f} ms, "
        f"commit p50 {expected.p50_ms:.1f} ms, p99 {expected.p99_ms:.1f} ms"
    )
    _tell(options, {"what": what, "km": km, **asdict(expected)}, text)


async def _gathered(where: Layout) -> Status:
    return await gather(where, load_region(where))


async def _moved(where: Layout, to: str | None) -> Status:
    return await move_lead(where, load_region(where), to)


async def _injected(
    where: Layout, name: str, site: str | None, part: str | None, seconds: float | None
) -> faults.Fault:
    region = load_region(where)
    if site is None:
        site = (await gather(where, region)).leader
    if site is None:
        raise RegionError("No site leads now: say which with --site.")
    injected = await faults.inject(where, region, name, site, part)
    if seconds is not None:
        await faults.heal_later(where, region, injected, seconds)
    return injected


async def _healed(where: Layout, name: str | None) -> list[faults.Fault]:
    return await faults.heal(where, load_region(where), name)


def _list_faults(options: Options) -> None:
    where = _layout(options)
    active = faults.active(where) if where.marker.is_file() else []
    if options.json:
        click.echo(json.dumps({"known": faults.FAULTS, "active": [asdict(one) for one in active]}))
        return
    for name, explanation in faults.FAULTS.items():
        click.echo(f"{name:12}  {explanation}")
    for one in active:
        click.echo(f"in force since {one.since}: {one.name} at {one.site} {one.part or ''}".rstrip())


def _layout(options: Options) -> Layout:
    return Layout(options.data.resolve())


def _tell(options: Options, value: Any, text: str) -> None:
    if options.json:
        click.echo(json.dumps(value))
    elif not options.quiet:
        click.echo(text)


def _show(options: Options, picture: Status) -> None:
    if options.json:
        click.echo(json.dumps(picture.as_json()))
        return
    if options.quiet:
        return
    click.echo(f"Region {picture.region}: durability {picture.durability}, leader {picture.leader or 'none'}")
    for site in picture.sites:
        lag = "" if site.lag_bytes is None else f", lag {site.lag_bytes} bytes, {site.lag_ms:g} ms"
        click.echo(f"  {site.name}  {site.host}  {site.state}, {site.role}{lag}  {' '.join(site.fhir)}")
    witness: dict[str, Any] = picture.witness
    click.echo(f"  {witness['name']}  {witness['host']}  {witness['state']}, witness")
    if picture.last_fault:
        last = picture.last_fault
        what = last.get("fault") or last.get("part") or ""
        click.echo(f"  last fault: {last['time']} {last['place']} {last['event']} {what}".rstrip())


def run(work: Coroutine[Any, Any, _T]) -> _T:
    """Run it; what was expected to fail becomes one line and exit code 2."""
    try:
        return asyncio.run(work)
    except (RegionError, PostgresError, MigrationError) as error:
        raise click.UsageError(str(error)) from None
