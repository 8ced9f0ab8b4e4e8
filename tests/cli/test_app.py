"""The command line as a whole: help, exit codes, and that it starts quickly."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from altid.cli.app import SUMMARIES, Options, commands, run


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 0
    assert "Begin here" in capsys.readouterr().out


@pytest.mark.parametrize("name", SUMMARIES)
def test_every_command_teaches_by_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"  altid {name}" in shown.partition("Examples:")[2]
    assert "--data DIR" in shown


def test_help_does_not_load_what_only_commands_need() -> None:
    program = (
        "import sys; from altid.cli.app import run; run(['--help']); print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = done.stderr.split()
    assert "click" in loaded
    assert not {"asyncpg", "httpx", "rich", "orjson", "asyncio", "altid.record"} & set(loaded)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["heal"], "No such command 'heal'"),
        (["load"], "Missing argument 'PATH...'"),
        (["doctor", "--port", "many"], "'many' is not a valid integer"),
        (["export"], "Missing option '--out'"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_exit_code_2(
    arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith("altid: ")
    assert hint in complaint
    assert complaint.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--data", "here", "probe"], ["probe", "--data", "here"]])
def test_common_options_count_before_and_after_the_command(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Options] = []
    monkeypatch.setattr(commands, "get_command", lambda *_: _with_common_options(seen))
    assert run(arguments) == 0
    assert seen[0].data == Path("here")


def _with_common_options(seen: list[Options]) -> click.Command:
    @click.command(params=commands.params[:3])
    @click.pass_obj
    def probe(options: Options) -> None:
        seen.append(options)

    return probe


def test_the_environment_names_the_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALTID_DATA", "/srv/altid")
    assert Options().data == Path("/srv/altid")


def test_output_that_nobody_reads_any_more_ends_quietly() -> None:
    program = "from altid.cli import main; main()"
    writer = subprocess.Popen(
        [sys.executable, "-c", program, "sample", "--patients", "20", "--form", "ndjson"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout
    writer.stdout.readline()
    writer.stdout.close()
    assert "Traceback" not in writer.communicate(timeout=60)[1]
