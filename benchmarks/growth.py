"""How the cost of single operations changes while the record grows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import size
from benchmarks.dataset import Dataset
from benchmarks.measure import Measurement, load, measure
from benchmarks.server import Server
from benchmarks.size import Size

OPERATIONS = ("read", "find", "search", "create")
CONNECTIONS = 8
REPEATS = 2
"""Results of each analysis for a patient: few, so that 100,000 patients are loaded within half an hour."""

_PATIENTS_PER_BUNDLE = 10


@dataclass(frozen=True, slots=True)
class Point:
    """The operations at one size of the record."""

    patients: int
    size: Size
    loading: Measurement
    operations: list[Measurement]


def measure_growth(
    server: Server,
    patients: list[int],
    seconds: float,
    warmup_seconds: float,
    say: Callable[[str], None],
) -> list[Point]:
    """Fill the record to each number of patients in turn, and measure there."""
    empty_bytes = size.database_bytes(server)
    points: list[Point] = []
    stored, created = 0, 0
    for count in sorted(patients):
        data = Dataset(count, repeats=REPEATS)
        say(f"loading up to {count:,} patients ({data.resources:,} resources)")
        loading = load(server, data, stored, _PATIENTS_PER_BUNDLE)
        stored = count
        taken = size.take(server, data.resources + created, empty_bytes)
        operations = [
            measure(server, data, operation, CONNECTIONS, seconds, warmup_seconds) for operation in OPERATIONS
        ]
        created += operations[OPERATIONS.index("create")].outcome.sent
        points.append(Point(count, taken, loading, operations))
    return points
