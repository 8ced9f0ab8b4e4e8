"""`altid plan`: what a wish costs, before anybody pays for it."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from altid.cli.app import Options
from altid.region.distance import expected_commit

_KM_MAX = 20_000
"""Half of the way around the earth."""


@click.command()
@click.argument("what", type=click.Choice(["distance"]))
@click.option("--km", type=click.FloatRange(0, _KM_MAX), required=True, help="Fibre between the sites.")
@click.pass_obj
def plan(options: Options, what: str, km: float) -> None:
    """What a distance between the sites costs: the commit time to expect, from the measured model.

    \b
    Examples:
      altid plan distance --km 105
      altid plan distance --km 300 --json
    """
    expected = expected_commit(km)
    if options.json:
        click.echo(json.dumps({"what": what, "km": km, **asdict(expected)}))
    elif not options.quiet:
        click.echo(
            f"{km:g} km of fibre: round trip {expected.round_trip_ms:.1f} ms, "
            f"commit p50 {expected.p50_ms:.1f} ms, p99 {expected.p99_ms:.1f} ms"
        )
