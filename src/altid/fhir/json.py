"""JSON as FHIR needs it: a decimal keeps the very digits it was written with.

Precision is meaning in FHIR ("1.00" says more than "1.0", R4 datatypes §2.24.0.1), but a binary float
forgets it. `loads` therefore reads each number that a float or a 64-bit integer cannot give back exactly
as a `Decimal`: a float that also remembers its text, which `dumps` writes out again unchanged.
"""

from __future__ import annotations

import json
import math
from typing import Any

import orjson

DEPTH_MAX = 64
"""Levels of nesting accepted; real resources stay below 20, and a depth bomb must cost nothing."""

_INT64_DIGITS = 18
_NUMBER_DIGITS_MAX = 400


class JsonError(ValueError):
    """The text is not JSON that we accept. The message never quotes the content, which may be a patient's."""


class Decimal(float):
    """A JSON number together with the text it was written as."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Decimal:
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __reduce__(self) -> tuple[type[Decimal], tuple[str]]:
        return Decimal, (self.text,)


def loads(data: bytes, *, depth_max: int = DEPTH_MAX) -> Any:
    """Parse UTF-8 JSON. Raises `JsonError` for malformed text, duplicate keys, NaN and excessive depth."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JsonError(f"The body is not valid UTF-8 (byte {error.start}).") from None
    try:
        value = _decoder.decode(text)
    except json.JSONDecodeError as error:
        raise JsonError(f"The body is not valid JSON (line {error.lineno}, column {error.colno}).") from None
    except RecursionError:
        raise JsonError(f"The body is nested deeper than {depth_max} levels.") from None
    if "\\u" in text:
        dumps(value)  # a lone surrogate can be read, but neither stored nor sent
    if text.count("{") + text.count("[") > depth_max and _is_deeper(value, depth_max):
        raise JsonError(f"The body is nested deeper than {depth_max} levels.")
    return value


def loads_stored(data: bytes) -> Any:
    """Parse what the record holds, which was accepted once: twice as quick as `loads`. A number that a float
    gives back just as it was written is a float. Raises `JsonError` for what nobody could have stored."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise JsonError("What is stored is not valid JSON.") from None
    return value if orjson.dumps(value) == data else loads(data)


def dumps(value: Any) -> bytes:
    """Write compact UTF-8 JSON. Raises `JsonError` for what JSON cannot hold, such as a lone surrogate."""
    try:
        return orjson.dumps(value, default=_write_decimal)
    except TypeError:
        raise JsonError("The body holds a character or a value that JSON cannot carry.") from None


def dumps_pretty(value: Any) -> bytes:
    """As `dumps`, indented by two spaces for people (`_pretty=true`)."""
    return orjson.dumps(value, default=_write_decimal, option=orjson.OPT_INDENT_2)


def _write_decimal(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(value.text)
    raise TypeError(type(value).__name__)


def _parse_float(text: str) -> Decimal:
    if len(text) > _NUMBER_DIGITS_MAX:
        raise JsonError(f"A number has more than {_NUMBER_DIGITS_MAX} characters.")
    number = Decimal(text)
    if math.isinf(number):
        raise JsonError("A number is too large to be read.")
    return number


def _parse_int(text: str) -> int | Decimal:
    if len(text) <= _INT64_DIGITS and text != "-0":
        return int(text)
    return _parse_float(text)


def _refuse_constant(_name: str) -> None:
    raise JsonError("NaN and Infinity are not JSON numbers.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise JsonError("An object has the same key twice.")
    return members


def _is_deeper(value: Any, depth_max: int) -> bool:
    """Looked at level by level, so that it needs no recursion itself."""
    level = [value]
    for _ in range(depth_max):
        below: list[Any] = []
        for item in level:
            if type(item) is dict:
                below += [child for child in item.values() if type(child) in (dict, list)]
            elif type(item) is list:
                below += [child for child in item if type(child) in (dict, list)]
        if not below:
            return False
        level = below
    return True


_decoder = json.JSONDecoder(
    parse_float=_parse_float,
    parse_int=_parse_int,
    parse_constant=_refuse_constant,
    object_pairs_hook=_object,
)
