"""`altid up`, `down`, `switchover`: the two-site region on this machine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console

from altid.cli.app import Options
from altid.cli.links import tell_first_link
from altid.cli.status_picture import status_picture
from altid.gateway.startup import up as start_region
from altid.record.migrate import MigrationError
from altid.record.postgres import PostgresError
from altid.region.error import RegionError
from altid.region.layout import Layout, load_region
from altid.region.operating import first_link
from altid.region.shutdown import down as stop_region
from altid.region.status import Status
from altid.region.switchover import switchover as move_lead

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

    As long as there is no account, it prints a link that makes the first administrator.

    \b
    Examples:
      altid up
      altid up --data /srv/altid --region region.toml
    """
    silent = options.quiet or options.json
    tell: Callable[[str], None] = (lambda _line: None) if silent else click.echo
    where = layout_of(options)
    show(options, run(start_region(where, region_file, tell, in_netns=netns)))
    if not silent:
        tell_first_link(run(first_link_of(where)))


@click.command()
@click.pass_obj
def down(options: Options) -> None:
    """Stop the region, and leave nothing running. The record stays.

    \b
    Examples:
      altid down
      altid down --data /srv/altid
    """
    stopped = run(stop_region(layout_of(options)))
    if options.json:
        click.echo(json.dumps({"stopped": stopped}))
    elif not options.quiet:
        click.echo(f"Stopped: {', '.join(stopped)}" if stopped else "Nothing ran.")


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
    show(options, run(_moved(layout_of(options), to)))


async def _moved(where: Layout, to: str | None) -> Status:
    return await move_lead(where, load_region(where), to)


async def first_link_of(where: Layout) -> str | None:
    """Where the region's first administrator makes an account; None if there is one."""
    return await first_link(where, await asyncio.to_thread(load_region, where))


def layout_of(options: Options) -> Layout:
    """The paths of the region that the command is about."""
    return Layout(options.data.resolve())


def show(options: Options, picture: Status) -> None:
    """The picture as the options want it."""
    if options.json:
        click.echo(json.dumps(picture.as_json()))
    elif not options.quiet:
        print_picture(picture)


def print_picture(picture: Status) -> None:
    """For people: as wide as the terminal, in colours if it has any."""
    console = Console(highlight=False)
    console.print(status_picture(picture.as_json(), console.width))
    click.echo(f"Live picture: {picture.witness['status']}")


def run(work: Coroutine[Any, Any, _T]) -> _T:
    """Run it; what was expected to fail becomes one line and exit code 2."""
    try:
        return asyncio.run(work)
    except (RegionError, PostgresError, MigrationError) as error:
        raise click.UsageError(str(error)) from None
    except PermissionError as error:
        raise click.UsageError(f"{error.filename} belongs to another user: be that user or root.") from None
