"""The folder that a guard works from: the access secret and the journals, owned by whoever serves.

```
FOLDER/access.key    the access secret, 0600
FOLDER/audit/        the journals, 0700
```
"""

from __future__ import annotations

import os
import random
from contextlib import suppress
from pathlib import Path

from altid.access.guard import AUDIT_FOLDER, SECRET_FILE
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
    path, journals = folder / SECRET_FILE, folder / AUDIT_FOLDER
    if path.exists():
        _give(path, account)
        if secret is not None and read_secret_file(path) != secret:
            write_owned(path, secret.text, account)
        else:
            read_secret_file(path)
    else:
        write_owned(path, (secret or new_secret()).text, account)
    journals.mkdir(mode=0o700, exist_ok=True)
    for one in (journals, *journals.rglob("*")):  # root may have served from it before
        _give(one, account)


def _give(path: Path, account: Account) -> None:
    if os.geteuid() == 0:
        with suppress(FileNotFoundError):  # shipped and deleted in this moment
            os.chown(path, account.uid, account.gid, follow_symlinks=False)
