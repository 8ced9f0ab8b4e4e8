"""How PostgreSQL is configured: durable before fast, silent about patients, sized from the machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_MIB = 1024 * 1024
_GIB = 1024 * _MIB

BUFFERS_BYTES_MIN, BUFFERS_BYTES_MAX = 128 * _MIB, 8 * _GIB
"""Below, PostgreSQL's own default is better; above, the page cache serves as well and checkpoints grow."""

_BUFFERS_SHARE = 8
"""One part in eight: the machine also runs Altid, and the page cache holds the rest."""

_MEMORY_BYTES_FALLBACK = 2 * _GIB
"""Assumed where neither /proc nor the control group tells."""


@dataclass(frozen=True, slots=True)
class PostgresSettings:
    """What may differ between installations; everything else is fixed in `configuration`."""

    connections_max: int = 100
    """Sessions at once: the servers' pools, jobs, and a reserve for people."""

    buffers_bytes: int | None = None
    """Shared buffers; None sizes them from the memory of the machine or control group."""

    wal_bytes_max: int = 4 * _GIB
    """Write-ahead log between two checkpoints: an import must not checkpoint every few seconds."""

    start_seconds_max: float = 600.0
    """Recovery after a crash replays up to `wal_bytes_max`; on a slow disk that takes minutes."""

    stop_seconds_max: float = 30.0
    """After this long a fast shutdown becomes an immediate one (the next start then recovers)."""

    restart_pause_seconds_min: float = 0.1
    restart_pause_seconds_max: float = 5.0
    """Pause before a restart: doubled at each attempt that fails, within these bounds."""


def configuration(settings: PostgresSettings, socket_dir: Path, port: int) -> str:
    """The text of `altid.conf`. What the promises need comes last, so that `local.conf` cannot undo it."""
    memory_bytes = machine_memory_bytes()
    buffers_bytes = settings.buffers_bytes or _bounded(
        memory_bytes // _BUFFERS_SHARE, BUFFERS_BYTES_MIN, BUFFERS_BYTES_MAX
    )
    sizes = {
        "max_connections": str(settings.connections_max),
        "shared_buffers": _megabytes(buffers_bytes),
        "effective_cache_size": _megabytes(max(memory_bytes // 2, buffers_bytes)),
        "maintenance_work_mem": _megabytes(_bounded(memory_bytes // 32, 64 * _MIB, _GIB)),
        "max_wal_size": _megabytes(settings.wal_bytes_max),
        "min_wal_size": _megabytes(min(settings.wal_bytes_max // 4, _GIB)),
    }
    place = {
        "listen_addresses": "",
        "unix_socket_directories": _list_item(str(socket_dir)),
        "unix_socket_permissions": "0700",
        "port": str(port),
    }
    return "\n".join(
        [
            "# Written by Altid at every start: changes here are lost. Your own settings go to local.conf.",
            *_lines(sizes | _TUNING),
            "include_if_exists 'local.conf'",
            *_lines(place | _PROMISES),
            "",
        ]
    )


_TUNING = {
    "jit": "off",  # the record's queries take milliseconds, compiling them would take longer
    "work_mem": "16MB",
    "random_page_cost": "1.1",  # solid-state disks
    "effective_io_concurrency": "32",
    "wal_compression": "pglz",  # full pages after a checkpoint; the wheel is built without lz4
    "checkpoint_timeout": "15min",
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_analyze_scale_factor": "0.02",
    "track_io_timing": "on",
    "client_connection_check_interval": "1s",  # nobody computes an answer that no one waits for
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
}

_PROMISES = {
    # An acknowledged write survives.
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "remote_apply",  # on one server that is a local flush; the record insists on it
    "wal_level": "replica",
    "allow_alter_system": "off",
    # No patient's data in the log: no statements, no parameters, no details of constraints. Errors of
    # sessions are silenced too (see `silence`), since their texts quote values.
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
    "log_min_messages": "warning",
    # A log that rotates by itself: one week, a file for each day.
    "logging_collector": "on",
    "log_destination": "stderr",
    "log_directory": "log",
    "log_filename": "postgresql-%a.log",
    "log_file_mode": "0600",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_checkpoints": "on",
    "log_lock_waits": "on",
}


def machine_memory_bytes() -> int:
    """Memory of the machine, or of the control group if that allows less."""
    limits = [_meminfo_bytes(Path("/proc/meminfo"))]
    limits += [_limit_bytes(Path(path)) for path in _CONTROL_GROUP_LIMITS]
    return min((limit for limit in limits if limit), default=_MEMORY_BYTES_FALLBACK)


_CONTROL_GROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def _meminfo_bytes(path: Path) -> int | None:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemTotal:")), None)


def _limit_bytes(path: Path) -> int | None:
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _bounded(value: int, least: int, most: int) -> int:
    return max(least, min(value, most))


def _megabytes(value_bytes: int) -> str:
    return f"{value_bytes // _MIB}MB"


def _list_item(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _lines(values: dict[str, str]) -> list[str]:
    return [f"{name} = {_quoted(value)}" for name, value in values.items()]


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
