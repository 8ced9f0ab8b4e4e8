"""The place that a command of `altid opslag` works on: its settings and its key."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from altid.cli.app import Options
from altid.lookup import keys
from altid.lookup.settings import Settings, SettingsError, read_settings

key_file_option = click.option(
    "--key-file",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="ALTID_OPSLAG_KEY_FILE",
    metavar="FILE",
    help="The file that opens the key, on another medium than the copy.",
)


def settings_of(options: Options) -> Settings:
    """What `opslag.toml` of the data folder says."""
    try:
        return read_settings(options.data)
    except SettingsError as error:
        raise click.UsageError(str(error)) from None


def key_of(settings: Settings, key_file: Path | None) -> bytes:
    """By what the machine has or was given; a passphrase is only asked for where somebody sits."""
    try:
        return keys.open_key(settings.folder, keys.Secrets(key_file=key_file))
    except keys.LockedError as error:
        raise click.ClickException(str(error)) from None
    except keys.KeyUnavailableError as error:
        if key_file is not None or not sys.stdin.isatty():
            raise click.ClickException(str(error)) from None
    try:
        typed = click.prompt("Passphrase", hide_input=True)
        return keys.open_key(settings.folder, keys.Secrets(passphrase=typed))
    except keys.KeyUnavailableError as error:
        raise click.ClickException(str(error)) from None
