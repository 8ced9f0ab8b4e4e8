"""Tells what happens in a demo, each line with the seconds since it began."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import click

Mark = Literal["…", "✓", "✕", "▲", "★", " "]
_COLOURS: dict[Mark, str] = {"✓": "green", "✕": "red", "▲": "yellow", "★": "cyan"}


class DemoError(click.ClickException):
    """Something that the demo shows is not as it should be."""


@dataclass(slots=True)
class Narrator:
    """Prints lines, or nothing when it is silent."""

    silent: bool = False
    _began_s: float = field(default_factory=time.time)

    def tell(self, text: str, mark: Mark = " ", at: datetime | None = None) -> None:
        """Print a line; `at` is when it happened, if that was not now."""
        if self.silent:
            return
        since_s = max(0.0, (at.timestamp() if at else time.time()) - self._began_s)
        sign = click.style(mark, fg=_COLOURS.get(mark))
        click.echo(f"{since_s:7.1f} s  {sign} {text}")

    def print(self, text: str = "") -> None:
        """Print it as it is."""
        if not self.silent:
            click.echo(text)

    def expect(self, holds: bool, what: str, *, quiet: bool = False) -> None:
        """Print that it holds. Raises `DemoError` if it doesn't."""
        if not holds:
            raise DemoError(f"the demo's check failed: {what} — it is not so")
        if not quiet:
            self.tell(what, "✓")
