"""The page and the pictures that are written from results."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from benchmarks import svg
from benchmarks.pictures import Bars, growth_picture, throughput_picture
from benchmarks.report import bars, page, write_documents
from benchmarks.table import table


def measurement(
    workload: str, connections: int, per_second: float, resources: float | None = None
) -> dict[str, Any]:
    latency = {"p50_ms": 1.5, "p90_ms": 2.0, "p99_ms": 3.25, "max_ms": 9.0}
    return {
        "workload": workload,
        "resources_per_second": resources,
        "outcome": {
            "connections": connections,
            "per_second": per_second,
            "latency": latency,
            "body_bytes_mean": 950.0,
            "errors": 0,
        },
        "cost": {
            "server_us": 200.0,
            "postgres_us": 90.0,
            "load_us": 22.0,
            "server_processes": 3,
            "postgres_processes": 12,
            "others_cores": 0.1,
        },
    }


def point(patients: int) -> dict[str, Any]:
    operations = [measurement(name, 8, 100) for name in ("read", "find", "search", "create")]
    size = {"resources": patients * 11, "database_bytes": patients * 50_000}
    loading = measurement("load", 4, 10, 2000)
    return {"patients": patients, "size": size, "loading": loading, "operations": operations}


def memory() -> dict[str, int]:
    return {"processes": 3, "rss_bytes": 200_000_000, "pss_bytes": 120_000_000}


THROUGHPUT: dict[str, Any] = {
    "date": "2026-01-02",
    "command": "python -m benchmarks",
    "server": "altid serve",
    "machine": {
        "cpu": "Some <CPU>",
        "cores": 2,
        "memory_bytes": 24_000_000_000,
        "kernel": "Linux 6",
        "python": "3.11.2",
        "postgresql": "18.4",
        "packages": {"altid": "0.1.0", "uvicorn": "1"},
    },
    "measurements": [measurement("read", 8, 4700), measurement("import", 4, 20, 1990)],
    "limits": [
        {"kind": "read", "connections": 8, "per_second": 23500, "mean_ms": 0.3, "command": "pgbench -c 8"}
    ],
    "size": {
        "resources": 46_000,
        "database_bytes": 110_000_000,
        "empty_database_bytes": 18_000_000,
        "relations": {"resource": 50_000_000},
        "server_memory": memory(),
        "postgres_memory": memory(),
    },
    "ceiling": [{"connections": 8, "per_second": 43000.0}],
}
GROWTH = {**THROUGHPUT, "command": "python -m benchmarks growth", "growth": [point(1_000), point(100_000)]}


def test_the_page_compares_with_the_peer_and_the_database() -> None:
    line = next(line for line in page(THROUGHPUT, None).splitlines() if line.startswith("| read Observation"))
    assert line == "| read Observation by id | 8 | 4,700 | 3.2 | 940 | **5.0 ×** | 4,700 | 20% |"


def test_the_page_says_whether_the_measured_server_asked_who_comes() -> None:
    assert "had no access control yet" in page(THROUGHPUT)
    assert "had no access control yet" not in page({**THROUGHPUT, "guarded": True})


def test_an_import_counts_resources() -> None:
    line = next(
        line for line in page(THROUGHPUT, None).splitlines() if line.startswith("| transaction import")
    )
    assert "| 1,990 |" in line
    assert "**10.0 ×**" in line


def test_the_page_names_its_commands() -> None:
    written = page(THROUGHPUT, GROWTH)
    for command in (
        "`python -m benchmarks`",
        "`python -m benchmarks growth`",
        "`pgbench -c 8`",
        "`altid serve`",
    ):
        assert command in written


def test_bytes_per_resource_leave_the_empty_database_out() -> None:
    assert "| database, per resource | 2,000 bytes |" in page(THROUGHPUT, None)


def test_a_table_has_as_many_cells_in_each_line() -> None:
    lines = table(["a", "b", "c"], [["1", "2", "3"], ["4", "5", "6"]]).splitlines()
    assert {line.count("|") for line in lines} == {4}


def test_all_tables_of_the_page_are_regular() -> None:
    blocks = re.findall(r"(?:^\|.*\n)+", page(THROUGHPUT, GROWTH), re.MULTILINE)
    assert len(blocks) == 7
    for block in blocks:
        assert len({line.count("|") for line in block.splitlines()}) == 1


def test_the_documents_are_written_with_their_pictures(tmp_path: Path) -> None:
    files = write_documents(tmp_path, THROUGHPUT, GROWTH)
    assert sorted(file.name for file in files) == ["growth.svg", "performance.md", "throughput.svg"]
    for picture in re.findall(r"\]\((.+\.svg)\)", (tmp_path / "performance.md").read_text()):
        ElementTree.parse(tmp_path / picture)


def test_without_growth_the_page_has_no_picture_of_it(tmp_path: Path) -> None:
    write_documents(tmp_path, THROUGHPUT, None)
    assert "growth" not in (tmp_path / "performance.md").read_text()


def coordinates(picture: str) -> list[tuple[float, float]]:
    root = ElementTree.fromstring(picture)
    pairs = [("x", "y"), ("x1", "y1"), ("x2", "y2"), ("cx", "cy")]
    return [
        (float(shape.attrib[x]), float(shape.attrib[y]))
        for shape in root.iter()
        for x, y in pairs
        if x in shape.attrib
    ]


@pytest.mark.parametrize(
    "picture",
    [growth_picture(GROWTH["growth"]), throughput_picture(bars(THROUGHPUT))],
    ids=["growth", "bars"],
)
def test_a_picture_is_well_formed_described_and_draws_inside_its_frame(picture: str) -> None:
    root = ElementTree.fromstring(picture)
    assert root.find("{http://www.w3.org/2000/svg}desc") is not None
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    assert all(0 <= x <= width and 0 <= y <= height for x, y in coordinates(picture))


def test_names_are_escaped_in_pictures() -> None:
    ElementTree.fromstring(throughput_picture([Bars("a < b & c", 10, None, 5)]))


@pytest.mark.parametrize(("value", "end"), [(0, 1), (0.3, 0.5), (1, 1), (1.01, 2), (7, 10), (420, 500)])
def test_an_axis_ends_at_a_round_number(value: float, end: float) -> None:
    assert svg.round_up(value) == end
