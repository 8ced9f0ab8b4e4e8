"""`altid restore`: bring the record back as it was at a moment, into a new folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from altid.access.secret import AccessSecret, SecretError, read_secret_file
from altid.cli.app import Options
from altid.cli.region import run
from altid.record.backup.moment import MomentError, parse_moment, show
from altid.region.backup.folder import backup_folder
from altid.region.backup.newregion import Restored, restore_database, restore_region
from altid.region.error import RegionError
from altid.region.guarding import access_secret
from altid.region.layout import Layout, load_region, load_secrets

_LATEST = "latest"


@click.command()
@click.option(
    "--to",
    "to",
    required=True,
    metavar="TIME",
    help="The moment: latest, or ISO 8601 with a zone, or Danish time without one.",
)
@click.option(
    "--into",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The new data folder: one that isn't there or is empty.",
)
@click.option(
    "--from",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="FOLDER",
    help="The backup folder.  [default: that of the region in --data]",
)
@click.option(
    "--region",
    "region_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A region file for the new region.  [default: the one in the backup folder]",
)
@click.option(
    "--access-key",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="The access secret that the record had: access.key of a site.  [default: that of the region in "
    "--data; with --from a new one]",
)
@click.option("--only-database", is_flag=True, help="A folder for `altid serve` instead of a region.")
@click.pass_obj
def restore(
    options: Options,
    to: str,
    into: Path,
    folder: Path | None,
    region_file: Path | None,
    access_key: Path | None,
    only_database: bool,
) -> int:
    """Bring the record back as it was at a moment, as a new region beside the one that was backed up.

    The running region is never touched. The new one has an etcd, passwords and certificates of its own, and
    begins with one site; the other copies it at the start.

    With the access secret that the record had, who is logged on stays so, badges go on, and its whole audit
    can be verified. With a new one everybody logs on anew, badges are given anew, and the audit until then
    can be verified only by whoever keeps the old one.

    \b
    Examples:
      altid restore --to latest --into /srv/altid-restored
      altid restore --to 2026-03-01T14:30 --into /srv/altid-restored
      altid restore --to 2026-03-01T13:30:00Z --into here --from /backup/altid --only-database
    """
    try:
        moment = None if to == _LATEST else parse_moment(to)
    except MomentError as error:
        raise click.UsageError(str(error)) from None
    silent = options.quiet or options.json
    tell: Callable[[str], None] = (lambda _line: None) if silent else click.echo
    source = folder.resolve() if folder else run(_own_folder(options))
    access = _access(options, folder, access_key)
    if access is None:
        tell("The access secret is a new one: everybody logs on anew (see --access-key).")
    if only_database:
        done = run(restore_database(source, into.resolve(), moment, tell, access))
    else:
        done = run(restore_region(source, into.resolve(), moment, region_file, tell, access))
    _tell(options, done, f"altid {'serve' if only_database else 'up'} --data {done.into}")
    return 0


async def _own_folder(options: Options) -> Path:
    where = Layout(options.data.resolve())
    return backup_folder(where, load_region(where))


def _access(options: Options, folder: Path | None, access_key: Path | None) -> AccessSecret | None:
    """The access secret that the record had, if it is at hand."""
    try:
        if access_key is not None:
            return read_secret_file(access_key)
        where = Layout(options.data.resolve())
        return access_secret(load_secrets(where), where.secrets_file) if folder is None else None
    except SecretError as error:
        raise click.UsageError(str(error)) from None
    except RegionError:
        return None  # of an older Altid, which had none


def _tell(options: Options, done: Restored, start: str) -> None:
    newest = done.recovered.newest
    if options.json:
        told: dict[str, Any] = {
            "into": str(done.into),
            "backups": [one.name for one in done.choice.chain],
            "newest_change": newest and newest.isoformat(),
            "timeline": done.recovered.timeline,
            "unpack_s": done.recovered.unpack_s,
            "replay_s": done.recovered.replay_s,
            "start": start,
        }
        click.echo(json.dumps(told))
        return
    if options.quiet:
        return
    took = done.recovered.unpack_s + done.recovered.replay_s
    click.echo(f"The record is back in {done.into} after {took:.1f} s.")
    click.echo(f"Its newest change was made at {show(newest)}." if newest else "It holds no change.")
    if done.moved_backups:
        click.echo("Its own backups go to the witness' folder: the region file named the one just used.")
    click.echo(f"Start it with: {start}")
