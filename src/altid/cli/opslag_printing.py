"""`altid opslag print|forms`: paper by whoever holds the key of the place; the look is kept as any other."""

from __future__ import annotations

import asyncio
import os
import pwd
import random
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import click

from altid.cli.app import Options
from altid.cli.opslag_place import key_file_option, key_of, settings_of
from altid.screen.words import LANGUAGES, words

out_option = click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where the PDF goes: readable by you alone.",
)
language_option = click.option(
    "--lang", type=click.Choice(LANGUAGES), default=LANGUAGES[0], show_default=True, help="Language."
)


@click.command("print")
@click.option("--ward", required=True, metavar="ID", help="The ward, by its id or its whole name.")
@click.option(
    "--kind",
    type=click.Choice(["report", "medication"]),
    default="report",
    show_default=True,
    help="The ward's report, or the medication chart of each patient.",
)
@out_option
@language_option
@key_file_option
@click.pass_obj
def print_ward(options: Options, ward: str, kind: str, out: Path, lang: Any, key_file: Path | None) -> None:
    """Print a ward's report or medication charts as PDF, of the copy as it is now.

    Whoever holds the key may do it; it is among the looks of the place under the system user's name.

    \b
    Example:
      altid opslag print --data /srv/opslag --ward b12 --out b12.pdf
    """

    async def work(printer: Any, copy: Any, tell: Callable[[str, Sequence[str]], Awaitable[None]]) -> bytes:
        row = next((one for one in copy.wards() if ward in (one.id, one.name)), None)
        if row is None:
            raise click.UsageError(f"The copy has no ward {ward!r}.")
        pdf, shown = await printer.ward(kind, row, words(lang))
        await tell(f"{kind}.pdf", shown)
        return bytes(pdf)

    _write(options, key_file, out, work)


@click.command()
@click.option(
    "--kind",
    required=True,
    type=click.Choice(["admission", "observations", "medication", "order"]),
    help="Which form.",
)
@click.option("--count", default=10, show_default=True, type=click.IntRange(1, 200), help="How many sheets.")
@click.option(
    "--patient", metavar="ID", help="One sheet with this patient's identity, instead of blank ones."
)
@out_option
@language_option
@key_file_option
@click.pass_obj
def forms(
    options: Options, kind: str, count: int, patient: str | None, out: Path, lang: Any, key_file: Path | None
) -> None:
    """Make forms for a downtime as PDF, each sheet with a number that no other has.

    \b
    Example:
      altid opslag forms --data /srv/opslag --kind observations --count 20 --out observations.pdf
    """

    async def work(printer: Any, copy: Any, tell: Callable[[str, Sequence[str]], Awaitable[None]]) -> bytes:
        from altid.lookup.paper.forms import FormKind

        chart = copy.chart(patient) if patient else None
        if patient and chart is None:
            raise click.UsageError("The copy has no such patient.")
        charts = [chart] if chart else [None] * count
        pdf, _ = await printer.forms(FormKind(kind), charts, words(lang), _user())
        if patient:
            await tell(f"form-{kind}.pdf", [patient])
        return bytes(pdf)

    _write(options, key_file, out, work)


def _write(options: Options, key_file: Path | None, out: Path, work: Callable[..., Awaitable[bytes]]) -> None:
    from altid.access.audit.unavailable import AuditUnavailableError
    from altid.lookup.damage import CopyDamagedError, CopyFullError, WrongKeyError
    from altid.lookup.paper.typeset import PaperError

    settings = settings_of(options)
    key = key_of(settings, key_file)
    try:
        pdf = asyncio.run(_print(settings, key, work))
        _put(out, pdf)
    except (CopyDamagedError, CopyFullError, WrongKeyError, PaperError, OSError) as error:
        raise click.ClickException(f"it could not be printed ({type(error).__name__})") from None
    except AuditUnavailableError as error:
        raise click.ClickException(error.text_en) from None
    if not options.quiet:
        click.echo(f"{out} is written.")


async def _print(settings: Any, key: bytes, work: Callable[..., Awaitable[bytes]]) -> bytes:
    from altid.access.audit.event import Action, Who
    from altid.access.secret import AccessSecret
    from altid.lookup.age import Watch
    from altid.lookup.copy import Copy
    from altid.lookup.entry.events import origin_of
    from altid.lookup.entry.looks import open_looks
    from altid.lookup.paper.printer import Printer

    copy = Copy.open(settings.copy_file, key)
    looks = open_looks(settings.folder, AccessSecret(key), settings.name, random.SystemRandom())
    looks.start()
    who = Who(f"terminal:{_user()}", _user(), "operations", "")

    async def tell(page: str, patients: Sequence[str]) -> None:
        event = origin_of(None, settings.name).event(who, Action.PRINT, page, tuple(patients))
        await looks.record(event)

    try:
        return await work(Printer(copy, settings, Watch()), copy, tell)
    finally:
        await looks.close()
        copy.close()


def _put(out: Path, pdf: bytes) -> None:
    """For its owner alone: a print is as secret as what it shows."""
    descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pdf)


def _user() -> str:
    return pwd.getpwuid(os.getuid()).pw_name
