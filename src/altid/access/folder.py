"""The folder that a guard works from: the access secret and the journals, owned by whoever serves.

```
FOLDER/access.key    the access secret, 0600
FOLDER/audit/        the journals, 0700
FOLDER/intents/      those of orders, likewise
FOLDER/identity.toml the region's identity providers, where it has some, with the files that it names
```
"""

from __future__ import annotations

import os
import random
from contextlib import suppress
from pathlib import Path

from altid.access.federation.file import files_of
from altid.access.federation.table import IdentityFileError
from altid.access.guard import AUDIT_FOLDER, INTENTS_FOLDER, PROVIDERS_FILE, SECRET_FILE
from altid.access.secret import SECRET_BYTES, AccessSecret, read_secret_file
from altid.record.postgres.account import Account
from altid.record.postgres.folder import write_owned


def new_secret(rng: random.Random | None = None) -> AccessSecret:
    """A secret that nobody had before."""
    return AccessSecret((rng or random.SystemRandom()).randbytes(SECRET_BYTES))


def prepare(folder: Path, account: Account, secret: AccessSecret | None = None) -> None:
    """Make what is missing, for `account` alone. A secret that is there stays, unless it is to be another.

    `secret`: the one that it must be, where several folders share it. Raises `SecretError` if the file that
    is there can't be used, or `OSError`.
    """
    path = folder / SECRET_FILE
    if path.exists():
        _give(path, account)
        if secret is not None and read_secret_file(path) != secret:
            write_owned(path, secret.text, account)
        else:
            read_secret_file(path)
    else:
        write_owned(path, (secret or new_secret()).text, account)
    for journals in (folder / AUDIT_FOLDER, folder / INTENTS_FOLDER):
        journals.mkdir(mode=0o700, exist_ok=True)
        for one in (journals, *journals.rglob("*")):  # root may have served from it before
            _give(one, account)
    for one in _provided(folder):  # and has perhaps put these there
        _give(one, account)


def _provided(folder: Path) -> tuple[Path, ...]:
    """What is wrong with the file is told where it is read (`federation.file`)."""
    try:
        return files_of(folder / PROVIDERS_FILE)
    except (IdentityFileError, OSError):
        return ()


def _give(path: Path, account: Account) -> None:
    if os.geteuid() == 0:
        with suppress(FileNotFoundError):  # shipped and deleted in this moment
            os.chown(path, account.uid, account.gid, follow_symlinks=False)
