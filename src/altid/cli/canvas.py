"""A canvas of characters: boxes, lines and words at places, each with a style."""

from __future__ import annotations

from typing import NamedTuple

from rich.text import Text


class Border(NamedTuple):
    """The characters of a box: corners from the top left clockwise, then across and down."""

    top_left: str
    top_right: str
    bottom_right: str
    bottom_left: str
    across: str
    down: str


LIGHT = Border("╭", "╮", "╯", "╰", "─", "│")
HEAVY = Border("┏", "┓", "┛", "┗", "━", "┃")


class Canvas:
    """Starts empty; what doesn't fit is cut."""

    def __init__(self, width: int, height: int) -> None:
        self._cells = [[(" ", "")] * width for _ in range(height)]

    def put(self, x: int, y: int, text: str, style: str = "", room: int | None = None) -> None:
        """Write from `x` on, with an ellipsis where there is no more `room`."""
        row = self._cells[y]
        for offset, character in enumerate(_fitted(text, room)):
            if 0 <= x + offset < len(row):
                row[x + offset] = (character, style)

    def put_right(self, end_x: int, y: int, text: str, style: str = "") -> None:
        """Write so that it ends before `end_x`."""
        self.put(end_x - len(text), y, text, style)

    def put_middle(self, middle_x: int, y: int, text: str, style: str = "", room: int | None = None) -> None:
        fitted = _fitted(text, room)
        self.put(middle_x - len(fitted) // 2, y, fitted, style)

    def box(self, x: int, y: int, width: int, height: int, border: Border, style: str = "") -> None:
        """Draw a box and empty its inside."""
        inside = width - 2
        self.put(x, y, border.top_left + border.across * inside + border.top_right, style)
        for row in range(y + 1, y + height - 1):
            self.put(x, row, border.down, style)
            self.put(x + 1, row, " " * inside)
            self.put(x + width - 1, row, border.down, style)
        self.put(x, y + height - 1, border.bottom_left + border.across * inside + border.bottom_right, style)

    def lines(self) -> list[Text]:
        """What was drawn, line by line."""
        return [Text.assemble(*row) for row in self._cells]


def _fitted(text: str, room: int | None) -> str:
    if room is None or len(text) <= room:
        return text
    return text[: max(0, room - 1)] + "…"
