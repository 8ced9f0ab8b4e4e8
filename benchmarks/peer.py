"""The record that Altid is compared with, as it was measured on such a machine."""

from __future__ import annotations

from typing import NamedTuple

SOURCE = (
    "Medplum 5.1 (Node 22, one process; PostgreSQL 15 with 2 GB of buffers; Redis), measured on a 2-core "
    "machine with the load generator on the same 2 cores and real Synthea data. It checked a token on every "
    "request."
)


class Figure(NamedTuple):
    """What the peer reached, and what Altid is to reach."""

    connections: int
    per_second: float
    p99_ms: float | None
    goal_per_second: float


FIGURES = {
    "read": Figure(8, 940, 41, 4_700),
    "search": Figure(32, 474, 178, 2_400),
    "create": Figure(32, 206, 279, 1_650),
    "update": Figure(32, 176, 306, 1_400),
    "import": Figure(4, 199, None, 2_000),
}
"""By workload; `import` in resources per second."""

MEMORY_BYTES_MIN, MEMORY_BYTES_MAX = 520_000_000, 910_000_000
BYTES_PER_RESOURCE = 698_000_000 / 60_000
