"""How PostgreSQL's own programs reach a site: a connection string without a password, and a password file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from altid.record.postgres.account import Account
from altid.record.postgres.folder import write_owned

APPLICATION = "altid_archive"
"""What the archive is called at the leader. No member's name, so never among the synchronous standbys."""

SLOT = "altid_archive"
"""The replication slot that both sites keep for the archive."""

_OPTIONS = "-c wal_sender_timeout=20s -c tcp_user_timeout=20s"
"""The sites give a standby up after a good second. The archive may be slow (a full second's sync of its disk)
and loses nothing by it."""

_ALIVE = {
    "connect_timeout": "5",
    "keepalives_idle": "2",
    "keepalives_interval": "1",
    "keepalives_count": "3",
    "tcp_user_timeout": "5000",
}
"""A site that has fallen silent is noticed within five seconds; meanwhile nothing is lost, only late."""


def conninfo(dsn: str, passfile: Path) -> str:
    """The connection string for the server of the URL, to be shown on command lines."""
    host, port, user, _ = _parts(dsn)
    words = {"host": host, "port": port, "user": user, "passfile": str(passfile), **_ALIVE}
    words |= {"application_name": APPLICATION, "options": _OPTIONS}
    return " ".join(f"{name}={_quoted(value)}" for name, value in words.items())


def write_passfile(path: Path, dsns: Sequence[str], account: Account) -> None:
    """Write the passwords of the URLs where libpq looks for them, readable by the service user only."""
    lines = []
    for dsn in dsns:
        host, port, user, password = _parts(dsn)
        lines.append(":".join([_escaped(host), port, "*", _escaped(user), _escaped(password)]))
    write_owned(path, "\n".join(lines) + "\n", account)


def _parts(dsn: str) -> tuple[str, str, str, str]:
    """Host, port, user and password of a URL; the host may be a socket's folder in the query."""
    split = urlsplit(dsn)
    query = {name: values[0] for name, values in parse_qs(split.query).items()}
    host = query.get("host") or split.hostname or ""
    port = query.get("port") or str(split.port or 5432)
    return host, port, unquote(split.username or ""), unquote(split.password or "")


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(":", "\\:")
