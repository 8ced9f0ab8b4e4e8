"""`altid demo`: a two-site region with synthetic Danish patients, to look at; with `--exit`, the proof."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from altid.cli.app import Options
from altid.cli.demoing.narrator import DemoError, Narrator
from altid.cli.demoing.proof import Proof, print_table
from altid.cli.demoing.region import Wish, prove_region, show_region
from altid.cli.demoing.single import show_single
from altid.cli.demoing.stopping import run_stoppable
from altid.record.migrate import MigrationError
from altid.record.postgres import PostgresError
from altid.region.error import RegionError
from altid.server.supervisor import ServeError

_EXIT_FAILED = 1


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option("--patients", default=200, show_default=True, type=click.IntRange(1, 100_000), metavar="N")
@click.option("--exit", "leave", is_flag=True, help="Do it all, lose a site under load, prove it, and end.")
@click.option(
    "--clients", default=16, show_default=True, type=click.IntRange(2, 200), help="Writers, with --exit."
)
@click.option(
    "--evidence",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where --exit leaves its evidence.  [default: DATA/evidence, else ./altid-evidence]",
)
@click.option("--single", is_flag=True, help="One server instead of the region.")
@click.option("--host", help="Address to listen at, with --single.  [default: 127.0.0.1]")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="With --single; 0: any free one.  [default: 8080]"
)
@click.pass_obj
def demo(
    options: Options,
    files: tuple[Path, ...],
    patients: int,
    leave: bool,
    clients: int,
    evidence: Path | None,
    single: bool,
    host: str | None,
    port: int | None,
) -> int:
    """Show a region with synthetic patients: two sites that both work, and a witness.

    Starts it in a temporary folder (or the one of --data, which is kept) on loopback addresses, makes and
    loads synthetic Danish patients and the FILES named (bundles or NDJSON), checks at both sites that all of
    it can be read, and prints the addresses of the patients' pages and of the live picture. Ctrl-C stops it.

    With --exit it then kills the leader's site while clients write and read, brings it back, and judges by
    what the clients saw and both sites hold. The exit code is 0 only if nothing was lost, doubled, or seen to
    go back in time, and both sites are whole again; how long it took is told, and depends on the machine.

    \b
    Examples:
      altid demo
      altid demo --exit
      altid demo --patients 1000 more-bundles/
      altid demo --single --port 8080
    """
    narrator = Narrator(silent=options.quiet or options.json)
    if (host is not None or port is not None) and not single:
        raise click.UsageError("--host and --port are for --single: a region has addresses of its own.")
    try:
        if single:
            address = (host or "127.0.0.1", 8080 if port is None else port)
            show_single(options.chosen_data, patients, files, address, narrator, leave=leave)
            return 0
        wish = Wish(options.chosen_data, patients, files, clients, _evidence(options, evidence))
        if not leave:
            run_stoppable(show_region(wish, narrator))
            return 0
        return _judge(options, _proven(wish, narrator), narrator)
    except (RegionError, ServeError, PostgresError, MigrationError) as error:
        raise click.UsageError(str(error)) from None


def _proven(wish: Wish, narrator: Narrator) -> Proof:
    try:
        wish.evidence.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.UsageError(
            f"The evidence folder {wish.evidence} cannot be made ({error.strerror}): give --evidence."
        ) from None
    if not os.access(wish.evidence, os.W_OK):
        raise click.UsageError(f"The evidence folder {wish.evidence} cannot be written: give --evidence.")
    return run_stoppable(prove_region(wish, narrator))


def _evidence(options: Options, chosen: Path | None) -> Path:
    if chosen is not None:
        return chosen.resolve()
    if options.chosen_data is not None:
        return options.chosen_data.resolve() / "evidence"
    return Path("altid-evidence").resolve()


def _judge(options: Options, proof: Proof, narrator: Narrator) -> int:
    if options.json:
        click.echo(json.dumps(proof.as_json()))
    print_table(proof, narrator)
    if proof.passed:
        slow = (
            "" if proof.within_goals else " It took longer than the drill's goals (▲), as on a busy machine."
        )
        narrator.print(f"\nNothing was lost.{slow}")
        return 0
    if not proof.nothing_lost:
        raise DemoError("the drill did not pass; the lines above and its evidence say why")
    raise DemoError("the record is not what it was before, or a site did not come back")
