"""`altid fault`: break something of a running region for real, and mend it."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from altid.cli.app import Options
from altid.cli.region import run
from altid.region import faults
from altid.region.error import RegionError
from altid.region.faults import Degree, Fault
from altid.region.layout import Layout, load_region
from altid.region.status import gather

_FAULT_S_MAX = 3_600.0
"""A fault that heals itself does so while the command waits."""

_MS_MAX = 2_000.0
"""Four times around the earth: past it every time-out strikes, and a cut line shows the same."""


@click.command()
@click.argument("action", type=click.Choice(["inject", "heal", "list"]))
@click.argument("name", required=False)
@click.option("--site", metavar="PLACE", help="Where; for example A, B or W.  [default: the leader's site]")
@click.option("--part", metavar="PART", help="Which part: postgres, patroni, etcd, guardian, server-1, ...")
@click.option("--ms", type=click.FloatRange(0, _MS_MAX), default=0.0, help="slow-line: added round trip.")
@click.option("--jitter-ms", type=click.FloatRange(0, _MS_MAX), default=0.0, help="More or less, each way.")
@click.option("--loss", type=click.FloatRange(0, 1), default=0.0, help="lossy-line: share of packets lost.")
@click.option("--seed", type=int, default=0, help="lossy-line: the same seed loses the same packets.")
@click.option("--seconds", type=float, default=3600.0, help="clock-jump: by how much.  [default: 3600]")
@click.option(
    "--for",
    "healed_after_s",
    type=click.FloatRange(0.1, _FAULT_S_MAX),
    metavar="SECONDS",
    help="Heal it after so long; the command waits.",
)
@click.pass_obj
def fault(
    options: Options,
    action: str,
    name: str | None,
    site: str | None,
    part: str | None,
    ms: float,
    jitter_ms: float,
    loss: float,
    seed: int,
    seconds: float,
    healed_after_s: float | None,
) -> None:
    """Break something of the running region for real, and mend it again.

    \b
    Examples:
      altid fault list
      altid fault inject site-kill --site A
      altid fault inject part-freeze --site B --part postgres --for 10
      altid fault inject slow-line --site A,B --ms 5
      altid fault heal
    """
    where = Layout(options.data.resolve())
    if action == "list":
        _list(options, where)
        return
    if action == "heal":
        healed = run(_heal(where, name))
        _tell(options, [asdict(one) for one in healed], f"Healed: {len(healed)}")
        return
    if name is None:
        raise click.UsageError(f"Which fault? {', '.join(faults.FAULTS)}")
    degree = Degree(ms=ms, jitter_ms=jitter_ms, loss=loss, seed=seed, seconds=seconds)
    injected = run(_inject(where, name, site, part, degree, healed_after_s))
    _tell(options, asdict(injected), f"{injected.name} at {injected.site} {injected.part or ''}".strip())


async def _inject(
    where: Layout,
    name: str,
    site: str | None,
    part: str | None,
    degree: Degree,
    healed_after_s: float | None,
) -> Fault:
    region = load_region(where)
    if site is None:
        site = (await gather(where, region)).leader
    if site is None:
        raise RegionError("No site leads now: say which with --site.")
    injected = await faults.inject(where, region, name, site, part, degree)
    if healed_after_s is not None:
        await faults.heal_later(where, region, injected, healed_after_s)
    return injected


async def _heal(where: Layout, name: str | None) -> list[Fault]:
    region = load_region(where)
    healed = await faults.heal(where, region, name)
    await faults.tidy(where, region)
    return healed


def _list(options: Options, where: Layout) -> None:
    active = faults.active(where) if where.marker.is_file() else []
    if options.json:
        click.echo(json.dumps({"known": faults.FAULTS, "active": [asdict(one) for one in active]}))
        return
    for name, explanation in faults.FAULTS.items():
        click.echo(f"{name:12}  {explanation}")
    for one in active:
        click.echo(f"in force since {one.since}: {one.name} at {one.site} {one.part or ''}".rstrip())


def _tell(options: Options, value: object, text: str) -> None:
    if options.json:
        click.echo(json.dumps(value))
    elif not options.quiet:
        click.echo(text)
