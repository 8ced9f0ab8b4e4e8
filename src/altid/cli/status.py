"""`altid status`: the live picture of the region in the terminal."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress

import click
from rich.console import Console
from rich.live import Live

from altid.cli.app import Options
from altid.cli.region import layout_of, print_picture, run
from altid.cli.status_picture import status_picture
from altid.region.layout import Layout, load_region
from altid.region.status import Status, gather
from altid.region.topology import Region

_EVERY_S = 1.0
_EVENTS_WATCHED = 8


@click.command()
@click.option("--watch", is_flag=True, help="Go on until Ctrl-C; with --json an object a line.")
@click.pass_obj
def status(options: Options, watch: bool) -> None:
    """Who leads, how each site is, and how safe a write is now.

    Works while things are down: what can't be asked is shown as unknown. The same picture is in the browser
    at the address that `altid up` prints.

    \b
    Examples:
      altid status
      altid status --watch
      altid status --data /srv/altid --json
    """
    where = layout_of(options)
    if watch:
        with suppress(KeyboardInterrupt):  # that is how it ends
            run(_watch(options, where, load_region_of(where)))
        return
    picture = run(gather(where, load_region_of(where)))
    if options.json:
        click.echo(json.dumps(picture.as_json()))
    elif not options.quiet:
        print_picture(picture)


def load_region_of(where: Layout) -> Region:
    """The region of the data folder; a folder without one is an error of the command line."""

    async def load() -> Region:
        return load_region(where)

    return run(load())


async def _watch(options: Options, where: Layout, region: Region) -> None:
    console = Console(highlight=False)
    if options.json or not console.is_terminal:
        await _watch_lines(options, where, region, console)
        return
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            began_s = time.monotonic()
            picture = await gather(where, region)
            shown = status_picture(picture.as_json(), console.width, events=_EVENTS_WATCHED)
            live.update(shown, refresh=True)
            await asyncio.sleep(max(0.0, began_s + _EVERY_S - time.monotonic()))


async def _watch_lines(options: Options, where: Layout, region: Region, console: Console) -> None:
    """Into a pipe: an object a second, or a line whenever something has changed."""
    before = ""
    while True:
        picture: Status = await gather(where, region)
        if options.json:
            click.echo(json.dumps(picture.as_json()))
        elif picture.summary() != before:
            before = picture.summary()
            console.print(f"{picture.asked_at}  {before}", soft_wrap=True)
        await asyncio.sleep(_EVERY_S)
