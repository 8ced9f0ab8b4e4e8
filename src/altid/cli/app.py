"""The list of commands, the options that all of them take, and how failures become exit codes."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from altid import __version__

SUMMARIES = {
    "serve": "Serve the record on this machine.",
    "demo": "Show two sites with synthetic patients in the browser.",
    "load": "Load FHIR bundles and NDJSON into a server.",
    "export": "Write the record to NDJSON files.",
    "sample": "Make synthetic Danish patients.",
    "doctor": "Check whether this machine can run Altid.",
    "up": "Start a region: two sites and a witness.",
    "down": "Stop the region.",
    "status": "Show who leads, how each site is, and how safe a write is.",
    "switchover": "Move the lead to the other site.",
    "fault": "Break something of the region for real, and mend it.",
    "drill": "Lose a site under load and prove that nothing was lost.",
    "capacity": "Measure what one site alone carries, against the region's peak.",
    "render": "Write what each host of a region needs to run without `altid up`.",
    "init": "Complete the schema of a region on hosts of its own, once.",
    "rollout": "Restart the servers one by one with nothing dropped.",
    "drain": "Let the other site answer a site's requests.",
    "undrain": "Let a drained site answer its requests again.",
    "backup": "Take, list and check the region's backups.",
    "restore": "Bring the record back as it was at a moment, into a new folder.",
    "token": "Print a bearer token in somebody's name, for scripts.",
    "user": "Add, list, close and invite people.",
    "client": "Register, list and close systems.",
    "audit": "Prove, search and export who looked at whom.",
    "orders": "Prove which orders are certain, and see to what has not left.",
    "opslag": "Run the lookup record of a place, which is always there.",
    "replace": "Let a new host take the place of one that is lost for good.",
    "plan": "Tell what a distance between the sites costs.",
}
"""What `altid --help` shows, here so that it need not import the commands: `altid.cli.NAME.NAME`."""

_MODULES = dict.fromkeys(("up", "down", "switchover"), "region")
_MODULES |= dict.fromkeys(("drain", "undrain"), "rollout")
_MODULES |= {"init": "render", "replace": "render"}
"""Commands that share a module with others."""

_EXIT_FAILED, _EXIT_USAGE, _EXIT_INTERRUPTED = 1, 2, 130


@dataclass(frozen=True, slots=True)
class Options:
    """What every command takes: `context.obj`."""

    chosen_data: Path | None = None
    json: bool = False
    quiet: bool = False

    @property
    def names_data(self) -> bool:
        """Whether a data folder was named, on the command line or by `ALTID_DATA`."""
        return self.chosen_data is not None or bool(os.environ.get("ALTID_DATA"))

    @property
    def data(self) -> Path:
        """The data folder: `--data`, else `ALTID_DATA`, else this user's own place."""
        if self.chosen_data is not None:
            return self.chosen_data
        from altid.record.postgres import default_data

        return default_data()


class _Commands(click.Group):
    def list_commands(self, _context: click.Context) -> list[str]:
        return list(SUMMARIES)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name not in SUMMARIES:
            return None
        module = importlib.import_module(f"altid.cli.{_MODULES.get(name, name)}")
        command: click.Command = getattr(module, name)
        return _with_common_options(command)

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))


class Subcommands(click.Group):
    """A command with commands below it, which take the common options too."""

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        command = super().get_command(context, name)
        return None if command is None else _with_common_options(command)


def _with_common_options(command: click.Command) -> click.Command:
    known = {parameter.name for parameter in command.params}
    command.params += [option for option in _common_options() if option.name not in known]
    return command


def _common_options() -> list[click.Option]:
    data = click.Option(
        ["--data"],
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        expose_value=False,
        callback=_take("chosen_data"),
        help="Data folder.  [default: ALTID_DATA, else /var/lib/altid for root, else ~/.local/share/altid]",
    )
    json = click.Option(
        ["--json"], is_flag=True, expose_value=False, callback=_take("json"), help="Print one JSON object."
    )
    quiet = click.Option(
        ["--quiet"], is_flag=True, expose_value=False, callback=_take("quiet"), help="Print errors only."
    )
    return [data, json, quiet]


def _take(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    """A callback that keeps a given value, so that options count before and after the command's name."""

    def keep(context: click.Context, _parameter: click.Parameter, value: Any) -> None:
        options = context.obj or Options()
        context.obj = replace(options, **{name: value}) if value else options

    return keep


@click.group(cls=_Commands, invoke_without_command=True, params=_common_options())
@click.version_option(__version__, prog_name="altid", message="%(prog)s %(version)s")
@click.pass_context
def commands(context: click.Context) -> None:
    """The patient record that is always there.

    \b
    Begin here:
      altid demo                              two sites with synthetic patients, in the browser
      altid serve --data /srv/altid           your own record: FHIR R4 at http://127.0.0.1:8080/fhir
      altid sample --patients 100 --out here  synthetic Danish patients as files
      altid load here                         load them into the running server
      altid doctor                            what this machine lacks, and how to mend it

    Each command explains itself: altid COMMAND --help
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def run(arguments: Sequence[str]) -> int:
    """Run one command line; its exit code."""
    try:
        result = commands.main(list(arguments), prog_name="altid", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.UsageError as error:
        return _complain(f"{error.format_message()}{_hint(error)}", _EXIT_USAGE)
    except click.ClickException as error:
        return _complain(error.format_message(), _EXIT_FAILED)
    except (click.Abort, KeyboardInterrupt):
        return _complain("interrupted", _EXIT_INTERRUPTED)
    except BrokenPipeError:  # as in `altid sample | head`: whoever read has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _EXIT_FAILED


def _complain(text: str, code: int) -> int:
    click.echo(f"altid: {' '.join(text.split())}", err=True)
    return code


def _hint(error: click.UsageError) -> str:
    return f" (see {error.ctx.command_path} --help)" if error.ctx else ""
