"""`altid doctor`: can this machine run Altid, and is what runs here well?"""

from __future__ import annotations

import json as json_file
from collections.abc import Iterator
from pathlib import Path

import click
import orjson

from altid.cli.access_checks import access_findings
from altid.cli.app import Options
from altid.cli.checks import Finding, local_findings, port_finding
from altid.cli.region_checks import holds_region, region_findings
from altid.cli.remote import CONNECT_SECONDS_MAX, SERVER_FILE

_EXIT_FAILED = 1
_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address that the server shall have.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Its port.")
@click.pass_obj
def doctor(options: Options, host: str, port: int) -> int:
    """Check what Altid needs on this machine, and say how to mend what is amiss.

    Starts nothing. The exit code is 1 if something must be mended first; warnings leave it at 0.

    \b
    Examples:
      altid doctor
      altid doctor --data /srv/altid --port 9000
      altid doctor --json
    """
    findings = list(_findings(options.data, host, port))
    failed = any(finding.level == "fail" for finding in findings)
    if options.json:
        listed = [finding._asdict() for finding in findings]
        click.echo(orjson.dumps({"ok": not failed, "findings": listed}))
    else:
        for finding in findings:
            if not options.quiet or finding.level != "ok":
                _show(finding)
    return _EXIT_FAILED if failed else 0


def _findings(data: Path, host: str, port: int) -> Iterator[Finding]:
    yield from local_findings(data)
    yield from region_findings(data)
    yield from access_findings(data)
    if holds_region(data):
        return
    base = _web_base(data)
    yield _server(base) if base else port_finding(host, port)


def _web_base(data: Path) -> str | None:
    """Where the server of the data folder says it is."""
    try:
        return str(json_file.loads((data / SERVER_FILE).read_text())["web"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _server(base: str) -> Finding:
    import httpx

    try:
        status = httpx.get(f"{base}/health/ready", timeout=CONNECT_SECONDS_MAX).status_code
    except httpx.TransportError as error:
        text = f"{base} does not answer ({type(error).__name__})"
        return Finding(
            "server", "fail", text, "Start it again: altid serve. Its own output says why it ended."
        )
    if status != httpx.codes.OK:
        return Finding("server", "fail", f"{base} is not ready ({status})", "See what the server prints.")
    return Finding("server", "ok", f"{base} is ready")


def _show(finding: Finding) -> None:
    level = click.style(f"{finding.level:4}", fg=_COLOURS[finding.level])
    click.echo(f"{level}  {finding.check:12} {finding.text}")
    if finding.mend:
        click.echo(f"{'':19}→ {finding.mend}")
