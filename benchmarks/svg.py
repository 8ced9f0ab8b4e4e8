"""Drawing in SVG: the few shapes that the pictures need, as text that diffs well."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape, quoteattr

INK, QUIET, GRID = "#1a1a1a", "#595959", "#d9d9d9"
_FONT = "font-family='Helvetica, Arial, sans-serif'"


def picture(width: int, height: int, title: str, description: str, shapes: Iterable[str]) -> str:
    """A whole file. Title and description are read aloud by screen readers."""
    return "\n".join(
        [
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' role='img' {_FONT}>",
            f"<title>{escape(title)}</title>",
            f"<desc>{escape(description)}</desc>",
            f"<rect width='{width}' height='{height}' fill='white'/>",
            *shapes,
            "</svg>\n",
        ]
    )


def text(x: float, y: float, words: str, size: int = 14, anchor: str = "start", fill: str = INK) -> str:
    """Words with their baseline at `y`; `anchor` is start, middle or end."""
    place = f"x='{x:.1f}' y='{y:.1f}' font-size='{size}' text-anchor={quoteattr(anchor)} fill='{fill}'"
    return f"<text {place}>{escape(words)}</text>"


def line(x1: float, y1: float, x2: float, y2: float, stroke: str = INK, width: float = 1) -> str:
    ends = f"x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}'"
    return f"<line {ends} stroke='{stroke}' stroke-width='{width}'/>"


def path(points: Sequence[tuple[float, float]], stroke: str, dashes: str = "") -> str:
    """Straight lines through the points."""
    pairs = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashed = f" stroke-dasharray='{dashes}'" if dashes else ""
    return f"<polyline points='{pairs}' fill='none' stroke='{stroke}' stroke-width='2'{dashed}/>"


def dot(x: float, y: float, fill: str) -> str:
    return f"<circle cx='{x:.1f}' cy='{y:.1f}' r='3.5' fill='{fill}'/>"


def bar(x: float, y: float, width: float, height: float, fill: str) -> str:
    return f"<rect x='{x:.1f}' y='{y:.1f}' width='{max(width, 1):.1f}' height='{height:.1f}' fill='{fill}'/>"


def round_up(value: float) -> float:
    """The next 1, 2 or 5 times a power of ten: a good end for an axis."""
    if value <= 0:
        return 1.0
    step = 1e-6
    while True:
        for factor in (1, 2, 5):
            if step * factor >= value * (1 - 1e-9):
                return float(f"{step * factor:.6g}")
        step *= 10
