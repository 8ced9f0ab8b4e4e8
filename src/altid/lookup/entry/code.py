"""The sealed emergency code of a ward: what it looks like, and what is kept of it.

Eleven random signs and one that checks them, in three groups of four, as `7K4M-XQ2P-9HVT`. The signs are 31,
a prime number, and none can be taken for another (no 0, O, 1, I, L): with weights 1 to 12 the check finds
every single wrong sign and every two that changed places. Eleven signs are 54 bits, behind argon2id and a
throttle.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field

SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
LENGTH, GROUP = 12, 4
_BETWEEN = re.compile(r"[\s-]+")


class MistypedError(ValueError):
    """No code looks so: a sign is wrong, missing or too much. Tells nothing about any code."""


@dataclass(frozen=True, slots=True)
class Code:
    """What is kept of a ward's code. `uses_left`: None until it is changed."""

    ward: str
    id: str
    hash: str = field(repr=False)
    uses_left: int | None = None


def generate(rng: random.Random) -> str:
    """A new code, as it is printed. `rng` must be the system's where it is used."""
    signs = [rng.randrange(len(SIGNS)) for _ in range(LENGTH - 1)]
    signs.append(_check_sign(signs))
    text = "".join(SIGNS[sign] for sign in signs)
    return "-".join(text[low : low + GROUP] for low in range(0, LENGTH, GROUP))


def plain(typed: str) -> str:
    """The code without spaces, dashes and small letters. Raises `MistypedError`."""
    text = _BETWEEN.sub("", typed).upper()
    if len(text) != LENGTH or not set(text) <= set(SIGNS):
        raise MistypedError
    signs = [SIGNS.index(sign) for sign in text]
    if _check_sign(signs[:-1]) != signs[-1]:
        raise MistypedError
    return text


def _check_sign(signs: list[int]) -> int:
    """So that the sum of all, each times its place, is divisible: the last has the weight 12."""
    total = sum(place * sign for place, sign in enumerate(signs, 1))
    return -total * pow(LENGTH, -1, len(SIGNS)) % len(SIGNS)
