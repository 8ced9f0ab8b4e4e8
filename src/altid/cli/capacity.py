"""`altid capacity`: what one site alone carries, against the region's peak."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import Any

import click

from altid.cli.app import Options
from altid.cli.region import run
from altid.drills.capacity import CapacityOptions
from altid.drills.capacity import measure as measure_sites
from altid.region import capacity as kept
from altid.region.error import RegionError
from altid.region.layout import Layout, load_region, owner
from altid.region.topology import Region, Site

_USUAL = CapacityOptions()
_MS_MAX = 60_000.0


@click.command()
@click.option("--site", "site_name", metavar="SITE", help="Measure only this site.  [default: each in turn]")
@click.option("--alone", is_flag=True, help="Really take the other site down meanwhile, then bring it back.")
@click.option("--yes", is_flag=True, help="With --alone: don't ask.")
@click.option(
    "--read-ms",
    default=_USUAL.read_p99_ms_max,
    show_default=True,
    type=click.FloatRange(1, _MS_MAX),
    help="Reads count as carried while their 99th percentile is below this.",
)
@click.option(
    "--write-ms",
    default=_USUAL.write_p99_ms_max,
    show_default=True,
    type=click.FloatRange(1, _MS_MAX),
    help="The same for writes.",
)
@click.option(
    "--step", default=_USUAL.step_s, show_default=True, type=click.FloatRange(1, 600), help="Seconds a step."
)
@click.pass_obj
def capacity(
    options: Options,
    site_name: str | None,
    alone: bool,
    yes: bool,
    read_ms: float,
    write_ms: float,
    step: float,
) -> int:
    """Measure what one site alone carries, and compare it with [peak] of the region file.

    All load goes to that site's servers, more and more of it, until a limit is passed. It writes synthetic
    resources, marked as test data. It is real load: run it when nobody needs the region. The exit code is 0
    when each site carries the peak (safe), else 1.

    \b
    Examples:
      altid capacity
      altid capacity --alone --yes        one site at a time, as on the day when it matters
      altid capacity --site B --json
    """
    where = Layout(options.data.resolve())
    silent = options.quiet or options.json
    chosen = CapacityOptions(read_ms, write_ms, step, alone)
    region, sites = run(_chosen(where, site_name))
    if alone and not yes:
        _ask(region, sites, interactive=not silent)
    measurement = run(
        measure_sites(where, region, chosen, (lambda _line: None) if silent else click.echo, sites)
    )
    measurement["sites"] = kept.earlier(where) | measurement["sites"]
    verdict = kept.judge(region, measurement)
    run(_keep(where, measurement))
    if options.json:
        click.echo(json.dumps({**asdict(verdict), "file": str(where.capacity), **measurement}))
    elif not options.quiet:
        _show(region, measurement, verdict)
    return 0 if verdict.verdict == "safe" else 1


async def _chosen(where: Layout, name: str | None) -> tuple[Region, tuple[Site, ...]]:
    region = await asyncio.to_thread(load_region, where)
    if name is None:
        return region, region.sites
    try:
        return region, (region.site(name),)
    except KeyError:
        names = ", ".join(site.name for site in region.sites)
        raise RegionError(f"The region has no site {name[:32]!r}: {names}.") from None


def _ask(region: Region, sites: tuple[Site, ...], *, interactive: bool) -> None:
    downs = " and then ".join(region.other(site).name for site in sites)
    if not interactive:
        raise click.UsageError(f"--alone takes {downs} down: say --yes as well.")
    click.confirm(
        f"This takes {downs} of the region {region.name} down, and brings it back. Go on?", abort=True
    )


async def _keep(where: Layout, measurement: dict[str, Any]) -> None:
    try:
        await asyncio.to_thread(kept.write, where, measurement, owner(where))
    except OSError as error:
        raise RegionError(f"{where.capacity} cannot be written: {error.strerror}.") from None


def _show(region: Region, measurement: dict[str, Any], verdict: kept.Capacity) -> None:
    peak = region.peak
    click.echo(f"\n{'site':8}{'reads/s':>10}{'writes/s':>10}{'times peak':>12}   stopped by")
    click.echo(f"{'peak':8}{peak.reads_per_s:10g}{peak.writes_per_s:10g}{1:12g}")
    for name, told in measurement["sites"].items():
        margin = verdict.margins.get(name)
        times = "-" if margin is None else f"{margin:g}"
        how = "" if told["alone"] else " (the other site was up)"
        rates = f"{told['reads_per_s']:10g}{told['writes_per_s']:10g}"
        click.echo(f"{name:8}{rates}{times:>12}   {told['stopped_by']}{how}")
    click.echo(f"{verdict.verdict}: {verdict.reason}")
