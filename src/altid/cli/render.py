"""`altid render` and `altid init`: the same region on hosts of its own."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from pathlib import Path, PurePosixPath

import click

from altid.cli.app import Options
from altid.cli.links import tell_first_link
from altid.cli.region import first_link_of, run, show
from altid.gateway.configuration import configuration
from altid.gateway.files import planned
from altid.region import render as rendering
from altid.region import replace as replacing
from altid.region.layout import Layout, load_region
from altid.region.regionfile import read_region
from altid.region.startup import whole
from altid.region.status import Status
from altid.region.topology import Site

_USUAL = rendering.Target()


@click.command()
@click.option(
    "--region",
    "region_file",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The region file.",
)
@click.option("--host", "address", required=True, metavar="ADDRESS", help="A host of the region file.")
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Where the files go."
)
@click.option(
    "--keys",
    type=click.Path(file_okay=False, path_type=Path),
    default="keys",
    show_default=True,
    help="The operator's folder: passwords, authority, identities. Made once, kept for good.",
)
@click.option(
    "--python",
    type=click.Path(path_type=Path),
    default=str(_USUAL.python),
    show_default=True,
    help="The Python that Altid is installed for on that host.",
)
@click.option("--user", default=_USUAL.user, show_default=True, help="The system user on that host.")
@click.pass_obj
def render(
    options: Options, region_file: Path, address: str, out: Path, keys: Path, python: Path, user: str
) -> None:
    """Write everything that one host needs to run its part of the region without `altid up`.

    --data is the data folder on that host (/var/lib/altid, if it isn't given). The folder holds what that
    host needs and no other host's keys; its README.md has the commands.

    \b
    Examples:
      altid render --region region.toml --host 10.20.1.10 --out hosts/A
      altid render --region region.toml --host 10.20.3.10 --out hosts/W --keys ~/nord-keys
    """
    data = options.chosen_data.absolute() if options.chosen_data else _USUAL.data
    target = rendering.Target(data, python.absolute(), user)
    place, count = run(_rendered(region_file, address, target, Layout(keys.resolve()), out))
    if options.json:
        click.echo(json.dumps({"place": place, "host": address, "out": str(out), "files": count}))
    elif not options.quiet:
        click.echo(f"{place} at {address}: {count} files in {out}. Begin with {out / 'README.md'}")


async def _rendered(
    region_file: Path, address: str, target: rendering.Target, keys: Layout, out: Path
) -> tuple[str, int]:
    def work() -> tuple[str, int]:
        host = rendering.choose(read_region(region_file), address, target)
        rendering.check_out(out, host)
        rendering.operators_folder(keys, host.region)
        files = rendering.rendered(host, keys) | _gateway(host)
        rendering.write(out, host, files)
        return host.place.name, len(files)

    return await asyncio.to_thread(work)


def _gateway(host: rendering.Host) -> dict[PurePosixPath, str]:
    """What the site's Envoy reads."""
    if not isinstance(host.place, Site):
        return {}
    gateway = planned(Layout(host.target.data), host.region, host.place)
    folder = PurePosixPath("data", host.place.name, "gateway")
    return {folder / name: json.dumps(text, indent=1) + "\n" for name, text in configuration(gateway).items()}


@click.command()
@click.pass_obj
def init(options: Options) -> None:
    """Complete the schema of a region on hosts of its own: after its first start, and after an upgrade.

    Waits for a leader, does what is missing of the schema, roles and passwords, and waits until both sites
    are live. Doing it again does no harm. (`altid up` does it by itself.) As long as there is no account, it
    prints a link that makes the first administrator.

    \b
    Examples:
      altid init --data keys
    """
    silent = options.quiet or options.json
    where = Layout(options.data.resolve())
    show(options, run(_completed(where, silent=silent)))
    if not silent:
        tell_first_link(run(first_link_of(where)))


@click.command()
@click.argument("name", metavar="PLACE")
@click.pass_obj
def replace(options: Options, name: str) -> None:
    """Let a new host take the place of one that is lost for good, with the same name and address.

    The lost one must be down, and stay so: its etcd is removed from the region. Afterwards render that host
    again and install it within four hours; it copies the record from the other site by itself.

    \b
    Examples:
      altid replace A --data keys
      altid replace W --data keys
    """
    where = Layout(options.data.resolve())
    until = run(_replaced(where, name))
    if options.json:
        click.echo(json.dumps({"place": name, "until": until.isoformat(timespec="seconds")}))
    elif not options.quiet:
        click.echo(f"{name} may join until {until:%H:%M UTC}: render its host again, and install it.")


async def _replaced(where: Layout, name: str) -> datetime:
    region = await asyncio.to_thread(load_region, where)
    return await replacing.replace(where, region, name)


async def _completed(where: Layout, *, silent: bool) -> Status:
    region = await asyncio.to_thread(load_region, where)
    return await whole(where, region, (lambda _line: None) if silent else click.echo)
