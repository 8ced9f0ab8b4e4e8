"""`altid rollout`, `drain`, `undrain`: servers exchanged and sites emptied while the record goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict

import click

from altid.cli.app import Options
from altid.cli.region import run
from altid.gateway.rollout import Rolled, drain_site, roll
from altid.region.layout import Layout, load_region


@click.command()
@click.option("--site", metavar="SITE", help="Only this site's.  [default: every site that runs here]")
@click.pass_obj
def rollout(options: Options, site: str | None) -> None:
    """Restart the servers one by one with nothing dropped: after an upgrade, for example.

    Each server is drained, restarted and put back once it is ready. It stops at the first that doesn't come
    back; requests are then answered by the others.

    \b
    Examples:
      altid rollout
      altid rollout --site A --json
    """
    silent = options.quiet or options.json
    tell: Callable[[str], None] = (lambda _line: None) if silent else click.echo
    rolled = run(_rolled(_layout(options), site, tell))
    if options.json:
        click.echo(json.dumps({"rolled": [asdict(one) for one in rolled]}))
    elif not options.quiet:
        click.echo(f"Restarted: {len(rolled)} servers, one at a time")


@click.command()
@click.argument("site")
@click.pass_obj
def drain(options: Options, site: str) -> None:
    """Let the other site answer this one's requests, for work on it. It stays a spare.

    \b
    Examples:
      altid drain A
      altid undrain A
    """
    _drain(options, site, drained=True)


@click.command()
@click.argument("site")
@click.pass_obj
def undrain(options: Options, site: str) -> None:
    """Let a drained site answer its requests itself again.

    \b
    Examples:
      altid undrain A
    """
    _drain(options, site, drained=False)


def _drain(options: Options, site: str, *, drained: bool) -> None:
    run(_drained(_layout(options), site, drained))
    if options.json:
        click.echo(json.dumps({"site": site, "drained": drained}))
    elif not options.quiet:
        click.echo(
            f"{site} is drained: the other site answers its requests."
            if drained
            else f"{site} answers its requests itself again."
        )


async def _rolled(where: Layout, site: str | None, tell: Callable[[str], None]) -> list[Rolled]:
    return await roll(where, load_region(where), site, tell)


async def _drained(where: Layout, site: str, drained: bool) -> None:
    await drain_site(where, load_region(where), site, drained=drained)


def _layout(options: Options) -> Layout:
    return Layout(options.data.resolve())
