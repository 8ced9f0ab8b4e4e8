"""`altid drill`: break something under load, and prove that nothing was lost."""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import Any

import click

from altid.cli.app import Options
from altid.cli.region import run
from altid.drills.evidence import make_folder
from altid.drills.run import DrillOptions
from altid.drills.run import drill as run_drill
from altid.drills.scenarios import SCENARIOS
from altid.region import layout
from altid.region.layout import Layout, load_region
from altid.region.shutdown import down
from altid.region.startup import up

_SEED_BITS = 32


@click.command()
@click.argument("name", type=click.Choice(list(SCENARIOS)))
@click.option("--seed", type=int, help="Repeat the load of an earlier run.  [default: a new one]")
@click.option("--clients", default=8, show_default=True, type=click.IntRange(2, 200), help="Writers.")
@click.option(
    "--evidence",
    "evidence_parent",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the evidence goes.  [default: DATA/evidence, or ./evidence without --data]",
)
@click.pass_obj
def drill(options: Options, name: str, seed: int | None, clients: int, evidence_parent: Path | None) -> int:
    """Break something of a region under load, and judge by what the clients saw.

    With --data on that region (started and stopped again if it doesn't run); without on a new one in a
    temporary folder. The exit code is 0 only when nothing was lost, doubled or seen to go back.

    \b
    Examples:
      altid drill site-loss
      altid drill site-loss --data /srv/altid --json
      altid drill zombie --seed 7
    """
    drill_options = DrillOptions(secrets.randbits(_SEED_BITS) if seed is None else seed, clients)
    result = run(_drill(options, name, drill_options, evidence_parent))
    if options.json:
        click.echo(json.dumps(result))
    elif not options.quiet:
        _tell(result)
    return 0 if result["passed"] else 1


async def _drill(
    options: Options, name: str, drill_options: DrillOptions, evidence_parent: Path | None
) -> dict[str, Any]:
    if options.chosen_data is not None:
        where = Layout(await asyncio.to_thread(options.chosen_data.resolve))
        return await _on(where, name, drill_options, evidence_parent or where.data / "evidence")
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="altid-drill-"))
    # The databases' user must reach what is inside, which is its own.
    await asyncio.to_thread(folder.chmod, 0o755)
    try:
        return await _on(Layout(folder / "data"), name, drill_options, evidence_parent or Path("evidence"))
    finally:
        await asyncio.to_thread(shutil.rmtree, folder)


async def _on(where: Layout, name: str, drill_options: DrillOptions, parent: Path) -> dict[str, Any]:
    """Run it on the region of the folder, started for it if need be, and then stopped again."""
    ran = where.marker.is_file() and any(
        layout.holder(where.place(place.name).lock) is not None for place in load_region(where).places
    )
    try:
        if not ran:
            await up(where, None, lambda _line: None, in_netns=SCENARIOS[name].needs_netns)
        folder = make_folder(parent, name, drill_options.seed)
        return await run_drill(name, SCENARIOS[name], where, load_region(where), drill_options, folder)
    finally:
        if not ran and where.marker.is_file():
            await down(where)


def _tell(result: dict[str, Any]) -> None:
    verdict = "passed" if result["passed"] else "FAILED"
    click.echo(f"{result['drill']} {verdict} (seed {result['seed']}): {result['about']}")
    click.echo(
        f"  acknowledged {result['acknowledged']}, missing {result['missing']}, "
        f"duplicated {result['duplicated']}, stale reads {result['stale_reads']}, unknown {result['unknown']}"
    )
    rto = result["rto_s"]
    click.echo(f"  back for writes after {rto['write']} s, longest gap of reads {rto['read']} s")
    for finding in result["findings"]:
        click.echo(f"  {finding}")
    click.echo(f"  evidence: {result['evidence']}")
