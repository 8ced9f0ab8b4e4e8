"""`altid opslag sources`: the systems of others that a lookup record follows, and what they sent that nobody
could understand."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from altid.cli.app import Options, Subcommands
from altid.cli.opslag_entry import opened_copy
from altid.cli.opslag_place import key_file_option, key_of, settings_of
from altid.lookup.beside import status
from altid.lookup.copy import Copy


@click.group(cls=Subcommands)
def sources() -> None:
    """Systems of others that this place follows: a FHIR server, senders of HL7 v2."""


@sources.command("list")
@key_file_option
@click.pass_obj
def list_(options: Options, key_file: Path | None) -> int:
    """How each source is: what it does, up to when everything of it is here, and how much of it is held.

    Exit code 1 if one fails or has messages that are held.

    \b
    Example:
      altid opslag sources list --data /srv/opslag
    """
    with _copy(options, key_file) as copy:
        found = status.states(copy, copy.heartbeats())
    if options.json:
        click.echo(json.dumps({"sources": [asdict(one) for one in found]}, default=datetime.isoformat))
    else:
        for one in found:
            said = f"{one.phase} ({one.code})" if one.code else one.phase
            asked = f"all up to {_time(one.asked_to)} UTC" if one.asked_to else "age unknown"
            held = f", {one.held} held: altid opslag sources held" if one.held else ""
            click.echo(f"{one.source:16} {said}: {asked}, {one.loaded} taken since it began{held}")
    return int(any(one.code or one.held for one in found))


@sources.command()
@key_file_option
@click.pass_obj
def held(options: Options, key_file: Path | None) -> int:
    """Messages that nobody could understand, oldest first. Exit code 1 if there is one.

    \b
    Example:
      altid opslag sources held --data /srv/opslag
    """
    with _copy(options, key_file) as copy:
        found = status.held(copy)
    if options.json:
        click.echo(json.dumps({"held": [asdict(one) for one in found]}, default=datetime.isoformat))
    else:
        for one in found:
            click.echo(f"{one.number:8} {one.source:16} {_time(one.arrived)}  {one.state:8} {one.code}")
    return int(bool(found))


@sources.command()
@click.argument("number", type=int)
@key_file_option
@click.pass_obj
def retry(options: Options, number: int, key_file: Path | None) -> None:
    """Have a held message tried again, when what was wrong is mended.

    \b
    Example:
      altid opslag sources retry 17 --data /srv/opslag
    """
    _decided(options, key_file, number, lambda copy: status.retry(copy, number, _who()))


@sources.command()
@click.argument("number", type=int)
@click.option("--reason", required=True, metavar="TEXT", help="Why: it is kept.")
@key_file_option
@click.pass_obj
def discard(options: Options, number: int, reason: str, key_file: Path | None) -> None:
    """Give a held message up: what is in it is forgotten, and that it was given up is kept for 30 days.

    \b
    Example:
      altid opslag sources discard 17 --reason "A test of the sender's" --data /srv/opslag
    """
    reason = reason.strip()
    if not 3 <= len(reason) <= 500 or not reason.isprintable():
        raise click.UsageError("--reason is a text of 3 to 500 characters.")
    _decided(options, key_file, number, lambda copy: status.discard(copy, number, _who(), reason))


@sources.command("accept-loss")
@click.argument("source", metavar="SOURCE")
@key_file_option
@click.pass_obj
def accept_loss(options: Options, source: str, key_file: Path | None) -> None:
    """Say that a server has rightly lost most of what it had, so that this place forgets it too.

    It is for one comparison. Look first: a server that is empty by a fault is just what this place is for.

    \b
    Example:
      altid opslag sources accept-loss lab1 --data /srv/opslag
    """
    with _copy(options, key_file) as copy:
        if source not in {one.source for one in status.states(copy, {})}:
            raise click.UsageError(f"There is no source {source}: see `altid opslag sources list`.")
        status.accept_loss(copy, source)
    if not options.quiet:
        click.echo(f"{source}: its loss is followed at the next comparison")


def _decided(
    options: Options,
    key_file: Path | None,
    number: int,
    decide: Callable[[Copy], bool],
) -> None:
    with _copy(options, key_file) as copy:
        if not decide(copy):
            raise click.UsageError(f"No message {number} is held: see `altid opslag sources held`.")
    if not options.quiet:
        click.echo(f"{number}: done")


@contextmanager
def _copy(options: Options, key_file: Path | None) -> Iterator[Copy]:
    settings = settings_of(options)
    with opened_copy(settings, key_of(settings, key_file)) as copy:
        yield copy


def _who() -> str:
    return getpass.getuser()


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
