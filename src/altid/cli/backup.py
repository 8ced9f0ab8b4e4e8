"""`altid backup`: take a base backup now, list what there is, read all of it again."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from altid.cli.app import Options
from altid.cli.region import run
from altid.record.backup.catalogue import Backup, check_folder, good, read_backups
from altid.record.backup.check import check_backup, check_log
from altid.record.backup.choice import Span, spans
from altid.record.backup.moment import show
from altid.record.backup.state import read_state
from altid.record.backup.wal import read_archive
from altid.record.postgres import account as accounts
from altid.record.postgres.account import Account
from altid.region.backup.ask import ask
from altid.region.backup.folder import backup_folder
from altid.region.backup.picture import picture
from altid.region.layout import Layout, load_region


@click.command()
@click.argument("action", type=click.Choice(["now", "list", "verify"]))
@click.option("--full", is_flag=True, help="now: a full backup.  [default: an incremental one]")
@click.pass_obj
def backup(options: Options, action: str, full: bool) -> int:
    """The region's backups at the witness: take one now, list them, read all of them again.

    Base backups are taken on schedule and the log arrives by itself; `altid status` tells how far it is.
    `verify` reads every byte: the exit code is 0 only when all is as PostgreSQL sent it.

    \b
    Examples:
      altid backup now --full
      altid backup list --json
      altid backup verify
    """
    if action == "now":
        return run(_now(options, full=full))
    return run(_list(options) if action == "list" else _verify(options))


async def _now(options: Options, *, full: bool) -> int:
    folder, account = _folder(options)
    silent = options.quiet or options.json
    tell = (lambda _line: None) if silent else click.echo
    name = await ask(folder, "full" if full else "incremental", account, tell)
    taken = next(one for one in read_backups(folder) if one.name == name)
    if options.json:
        click.echo(json.dumps(taken.as_json()))
    elif not options.quiet:
        click.echo(f"{taken.name}: {taken.kind}, {_size(taken.bytes)}, from {taken.source}, verified")
    return 0


async def _list(options: Options) -> int:
    folder, _ = _folder(options)
    where = Layout(options.data.resolve())
    backups, archive = read_backups(folder), read_archive(folder)
    held = spans(backups, archive, read_state(folder).archived_until)
    if options.json:
        told = picture(where, load_region(where))
        told |= {"backups": [one.as_json() | {"good": one in good(backups)} for one in backups]}
        told |= {"held": [_held(one) for one in held]}
        click.echo(json.dumps(told))
        return 0
    _print_table(backups)
    click.echo(f"Log: {len(archive.complete)} segments in {folder}")
    for one in held:
        click.echo(f"Any moment from {one} can be brought back (altid restore).")
    return 0


async def _verify(options: Options) -> int:
    folder, account = _folder(options)
    found = []
    for one in read_backups(folder):
        checked = check_backup(folder, one, account)
        found.append(checked)
        if not options.json and not options.quiet:
            click.echo(f"{checked.name}: {checked.fault or 'as PostgreSQL sent it'}")
    log = check_log(folder)
    sound = bool(good(found)) and not log.damaged and log.whole and all(one.verified for one in found)
    if options.json:
        told = {"sound": sound, "backups": [one.as_json() for one in found], "log": asdict(log)}
        click.echo(json.dumps(told))
    elif not options.quiet:
        gaps = "no gap since the newest base backup" if log.whole else "A GAP since the newest base backup"
        damaged = f", damaged: {', '.join(log.damaged)}" if log.damaged else ""
        click.echo(f"log: {log.segments} segments read{damaged}; {gaps}")
    return 0 if sound else 1


def _folder(options: Options) -> tuple[Path, Account]:
    """The region's backup folder and whose it is. Raises `RegionError` or `PostgresError`."""
    where = Layout(options.data.resolve())
    folder = backup_folder(where, load_region(where))
    check_folder(folder)
    return folder, accounts.choose(folder)


def _print_table(backups: list[Backup]) -> None:
    table = Table("Backup", "Kind", "Finished", "Size", "From", "Checked", box=None, pad_edge=False)
    for one in backups:
        state = show(one.verified) if one.verified else f"DAMAGED: {one.fault}"
        table.add_row(one.name, one.kind, show(one.finished), _size(one.bytes), one.source, state)
    Console(width=140, highlight=False).print(table)


def _held(span: Span) -> dict[str, object]:
    return {"from": span.begin.isoformat(), "to": span.end.isoformat(), "proven": span.proven}


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1_000_000:.1f} MB"
