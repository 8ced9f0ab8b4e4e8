"""Two sites on one database, as a browser sees them: two hosts, so no cookie goes from one to the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from altid.api.settings import FhirSettings
from tests.ports import free_port
from tests.running import running_worker
from tests.web.lines import Line


class Reached(NamedTuple):
    """A site as browsers reach it."""

    url: str
    line: Line


class Site:
    """A server that can be stopped and started again at its address."""

    def __init__(self, dsn: str, urls: tuple[str, str], lookup_url: str) -> None:
        self.url = urls[0]
        self._make = lambda: running_worker(
            dsn, FhirSettings(), doorman=False, urls=urls, lookup_url=lookup_url
        )
        self._running: ExitStack | None = None

    def start(self) -> None:
        if self._running is None:
            self._running = ExitStack()
            self._running.enter_context(self._make())

    def stop(self) -> None:
        if self._running is not None:
            self._running.close()
            self._running = None


def two_sites(dsn: str, lookup_url: str) -> tuple[Site, Site]:
    """Neither runs yet."""
    urls = two_hosts(free_port(), free_port())
    return Site(dsn, urls, lookup_url), Site(dsn, (urls[1], urls[0]), lookup_url)


def two_hosts(first: int, second: int) -> tuple[str, str]:
    """Addresses of two ports here."""
    return f"http://127.0.0.1:{first}", f"http://localhost:{second}"


@contextmanager
def behind_lines(dsn: str, lookup_url: str) -> Iterator[tuple[Reached, Reached]]:
    """Two sites that run all the time, each behind a line that can be cut."""
    ports = free_port(), free_port()
    with ExitStack() as running:
        lines = tuple(Line(port) for port in ports)
        urls = two_hosts(lines[0].port, lines[1].port)
        for port, own in zip(ports, (urls, urls[::-1]), strict=True):
            running.enter_context(
                running_worker(dsn, FhirSettings(), doorman=False, urls=own, lookup_url=lookup_url, port=port)
            )
        for line in lines:
            running.callback(line.close)  # before the servers: they wait for whoever is connected
        yield Reached(urls[0], lines[0]), Reached(urls[1], lines[1])
