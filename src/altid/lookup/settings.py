"""`opslag.toml`: where a lookup record runs, what it keeps, and whom it asks. Read once, at the start.

docs/opslag.toml is an example with all there is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from altid.lookup.beside.sources import FhirSource, Hl7Source, read_sources
from altid.screen.headers import origin_of
from altid.tomlfile import Table, is_here, read_table

FILE = "opslag.toml"
SOURCES_MAX, WARDS_MAX = 16, 64
_NAME = re.compile(r"[^\W_][\w .,()/-]{0,63}")
_SOURCE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}", re.ASCII)
_PREFIX = re.compile(r"[A-Z0-9]{2,6}", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}", re.ASCII)
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)


class SettingsError(ValueError):
    """`opslag.toml` can't be used. One line: which line of the file, what is wrong."""


class Kind(StrEnum):
    """What sort of place it is."""

    SITE = "site"
    HOSPITAL = "hospital"
    WARD = "ward"


@dataclass(frozen=True, slots=True)
class Source:
    """A server whose feed is read; `authority`: PEM file of whose certificates are believed, "" for the
    machine's own list."""

    name: str
    url: str
    authority: str


@dataclass(frozen=True, slots=True)
class Listen:
    """Where the pages are. `certificate` and `key`: PEM files, "" only where nobody else can reach it."""

    host: str = "127.0.0.1"
    port: int = 8443
    certificate: str = ""
    key: str = ""

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.certificate else 'http'}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From what age on the data are late, old and very old, in seconds."""

    late_s: int = 120
    """A feed that runs is a second behind; after two minutes it stands still."""
    old_s: int = 1_800
    """Half an hour: a round of drugs or a set of answers may be missing."""
    very_old_s: int = 14_400
    """Four hours: half a shift."""


@dataclass(frozen=True, slots=True)
class Paper:
    """Prints that are made before anybody needs them."""

    every_min: int = 30
    """So often the ward reports are made anew; 0: only when somebody asks."""
    keep: int = 3
    """So many of each kind and ward are kept: the last ones, should the newest be of a bad moment."""
    forms_at: str = ""
    """`HH:MM`: when blank forms are made once a day; "" for never."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All of the file. `folder` is where it lies: the copy and its keys lie there too."""

    folder: Path
    name: str
    kind: Kind
    prefix: str
    """What numbers of paper forms begin with: no two places have the same."""
    wards: tuple[str, ...] = ()
    """Ids of the wards that it keeps; none: everything."""
    sources: tuple[Source, ...] = ()
    beside: tuple[FhirSource | Hl7Source, ...] = ()
    """Systems of others that are sources too, or alone."""
    credentials: str = ""
    """File with the client's id and key, for the sources."""
    listen: Listen = field(default_factory=Listen)
    thresholds: Thresholds = field(default_factory=Thresholds)
    lock_after_days: int = 7
    """Without touch with a source for so long, a ward's copy locks itself; 0: never."""
    paper: Paper = field(default_factory=Paper)

    @property
    def record_urls(self) -> tuple[str, ...]:
        """Where browsers find the record: its sites' addresses, as its feed is asked at."""
        return tuple(dict.fromkeys(each for one in self.sources for each in origin_of(one.url)))

    @property
    def copy_file(self) -> Path:
        return self.folder / "copy.db"


def read_settings(folder: Path) -> Settings:
    """What `opslag.toml` of the folder says. Raises `SettingsError`."""
    path = folder / FILE
    top = read_table(path, SettingsError)
    if top is None:
        raise SettingsError(f"there is no {FILE} in {folder}: `altid opslag create` makes one")
    kind = _kind(top)
    wards = top.texts("wards", ())
    if len(wards) > WARDS_MAX or not all(_ID.fullmatch(ward) for ward in wards):
        raise top.fault(f"wards are at most {WARDS_MAX} ids of wards", "wards")
    if kind is Kind.WARD and not wards:
        raise top.fault("a ward's copy names its wards: wards = [...]", "kind")
    made = Settings(
        folder,
        _matching(top, "name", _NAME, "name has 1 to 64 letters, digits, spaces and - . , ( ) /"),
        kind,
        _matching(top, "prefix", _PREFIX, "prefix has 2 to 6 capital letters or digits"),
        wards,
        _sources(top),
        read_sources(top),
        top.file("credentials"),
        _listen(top.table("listen")),
        _thresholds(top.table("age")),
        round(top.number("lock_after_days", 7 if kind is Kind.WARD else 0, 0, 365)),
        _paper(top.table("paper")),
    )
    if made.sources and not made.credentials:
        raise top.fault("credentials is missing: the sources want to know who asks", "credentials")
    top.end()
    return made


def _kind(top: Table) -> Kind:
    try:
        return Kind(top.text("kind"))
    except ValueError as error:
        if isinstance(error, SettingsError):
            raise
        raise top.fault(f"kind is one of {', '.join(Kind)}", "kind") from None


def _matching(table: Table, name: str, form: re.Pattern[str], fault: str) -> str:
    value = table.text(name)
    if not form.fullmatch(value):
        raise table.fault(fault, name)
    return value


def _sources(top: Table) -> tuple[Source, ...]:
    found: list[Source] = []
    for table in top.tables("source", maximum=SOURCES_MAX):
        name = _matching(table, "name", _SOURCE_NAME, "name has 1 to 32 letters, digits or -")
        url = table.text("url")
        parts = urlsplit(url)
        if parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment:
            raise table.fault("url is like https://a.epj.example.org/feed", "url")
        if parts.scheme == "http" and not is_here(parts.hostname):
            raise table.fault("url without TLS only on this machine", "url")
        if name in {one.name for one in found}:
            raise table.fault("two sources have the same name", "name")
        found.append(Source(name, url.rstrip("/"), table.file("authority")))
        table.end()
    return tuple(found)


def _listen(table: Table) -> Listen:
    host, port = table.address("127.0.0.1:8443")
    certificate, key = table.file("certificate"), table.file("key")
    if bool(certificate) != bool(key):
        raise table.fault("certificate and key belong together")
    if not certificate and not is_here(host):
        raise table.fault("certificate and key are missing: without TLS only on this machine", "address")
    table.end()
    return Listen(host, port, certificate, key)


def _thresholds(table: Table) -> Thresholds:
    usual = Thresholds()
    made = Thresholds(
        round(table.number("late_s", usual.late_s, 5, 86_400)),
        round(table.number("old_s", usual.old_s, 5, 7 * 86_400)),
        round(table.number("very_old_s", usual.very_old_s, 5, 30 * 86_400)),
    )
    if not made.late_s < made.old_s < made.very_old_s:
        raise table.fault("late_s is less than old_s, and old_s less than very_old_s", "old_s")
    table.end()
    return made


def _paper(table: Table) -> Paper:
    made = Paper(
        round(table.number("every_min", 30, 0, 1_440)),
        round(table.number("keep", 3, 1, 48)),
        table.text("forms_at", ""),
    )
    if made.forms_at and not _CLOCK.fullmatch(made.forms_at):
        raise table.fault("forms_at is HH:MM", "forms_at")
    table.end()
    return made
