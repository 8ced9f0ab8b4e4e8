"""`altid opslag codes | audit verify | seal | unlock`: getting into a place, and proving who was in.

They work on the place's own folder (`--data`) and ask nobody else. A passphrase is typed or read from a file,
and is never an argument: command lines can be read by everybody on the machine.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from altid.access.secret import AccessSecret
from altid.cli.app import Options
from altid.cli.opslag_place import key_file_option, key_of, settings_of
from altid.lookup import keys
from altid.lookup.copy import Copy
from altid.lookup.damage import CopyDamagedError, WrongKeyError
from altid.lookup.entry.codes import Codes
from altid.lookup.entry.contact import Contact
from altid.lookup.entry.door import Door
from altid.lookup.entry.proving import prove
from altid.lookup.entry.relations import name_of, number_of
from altid.lookup.keys import KeyUnavailableError, Secrets
from altid.lookup.settings import Settings


@contextmanager
def opened_copy(settings: Settings, key: bytes) -> Iterator[Copy]:
    """Raises `ClickException`."""
    try:
        copy = Copy.open(settings.copy_file, key)
    except FileNotFoundError:
        raise click.ClickException(f"There is no {settings.copy_file}: `altid opslag create`.") from None
    except (CopyDamagedError, WrongKeyError):
        raise click.ClickException("The copy can't be opened: it is damaged, or has another key.") from None
    try:
        yield copy
    finally:
        copy.close()


@click.command()
@click.option(
    "--ward", "wards", multiple=True, required=True, metavar="ID", help="SOR number or Location id."
)
@click.option("--once", is_flag=True, help="It opens the ward one time only.  [default: until it is changed]")
@key_file_option
@click.pass_obj
def codes(options: Options, wards: tuple[str, ...], once: bool, key_file: Path | None) -> int:
    """Make the sealed emergency code of a ward. It is shown only now: print it, put it into an envelope, seal
    it, and keep that in the ward. A code that the ward had before opens nothing any more.

    \b
    Example:
      altid opslag codes --ward 328910000016001 --data /srv/opslag | lp
    """
    settings = settings_of(options)
    key = key_of(settings, key_file)
    with opened_copy(settings, key) as copy:
        named = [_ward(copy, ward) for ward in wards]
        kept = Codes(settings.folder, AccessSecret(key))
        made = asyncio.run(_make(copy, kept, [number for number, _ in named], once))
    if options.json:
        shown = [{"ward": number, "code": code} for (number, _), code in zip(named, made, strict=True)]
        click.echo(json.dumps({"codes": shown}))
        return 0
    for (number, name), code in zip(named, made, strict=True):
        click.echo(_PAPER.format(name=name, number=number, code=code, use=_ONCE if once else _UNTIL_CHANGED))
    return 0


@click.command()
@click.argument("action", type=click.Choice(["verify"]))
@key_file_option
@click.pass_obj
def audit(options: Options, action: str, key_file: Path | None) -> int:
    """Prove that the looks on this disk are what was kept: nothing altered, moved or cut off. The exit code
    is 0 only then."""
    settings = settings_of(options)
    proof = prove(settings.folder, AccessSecret(key_of(settings, key_file)))
    if options.json:
        click.echo(json.dumps({"sound": proof.sound, **asdict(proof)}))
    elif not options.quiet:
        for finding in proof.findings:
            click.echo(finding)
        verdict = "whole and unaltered" if proof.sound else f"NOT SOUND: {len(proof.findings)} findings"
        click.echo(f"{proof.looks} looks on this disk: {verdict}")
    return 0 if proof.sound else 1


@click.command()
@click.option("--new-passphrase-file", type=click.File("r"), help="A passphrase that opens it from now on.")
@click.option("--operations-file", type=click.File("r"), help="The passphrase that only operations have.")
@click.option(
    "--new-key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Make a key file there; it must be on another medium.",
)
@click.option("--tpm", is_flag=True, help="Let this machine's TPM open it.")
@key_file_option
@click.pass_obj
def seal(
    options: Options,
    new_passphrase_file: Any,
    operations_file: Any,
    new_key_file: Path | None,
    tpm: bool,
    key_file: Path | None,
) -> int:
    """Say how the key of this place is held apart: by one way or several. Without an option, tell the
    ways."""
    settings = settings_of(options)
    folder = settings.folder
    given = Secrets(_line(new_passphrase_file), new_key_file, _line(operations_file))
    if given != keys.NO_SECRETS or tpm:
        _add_seals(folder, key_of(settings, key_file), given, tpm=tpm)
    told = [str(way) for way in keys.ways(folder)]
    locked = keys.locked(folder)
    if options.json:
        click.echo(json.dumps({"ways": told, "locked": locked}))
    elif not options.quiet:
        click.echo(f"Opened by: {', '.join(told) or 'nothing'}{f'; locked ({locked})' if locked else ''}")
    return 0


@click.command()
@click.option("--operations-file", type=click.File("r"), help="File with the passphrase of operations.")
@click.option("--new-passphrase-file", type=click.File("r"), help="A passphrase that opens it from now on.")
@click.option("--tpm", is_flag=True, help="Let this machine's TPM open it from now on.")
@key_file_option
@click.pass_obj
def unlock(
    options: Options, operations_file: Any, new_passphrase_file: Any, tpm: bool, key_file: Path | None
) -> int:
    """Open a place that has locked itself, by the passphrase of operations. A revoked one stays closed.

    The other ways of opening it were forgotten when it locked itself: say which there are from now on.
    """
    settings = settings_of(options)
    operations = _line(operations_file) or click.prompt("Passphrase of operations", hide_input=True)
    try:
        key = keys.unlock(settings.folder, operations)
    except KeyUnavailableError as error:
        raise click.ClickException(str(error)) from None
    given = Secrets(_line(new_passphrase_file), key_file)
    if given == keys.NO_SECRETS and not tpm:
        given = Secrets(click.prompt("New passphrase", hide_input=True, confirmation_prompt=True))
    _add_seals(settings.folder, key, given, tpm=tpm)
    with opened_copy(settings, key) as copy:
        Contact(copy, 0).touched()
    if not options.quiet:
        click.echo("Unlocked. Its days alone are counted anew; start it again: altid opslag serve")
    return 0


ENTRY_COMMANDS = (codes, audit, seal, unlock)
"""For the group `altid opslag`."""


def _ward(copy: Copy, ward: str) -> tuple[str, str]:
    """SOR number and name. Raises `ClickException`."""
    with copy.reading() as connection:
        number = number_of(connection, ward)
        if number is None:
            raise click.ClickException("The copy knows no such ward: give its SOR number, or its Location.")
        return number, name_of(connection, number) or number


async def _make(copy: Copy, kept: Codes, numbers: list[str], once: bool) -> list[str]:
    rng = random.SystemRandom()
    door = Door(copy, kept, "opslag", (), rng, 1)
    try:
        return [await door.make_code(number, rng, once=once) for number in numbers]
    finally:
        door.close()


def _add_seals(folder: Path, key: bytes, given: Secrets, *, tpm: bool) -> None:
    """A key file that is not there yet is made. Raises `ClickException`."""
    try:
        if given.key_file is not None and not given.key_file.exists():
            keys.make_key_file(given.key_file)
        keys.add_seals(folder, key, given, tpm=tpm)
    except (KeyUnavailableError, OSError) as error:
        raise click.ClickException(str(error)) from None


def _line(file: Any) -> str | None:
    return file.readline().rstrip("\n") if file else None


_PAPER = """
NØDKODE TIL OPSLAG                         EMERGENCY CODE FOR LOOKUP

{name} ({number})

        {code}

Kun når du ikke kan logge ind selv. Skriv dit navn og hvorfor; driften får besked.
Only if you can't log on yourself. Give your name and why; operations are told.
{use}
"""
_ONCE = "Koden virker én gang. The code works once."
_UNTIL_CHANGED = "Skift koden, når den har været brugt. Change the code once it was used."
