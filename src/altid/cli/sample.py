"""`altid sample`: synthetic Danish patients as files, or down a pipe."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import click
import orjson

from altid.cli.app import Options
from altid.cli.moments import moment_of


@click.command()
@click.option(
    "--patients",
    default=10,
    show_default=True,
    type=click.IntRange(0),
    metavar="N",
    help="How many patients.",
)
@click.option(
    "--seed",
    default=1,
    show_default=True,
    type=click.IntRange(0),
    metavar="N",
    help="The same seed gives the same bytes, another one another region.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder for the files; made if it is missing.  [default: standard output]",
)
@click.option(
    "--form",
    default="bundles",
    show_default=True,
    type=click.Choice(["bundles", "ndjson"]),
    help="Transaction Bundles, one for each patient, or one resource a line.",
)
@click.option("--gzip", is_flag=True, help="Compress.")
@click.option(
    "--at",
    metavar="TIME",
    help="When the region is seen: doses due, stays and results lie around it. `now`, or a date or time."
    "  [default: a Tuesday in November 2026, so that the bytes stay the same]",
)
@click.pass_obj
def sample(
    options: Options,
    patients: int,
    seed: int,
    out: Path | None,
    form: Literal["bundles", "ndjson"],
    gzip: bool,
    at: str | None,
) -> None:
    """Make a synthetic Danish region: hospitals, staff, and patients with their whole record.

    Nobody in it exists, and everything is tagged as synthetic. Loading it twice changes nothing.

    \b
    Examples:
      altid sample --patients 100 --out region/ && altid load region/
      altid sample --patients 5000 --seed 7 --form ndjson --gzip --out big/
      altid sample --patients 1 --form ndjson | head -3
      altid sample --patients 60 --at now --out today/
    """
    from altid.sample import REFERENCE, write

    if out is None and sys.stdout.isatty():
        raise click.UsageError("Give a folder with --out, or send the output to a file or a program.")
    seen = datetime.now(UTC) if at == "now" else moment_of(at, "--at") or REFERENCE
    try:
        with _progress(options, patients) as advance:
            count = write(patients, seed, out, form, gzip, advance, seen)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        if out is None:
            raise
        raise click.ClickException(f"{error.filename or out}: {error.strerror}") from None
    _report(options, patients, count, out)


def _report(options: Options, patients: int, resources: int, out: Path | None) -> None:
    """On stderr when the data itself went to standard output."""
    if options.json:
        answer = {"patients": patients, "resources": resources, "folder": str(out) if out else None}
        click.echo(orjson.dumps(answer), err=out is None)
    elif not options.quiet:
        place = f" written to {out}" if out else ""
        click.echo(f"{resources} resources of {patients} patients{place}.", err=out is None)


@contextlib.contextmanager
def _progress(options: Options, patients: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal; silent elsewhere. The callback takes the number of patients written so far."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("Patients"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    hidden = options.quiet or options.json or not console.is_terminal
    with Progress(*columns, console=console, disable=hidden, transient=True) as progress:
        task = progress.add_task("sample", total=patients)
        yield lambda done: progress.update(task, completed=done)
