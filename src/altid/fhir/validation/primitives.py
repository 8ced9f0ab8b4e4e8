"""The formats of R4's primitive types (§2.24.0.1), with days that exist and numbers within their range.

`CHECKS` has one check per primitive type. A check takes the JSON value and a scope, which it does not need,
so that primitives and objects are checked alike; it returns the faults, none when the value is good.
"""

from __future__ import annotations

import binascii
import calendar
import re
from collections.abc import Callable, Mapping
from typing import Any

from ..definitions import type_definition
from ..json import Decimal
from .faults import (
    BAD_FORMAT,
    CONTROL_CHARACTER,
    EMPTY_STRING,
    NO_FAULTS,
    NO_SUCH_DAY,
    NOT_BOOLEAN,
    NOT_NUMBER,
    NOT_STRING,
    OUT_OF_RANGE,
    TOO_LONG,
    Faults,
    fault,
)
from .narrative import check_narrative

STRING_LENGTH_MAX = 1024 * 1024
"""Characters in a string or markdown (R4 §2.24.0.1)."""

INTEGER_MAX = 2**31 - 1
"""R4 integers have 32 bits."""

Check = Callable[[Any, Any], Faults]

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_DAY_ALWAYS = "28"
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)


def is_id(text: str) -> bool:
    """Whether `text` can be the logical id of a resource."""
    return _ID.fullmatch(text) is not None


def _text(name: str) -> Check:
    not_string = fault(NOT_STRING, type=name)
    empty = fault(EMPTY_STRING)
    control = fault(CONTROL_CHARACTER)
    too_long = fault(TOO_LONG, type=name, limit=STRING_LENGTH_MAX)

    def check(value: Any, _scope: Any) -> Faults:
        if type(value) is not str:
            return not_string
        if not value:
            return empty
        if len(value) > STRING_LENGTH_MAX:
            return too_long
        if value.isprintable() or _CONTROL.search(value) is None:
            return NO_FAULTS
        return control

    return check


def _token(name: str) -> Check:
    """Codes and URIs: mostly one word, which needs no regular expression."""
    slow = _pattern(name)

    def check(value: Any, scope: Any) -> Faults:
        if type(value) is str and value and " " not in value and value.isprintable():
            return NO_FAULTS
        return slow(value, scope)

    return check


def _pattern(name: str) -> Check:
    """The standard's own regular expression for the type; it bounds no length but those it writes down."""
    matches = re.compile(type_definition(name).pattern or "", re.ASCII).fullmatch
    not_string = fault(NOT_STRING, type=name)
    bad = fault(BAD_FORMAT, type=name)

    def check(value: Any, _scope: Any) -> Faults:
        if type(value) is not str:
            return not_string
        if not value or matches(value) is None or _CONTROL.search(value) is not None:
            return bad
        return NO_FAULTS

    return check


def _day(name: str) -> Check:
    """Dates: the pattern, and that the day is in the calendar."""
    matches = re.compile(type_definition(name).pattern or "", re.ASCII).fullmatch
    not_string = fault(NOT_STRING, type=name)
    bad = fault(BAD_FORMAT, type=name)
    no_such_day = fault(NO_SUCH_DAY)

    def check(value: Any, _scope: Any) -> Faults:
        if type(value) is not str:
            return not_string
        if matches(value) is None:
            return bad
        if value[8:10] > _DAY_ALWAYS and not _day_exists(value):
            return no_such_day
        return NO_FAULTS

    return check


def _day_exists(text: str) -> bool:
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:10])
    return day <= calendar.monthrange(year, month)[1]


def _integer(name: str, minimum: int) -> Check:
    not_number = fault(NOT_NUMBER, type=name)
    bad = fault(BAD_FORMAT, type=name)
    out_of_range = fault(OUT_OF_RANGE, type=name, minimum=minimum, maximum=INTEGER_MAX)

    def check(value: Any, _scope: Any) -> Faults:
        if type(value) is int:
            return NO_FAULTS if minimum <= value <= INTEGER_MAX else out_of_range
        return bad if isinstance(value, float) else not_number

    return check


def _decimal(value: Any, _scope: Any) -> Faults:
    if type(value) in _NUMBERS:
        return NO_FAULTS
    return _NOT_DECIMAL


_NUMBERS = frozenset({int, float, Decimal})
_NOT_DECIMAL = fault(NOT_NUMBER, type="decimal")


def _boolean(value: Any, _scope: Any) -> Faults:
    return NO_FAULTS if value is True or value is False else _NOT_A_BOOLEAN


_NOT_A_BOOLEAN = fault(NOT_BOOLEAN)


def _base64(value: Any, _scope: Any) -> Faults:
    """The bytes are decoded to see that they can be; white space between the characters is allowed."""
    if type(value) is not str:
        return fault(NOT_STRING, type="base64Binary")
    compact = "".join(value.split())
    try:
        binascii.a2b_base64(compact, strict_mode=True)
    except ValueError:
        return fault(BAD_FORMAT, type="base64Binary")
    return NO_FAULTS if compact else fault(EMPTY_STRING)


check_string = _text("string")

CHECKS: Mapping[str, Check] = {
    "base64Binary": _base64,
    "boolean": _boolean,
    "canonical": _token("canonical"),
    "code": _token("code"),
    "date": _day("date"),
    "dateTime": _day("dateTime"),
    "decimal": _decimal,
    "id": _pattern("id"),
    "instant": _day("instant"),
    "integer": _integer("integer", -INTEGER_MAX - 1),
    "markdown": _text("markdown"),
    "oid": _pattern("oid"),
    "positiveInt": _integer("positiveInt", 1),
    "string": check_string,
    "time": _pattern("time"),
    "unsignedInt": _integer("unsignedInt", 0),
    "uri": _token("uri"),
    "url": _token("url"),
    "uuid": _pattern("uuid"),
    "xhtml": check_narrative,
}
"""Primitive type -> its check."""
