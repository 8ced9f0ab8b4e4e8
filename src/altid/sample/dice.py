"""Chance that stays the same on every machine and in every version of Python.

Only `random.Random.random()` is promised to give the same sequence for ever (the Python documentation,
"Notes on Reproducibility"); `choice`, `shuffle` and `gauss` are not. So everything here is made from that
one method.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import accumulate
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """A stream of chance that its name alone decides."""

    __slots__ = ("_random",)

    def __init__(self, name: str) -> None:
        self._random = random.Random(name).random

    def chance(self, probability: float) -> bool:
        return self._random() < probability

    def pick(self, choices: Sequence[T]) -> T:
        return choices[int(self._random() * len(choices))]

    def weighted(self, choices: Sequence[T], weights: Sequence[float]) -> T:
        """One of `choices`, each as likely as its weight (of any positive sum)."""
        sums = list(accumulate(weights))
        mark = self._random() * sums[-1]
        return next(
            (choice for choice, upto in zip(choices, sums, strict=True) if mark < upto),
            choices[-1],
        )

    def some(self, choices: Sequence[T], count: int) -> list[T]:
        """`count` different ones of `choices` (or all, if there are fewer)."""
        left = list(choices)
        return [left.pop(int(self._random() * len(left))) for _ in range(min(count, len(left)))]

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self._random()

    def whole(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self._random() * (high - low + 1))

    def about(self, middle: float, spread: float) -> float:
        """Near `middle`, bell-shaped, never further off than three times `spread`."""
        return middle + spread * 2 * (self._random() + self._random() + self._random() - 1.5)
