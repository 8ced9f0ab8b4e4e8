"""`altid opslag`: the lookup record of one place, which answers whatever else is there or not."""

from __future__ import annotations

import json
import os
import ssl
import sys
from pathlib import Path
from typing import Any

import click

from altid.cli.app import Options, Subcommands
from altid.cli.opslag_entry import ENTRY_COMMANDS
from altid.cli.opslag_place import key_file_option, key_of, settings_of
from altid.cli.opslag_printing import forms, print_ward
from altid.cli.opslag_sources import sources
from altid.lookup import keys
from altid.lookup.settings import FILE, Kind, Settings, SettingsError, read_settings

_ASK_S = 5.0
_STATUS_BYTES_MAX = 64 * 1024


class _Commands(Subcommands):
    """What is done at the region is read only when it is asked for: a place starts without it."""

    _AT_THE_REGION = ("enrol", "revoke")

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted([*super().list_commands(context), *self._AT_THE_REGION])

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name in self._AT_THE_REGION:
            from altid.cli import opslag_enrol

            self.add_command(getattr(opslag_enrol, name))
        return super().get_command(context, name)


@click.group(cls=_Commands)
def opslag() -> None:
    """The lookup record: an encrypted copy of its own, and pages that only read.

    It starts in an instant, needs nothing but its own file to answer, and says on every page how old that is.
    The data folder (--data) is the place: its opslag.toml, its copy and the seals of its key.

    \b
    Examples:
      altid opslag enrol --place "Sengeafsnit B12" --kind ward --ward b12 --prefix B12 --out b12/
      altid opslag create --data b12/ --tpm
      altid opslag serve --data b12/
    """


@opslag.command()
@click.option("--name", metavar="TEXT", help="What the place is called, as people call it.")
@click.option("--kind", type=click.Choice([kind.value for kind in Kind]), help="What sort of place it is.")
@click.option("--prefix", metavar="LETTERS", help="Begins the numbers of its paper forms: no other has it.")
@click.option("--ward", "wards", multiple=True, metavar="ID", help="Ward that it keeps; for several, again.")
@click.option("--host", "hosts", multiple=True, metavar="NAME", help="Name or address that browsers use.")
@click.option("--port", default=8443, show_default=True, type=click.IntRange(1, 65535), help="Port.")
@click.option("--tpm", is_flag=True, help="This machine's TPM opens the key, so that it starts by itself.")
@key_file_option
@click.pass_obj
def create(
    options: Options,
    name: str | None,
    kind: str | None,
    prefix: str | None,
    wards: tuple[str, ...],
    hosts: tuple[str, ...],
    port: int,
    tpm: bool,
    key_file: Path | None,
) -> None:
    """Make a place: its key, its empty copy and its certificate, and opslag.toml where there is none.

    Without --tpm and --key-file a passphrase is asked for, which is typed once after the machine was switched
    on. The key itself is in no file.

    \b
    Examples:
      altid opslag create --data /srv/opslag --name "Sengeafsnit B12" --kind ward --prefix B12 \\
        --ward b12 --host b12-pc.example.org --tpm
    """
    from altid.lookup.certificate import CERTIFICATE, make_certificate
    from altid.lookup.copy import Copy

    folder = options.data
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (folder / CERTIFICATE).exists():
        make_certificate(folder, ("localhost", "127.0.0.1", "::1", *hosts))
    if not (folder / FILE).exists():
        if not (name and kind and prefix):
            raise click.UsageError(f"There is no {FILE} in {folder} yet: give --name, --kind and --prefix.")
        _write_settings(folder, name, kind, prefix, wards, "0.0.0.0" if hosts else "127.0.0.1", port)  # noqa: S104
    settings = settings_of(options)
    if settings.copy_file.exists():
        raise click.ClickException(f"{settings.copy_file} is there already.")
    try:
        secrets = _new_secrets(key_file, tpm=tpm)
        Copy.create(settings.copy_file, keys.make_key(folder, secrets, tpm=tpm)).close()
    except (keys.KeyUnavailableError, OSError) as error:
        raise click.ClickException(str(error)) from None
    if not options.quiet:
        click.echo(f"{settings.name} is ready: altid opslag serve --data {folder}")


@opslag.command()
@key_file_option
@click.pass_obj
def serve(options: Options, key_file: Path | None) -> int:
    """Answer from the local file, and follow the sources while they are there.

    Prints one line when it answers. SIGTERM or Ctrl-C stops it cleanly. A place that is locked, or locks
    itself, has one page that says so, and no key.
    """
    import logging

    from altid.lookup.serving import serve_locked

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # It would name patients: addresses are asked for that do.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    settings = settings_of(options)
    try:
        code = 0 if keys.locked(settings.folder) else _answer(options, settings, key_file)
        why = keys.locked(settings.folder)
        if why is None:
            return code
        click.echo(f"altid: {settings.name} is locked ({why}): altid opslag unlock", err=True)
        return serve_locked(settings, why)
    except OSError as error:
        raise click.ClickException(f"{settings.listen.url} can't be listened at: {error.strerror}.") from None


@opslag.command()
@click.pass_obj
def status(options: Options) -> int:
    """Ask the running one how it stands; the exit code is 1 where none answers.

    \b
    Examples:
      altid opslag status --data /srv/opslag
      altid opslag status --data /srv/opslag --json
    """
    settings = settings_of(options)
    told = _ask(settings)
    if told is None:
        raise click.ClickException(f"nothing answers at {settings.listen.url}")
    if options.json:
        click.echo(json.dumps(told, ensure_ascii=False))
    else:
        click.echo(f"{told['place']}: {told['said']}")
        for name, position in told["positions"].items():
            click.echo(f"  {name}: epoch {position['epoch']}, at {position['cursor']}")
        if told["feed"]:
            feed = told["feed"]
            problem = f", {feed['problem']}" if feed["problem"] else ""
            click.echo(f"  feed: {feed['phase']}, {feed['done']} of {feed['total']}{problem}")
        click.echo(f"  lock: {told['lock'] or 'none'}, wards: {told['wards']}")
    return 0


opslag.add_command(print_ward)
opslag.add_command(forms)
opslag.add_command(sources)
for command in ENTRY_COMMANDS:
    opslag.add_command(command)


def _answer(options: Options, settings: Settings, key_file: Path | None) -> int:
    """Until it is told to stop, or is locked: then nothing here holds the key any more."""
    from altid.lookup.damage import WrongKeyError
    from altid.lookup.serving import open_copy, serve

    key = key_of(settings, key_file)
    try:
        copy = open_copy(settings, key)
    except (WrongKeyError, OSError) as error:
        raise click.ClickException(
            f"{settings.copy_file} can't be opened ({type(error).__name__})."
        ) from None
    try:
        return serve(settings, key, copy, on_ready=lambda: _tell_ready(settings, quiet=options.quiet))
    finally:
        copy.close()


def _new_secrets(key_file: Path | None, *, tpm: bool) -> keys.Secrets:
    if key_file is not None and not key_file.exists():
        keys.make_key_file(key_file)
    if key_file is not None or tpm:
        return keys.Secrets(key_file=key_file)
    if not sys.stdin.isatty():
        raise click.UsageError("Say how the key is held apart: --key-file or --tpm, or type a passphrase.")
    return keys.Secrets(passphrase=click.prompt("Passphrase", hide_input=True, confirmation_prompt=True))


def _write_settings(
    folder: Path, name: str, kind: str, prefix: str, wards: tuple[str, ...], host: str, port: int
) -> None:
    """Read back at once, so that a mistake is told before anything is made."""
    lines = [
        f"name = {json.dumps(name, ensure_ascii=False)}",
        f"kind = {json.dumps(kind)}",
        f"prefix = {json.dumps(prefix)}",
        *([f"wards = {json.dumps(list(wards))}"] if wards else []),
        "",
        "[listen]",
        f'address = "{host}:{port}"',
        'certificate = "tls.pem"',
        'key = "tls-key.pem"',
        "",
    ]
    path = folder / FILE
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write("\n".join(lines))
    try:
        read_settings(folder)
    except SettingsError as error:
        path.unlink()
        raise click.UsageError(str(error)) from None


def _tell_ready(settings: Settings, *, quiet: bool) -> None:
    if not quiet:
        click.echo(f"Altid Opslag is ready: {settings.listen.url}/")


def _ask(settings: Settings) -> dict[str, Any] | None:
    """What the running one says of itself; None where none answers."""
    import httpx

    try:
        with httpx.Client(verify=_trust(settings), timeout=_ASK_S) as client:
            answer = client.get(f"{_own_url(settings)}/health/ready")
    except (httpx.HTTPError, OSError):
        return None
    if answer.status_code != 200 or len(answer.content) > _STATUS_BYTES_MAX:
        return None
    told: dict[str, Any] = answer.json()
    return told


def _own_url(settings: Settings) -> str:
    """From this machine, also where it listens for all others."""
    listen = settings.listen
    here = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(listen.host)  # noqa: S104
    return listen.url if here is None else f"{listen.url.partition('://')[0]}://{here}:{listen.port}"


def _trust(settings: Settings) -> ssl.SSLContext | bool:
    """Only the place's own certificate; it is asked for by address, so names are not compared."""
    if not settings.listen.certificate:
        return True
    context = ssl.create_default_context(cafile=settings.listen.certificate)
    context.check_hostname = False
    return context
