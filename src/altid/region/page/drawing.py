"""Where everything stands in the picture, in the SVG's units: two sites above, the witness below."""

from __future__ import annotations

from dataclasses import dataclass

WIDTH, HEIGHT = 900, 408

_TEXT_CHARACTERS_MAX = 27
"""So many fit in a box at the size that a row has; the place's card below has the whole text."""


@dataclass(frozen=True, slots=True)
class Box:
    """The box of a place."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Track:
    """The line between two boxes, and where its words stand."""

    path: str
    mark: tuple[int, int]
    """The sign for its state, on the line."""

    above: tuple[int, int]
    below: tuple[int, int]


SITES = (Box(10, 10, 310, 212), Box(580, 10, 310, 212))
WITNESS = Box(330, 284, 240, 114)
TRACKS = (
    Track("M320 104 H580", (450, 104), (450, 78), (450, 148)),
    Track("M165 222 V339 H330", (165, 290), (236, 327), (236, 365)),
    Track("M735 222 V339 H570", (735, 290), (664, 327), (664, 365)),
)
"""Between the sites, then each to the witness."""

ARROWS = ("M556 92 L580 104 L556 116 Z", "M344 92 L320 104 L344 116 Z")
"""The head of the line between the sites, where the log flows to the second and to the first."""


def fitted(text: str) -> str:
    """The text, cut where the box ends."""
    return text if len(text) <= _TEXT_CHARACTERS_MAX else text[: _TEXT_CHARACTERS_MAX - 1] + "…"


def name_size(name: str) -> str:
    """The class of a place's name: long ones are written smaller."""
    return "short" if len(name) <= 5 else "middle" if len(name) <= 11 else "long"
