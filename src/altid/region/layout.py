"""The region's data folder: what lies where, whose it is, and its marker.

```
DATA/region.toml      the region as it runs
DATA/region.json      the marker: this folder was made by Altid, for this region and these versions
DATA/secrets.json     passwords of the database's roles, and the access secret, 0600
DATA/events.jsonl     what happened: one JSON object a line
DATA/reconciliations/ what each reconciliation of orders has found (see `altid.orders.proofs`)
DATA/starting         held by `altid up` while it works, so that two never make the same folder
DATA/pki/             the region's authority, the operator's identity (see `certificates`)
DATA/A, DATA/B, DATA/W   one folder a place: etcd/, postgres/, patroni/, pki/, log/, lock, parts.json;
                         at a site also access.key and audit/ (see `altid.access.folder`)
DATA/identity.toml    the region's identity providers, where it has some, with the files that it names;
                         each site has a copy (see `identities`)
```

Nothing here deletes a folder that Altid did not make.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from pathlib import Path

from altid.access.secret import SECRET_BYTES
from altid.record.postgres.account import Account, choose, current, reaches
from altid.record.postgres.folder import write_owned
from altid.record.postgres.programs import MAJOR
from altid.region.error import RegionError
from altid.region.regionfile import read_region, render_region
from altid.region.topology import Place, Region, Site

_FORMAT = 2
"""2: lines are encrypted; etcd's members of a folder of format 1 know each other by http."""

_MARKER = "region.json"
_STARTING = "starting"
_PASSWORD_BYTES = 24
_LOCK_TRIES, _LOCK_PAUSE_S = 10, 0.01
_BEFORE_THE_MARKER = frozenset({_STARTING, "region.toml", "region.toml.new", f"{_MARKER}.new"})
"""What is made before the marker: a start that ends between may leave these."""


@dataclass(frozen=True, slots=True)
class PlaceFolders:
    """The folders and files of one place."""

    root: Path

    @property
    def etcd(self) -> Path:
        return self.root / "etcd"

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def patroni(self) -> Path:
        return self.root / "patroni"

    @property
    def pki(self) -> Path:
        """The place's own identity and the certificate of the region's authority (see `certificates`)."""
        return self.root / "pki"

    @property
    def tunnel(self) -> Path:
        """Where the place's Envoy for PostgreSQL runs (see `tunnel`)."""
        return self.root / "tunnel"

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def live(self) -> Path:
        """The live lease (see `guardian.lease`)."""
        return self.root / "live"

    @property
    def gateway(self) -> Path:
        """What the site's gateway reads, its admin socket, and who is drained."""
        return self.root / "gateway"

    @property
    def drained(self) -> Path:
        return self.gateway / "drained.json"

    @property
    def out(self) -> Path:
        """Servers that the canary has taken out."""
        return self.gateway / "out.json"

    @property
    def canary(self) -> Path:
        """What the canary tells of the site's servers."""
        return self.gateway / "canary.json"

    @property
    def intents(self) -> Path:
        """The journals of the site's servers for orders (see `altid.orders.desk`)."""
        return self.root / "intents"

    @property
    def lookup(self) -> Path:
        """The site's own lookup record (see `lookup`)."""
        return self.root / "lookup"

    @property
    def lookup_pki(self) -> Path:
        """Its certificate."""
        return self.lookup / "pki"

    @property
    def lookup_key(self) -> Path:
        """What opens the key of its copy: not in the copy's own folder."""
        return self.root / "lookup.key"

    @property
    def restart(self) -> Path:
        """Which part the supervisor shall start again: it looks at SIGHUP."""
        return self.root / "restart.json"

    @property
    def joins(self) -> Path:
        """Until when the place may join the others as a new one (see `replace`)."""
        return self.root / "joins.json"

    @property
    def parts(self) -> Path:
        """What the supervisor tells of its processes."""
        return self.root / "parts.json"


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of a region's data folder."""

    data: Path

    @property
    def region_file(self) -> Path:
        return self.data / "region.toml"

    @property
    def marker(self) -> Path:
        return self.data / _MARKER

    @property
    def secrets_file(self) -> Path:
        return self.data / "secrets.json"

    @property
    def pki(self) -> Path:
        """The region's authority, and the identities that are no place's (see `certificates`)."""
        return self.data / "pki"

    @property
    def events(self) -> Path:
        return self.data / "events.jsonl"

    @property
    def starting(self) -> Path:
        return self.data / _STARTING

    @property
    def restored(self) -> Path:
        """Of a region that was made from a backup: which site the database was put at, and when."""
        return self.data / "restored.json"

    @property
    def faults(self) -> Path:
        return self.data / "faults.json"

    @property
    def capacity(self) -> Path:
        """What `altid capacity` measured last."""
        return self.data / "capacity.json"

    def place(self, name: str) -> PlaceFolders:
        return PlaceFolders(self.data / name)


@dataclass(frozen=True, slots=True)
class Secrets:
    """Passwords of roles, and the access secret. Never logged; in the data folder as a file of the service
    user's alone."""

    superuser: str
    replication: str
    app: str
    monitor: str
    patroni: str
    access: str = ""
    """What logon stands on, the same at both sites (see `altid.access.secret`); empty where no server runs,
    and in a folder that an older Altid made."""


def load_region(layout: Layout) -> Region:
    """The region that the data folder was made for. Raises `RegionError` if there is none."""
    try:
        made = layout.marker.is_file()
    except PermissionError:
        raise RegionError(_unreadable(layout)) from None
    if not made:
        raise RegionError(f"{layout.data} holds no region: start one with `altid up --data {layout.data}`.")
    return read_region(layout.region_file)


def load_secrets(layout: Layout) -> Secrets:
    """The passwords. Raises `RegionError` when the file can't be read."""
    try:
        return Secrets(**json.loads(layout.secrets_file.read_text()))
    except (OSError, ValueError, TypeError):
        raise RegionError(
            f"{layout.secrets_file} cannot be read: the region's passwords are there."
        ) from None


def check_ours(layout: Layout, region: Region) -> None:
    """Raise `RegionError` if the folder holds something else than this very region, or an older version's."""
    try:
        if not layout.data.exists():
            return
        if not layout.marker.is_file():
            _check_unused(layout)
            return
    except PermissionError:
        raise RegionError(_unreadable(layout)) from None
    try:
        marker = json.loads(layout.marker.read_text())
        found = (marker["format"], marker["postgres"], marker["region"])
    except (OSError, ValueError, KeyError, TypeError):
        raise RegionError(f"{layout.marker} is damaged: the folder is left as it is.") from None
    if found[:2] != (_FORMAT, MAJOR):
        raise RegionError(
            f"{layout.data} is of format {found[0]} and PostgreSQL {found[1]}, this Altid has {_FORMAT} and "
            f"{MAJOR}: use the Altid that made it."
        )
    if found[2] != region.name:
        raise RegionError(
            f"{layout.data} belongs to the region {found[2]}, not {region.name}: give another --data."
        )
    _check_unchanged(layout, region)


def _check_unused(layout: Layout) -> None:
    """Without a marker nothing may be there but what a start that was broken off left behind."""
    if (layout.data / "postgres").exists():
        raise RegionError(f"{layout.data} holds the record of `altid serve`: give another --data.")
    if any(entry.name not in _BEFORE_THE_MARKER for entry in layout.data.iterdir()):
        raise RegionError(f"{layout.data} is not empty and was not made by `altid up`: give another --data.")


def _unreadable(layout: Layout) -> str:
    return f"{layout.data} belongs to another user: be that user or root, or give another --data."


def _check_unchanged(layout: Layout, region: Region) -> None:
    """etcd's members know each other by address for good; the rest may change while nothing runs."""
    made = read_region(layout.region_file)
    if [_member(place) for place in made.places] != [_member(place) for place in region.places]:
        raise RegionError(
            f"{layout.data} was made with other places: names, hosts and etcd_peer ports must stay."
        )
    running = [place.name for place in made.places if holder(layout.place(place.name).lock) is not None]
    if running and made != region:
        raise RegionError(
            f"{', '.join(running)} of {layout.data} runs with another region file: `altid down` first."
        )


def _member(place: Place) -> tuple[str, str, int]:
    return place.name, place.host, place.etcd_peer


def make(layout: Layout, region: Region, account: Account) -> None:
    """Make the folders that are missing and write the region down; what is there stays as it is."""
    check_reach(layout, account)
    make_folder(layout.data, account)
    try:
        write_owned(layout.region_file, render_region(region), account)
        if not layout.marker.exists():
            write_owned(layout.marker, marker_text(region), account)
        if not layout.secrets_file.exists():
            write_owned(layout.secrets_file, json.dumps(asdict(new_secrets())), account)
        known = load_secrets(layout)
        if not known.access:
            full = replace(known, access=new_access())
            write_owned(layout.secrets_file, json.dumps(asdict(full)), account)
    except OSError as error:
        raise RegionError(f"{layout.data} cannot be written: {error.strerror}.") from None
    for place in region.places:
        make_place(layout, place, account)


def owner(layout: Layout) -> Account:
    """Whose the data folder is: the service user's, or that of who keeps the operator's folder, also root."""
    if os.geteuid() != 0 or layout.data.stat().st_uid == 0:
        return current()
    return choose(layout.data)


def may_join(folders: PlaceFolders, now: datetime) -> bool:
    """Whether the place was announced to the others as a new one, not long ago."""
    try:
        return now < datetime.fromisoformat(json.loads(folders.joins.read_text())["until"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def check_reach(layout: Layout, account: Account) -> None:
    """Raise `RegionError` if the service user can't come to the data folder, made or to be made."""
    nearest = next(folder for folder in (layout.data, *layout.data.parents) if folder.exists())
    if not reaches(account, nearest):
        raise RegionError(
            f"The user {account.name} cannot reach {layout.data}: choose one that isn't in a private one."
        )


def make_place(layout: Layout, place: Place, account: Account) -> None:
    """Make the place's folders that are missing. Raises `RegionError`."""
    folders = layout.place(place.name)
    for folder in (folders.root, folders.etcd, folders.patroni, folders.log, folders.pki, folders.tunnel):
        make_folder(folder, account)
    if isinstance(place, Site):
        for folder in (folders.lookup, folders.lookup_pki):
            make_folder(folder, account)


def marker_text(region: Region) -> str:
    """What says that a folder was made by Altid, for this region and these versions."""
    return json.dumps({"made_by": "altid", "format": _FORMAT, "postgres": MAJOR, "region": region.name})


def new_secrets() -> Secrets:
    """Passwords for a region that has none yet."""
    passwords = [field.name for field in fields(Secrets) if field.name != "access"]
    return Secrets(
        **{name: secrets.token_urlsafe(_PASSWORD_BYTES) for name in passwords}, access=new_access()
    )


def new_access() -> str:
    """An access secret that nobody had before, as text."""
    return secrets.token_hex(SECRET_BYTES)


def make_folder(folder: Path, account: Account) -> None:
    """Make a folder for the service user alone, if it isn't there. Raises `RegionError`."""
    if folder.is_dir():
        return
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(folder, account.uid, account.gid)
    except OSError as error:
        raise RegionError(f"The folder {folder} cannot be made: {error.strerror}.") from None


@contextmanager
def held(path: Path, account: Account | None = None) -> Iterator[bool]:
    """Hold a lock file for this process, with its number inside; gives false if another process does.

    The file belongs to `account`, if it is given: root may be followed by the service user itself.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        if account is not None and os.geteuid() == 0:
            os.fchown(descriptor, account.uid, account.gid)
        if not _locked(descriptor):
            yield False
            return
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield True
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    """Take the lock. One that looks who holds it (`holder`) is in the way for microseconds: so try again."""
    for _ in range(_LOCK_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_LOCK_PAUSE_S)
        else:
            return True
    return False


def holder(path: Path) -> int | None:
    """The process that holds the lock file, or None when nobody does."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        text = os.read(descriptor, 32).strip()
        return int(text) if text.isdigit() else None
    finally:
        os.close(descriptor)
