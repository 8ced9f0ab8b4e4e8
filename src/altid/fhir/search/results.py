"""Parameters that shape the results: order, size, included resources, parts shown (R4 search.html#return)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from altid.fhir import definitions
from altid.fhir.outcome import FhirError, refuse
from altid.fhir.search import grammar
from altid.fhir.search.criteria import Include, SortKey, Summary, Total
from altid.fhir.search.parameters import search_parameters, sources
from altid.fhir.search.reference_query import has_references, pointing_codes
from altid.fhir.search.values import NOT_BELOW

COUNT_MAX = 1_000
"""Results on a page; who asks for more gets this many (R4 search.html#count)."""

SORT_KEYS_MAX = 5
"""Sort criteria of one search; each is a look-up per result."""

INCLUDES_MAX = 50
"""`_include` and `_revinclude` of one search; each is a query of its own."""

PAGE_LENGTH_MAX = 8_192
"""Characters of a page token, which only this server writes."""

_SORT_TABLES = {
    "date": "dates",
    "number": "numbers",
    "quantity": "quantities",
    "string": "strings",
    "uri": "strings",
}
_COLUMNS = {"_id": "id", "_lastUpdated": "last_updated"}

IGNORED = frozenset({"_format", "_pretty"})
"""Parameters about how an answer is written."""

REFUSED = frozenset({"_text", "_content", "_filter", "_query", "_containedType", "_score"})
"""Parameters of the standard that would change which resources match, and which this server does not have."""

Shape = dict[str, Any]
"""Fields of `altid.fhir.search.criteria.Query`."""


def read(name: str, value: str, types: tuple[str, ...], shape: Shape) -> bool:
    """Take the parameter into `shape` if it is one about results. Raises `FhirError` for a bad value."""
    code, _, modifier = name.partition(":")
    if code in ("_include", "_revinclude"):
        found = _includes(code, modifier, value, types)
        shape["includes"] = (*shape.get("includes", ()), *found)
        if len(shape["includes"]) > INCLUDES_MAX:
            raise grammar.bad_value(code)
        return True
    if name in REFUSED or (name == "_contained" and value != "false"):
        raise grammar.not_supported(name)
    if name in IGNORED or name == "_contained":
        return True
    reader = _READERS.get(name)
    if reader is None:
        return False
    field, read_value = reader
    if field in shape:
        raise _twice(name)
    shape[field] = read_value(value, types)
    return True


def _count(value: str, _: tuple[str, ...]) -> int:
    if not (value.isascii() and value.isdecimal()):
        raise grammar.bad_value("_count")
    return min(int(value[:10]), COUNT_MAX)


def _page(value: str, _: tuple[str, ...]) -> str:
    if not 0 < len(value) <= PAGE_LENGTH_MAX:
        raise grammar.bad_value("_page")
    return value


def _summary(value: str, _: tuple[str, ...]) -> str:
    if value not in get_args(Summary):
        raise grammar.bad_value("_summary")
    return value


def _total(value: str, _: tuple[str, ...]) -> str:
    if value not in get_args(Total):
        raise grammar.bad_value("_total")
    return value


def _elements(value: str, types: tuple[str, ...]) -> tuple[str, ...]:
    """Names of top-level elements; `Patient.name` and `name.family` both ask for `name`."""
    names = []
    for text in value.split(","):
        first, dot, rest = text.strip().partition(".")
        is_type = dot and (first in types or first in definitions.resource_types())
        name = rest.partition(".")[0] if is_type else first
        if not (name.isascii() and name.isalnum()):
            raise grammar.bad_value("_elements")
        names.append(name)
    return tuple(dict.fromkeys(names))


def _sort(value: str, types: tuple[str, ...]) -> tuple[SortKey, ...]:
    codes = value.split(",")
    if len(codes) > SORT_KEYS_MAX:
        raise grammar.bad_value("_sort")
    return tuple(_sort_key(code.removeprefix("-"), code.startswith("-"), types) for code in codes)


def _sort_key(code: str, descending: bool, types: tuple[str, ...]) -> SortKey:
    if code in _COLUMNS:
        return SortKey(_COLUMNS[code], (), descending)  # type: ignore[arg-type]
    tables, keys = set(), []
    for type_name in types:
        parameter = search_parameters(type_name).get(code)
        if parameter is None:
            raise _bad_sort(code)
        tables.add(_SORT_TABLES.get(parameter.type) if code not in NOT_BELOW else None)
        keys += [f"{type_name}.{source.code}" for source in sources(type_name, code)]
    table = tables.pop() if len(tables) == 1 else None
    if table is None:
        raise _bad_sort(code)
    return SortKey(table, tuple(keys), descending)  # type: ignore[arg-type]


def _includes(name: str, modifier: str, value: str, types: tuple[str, ...]) -> list[Include]:
    if modifier not in ("", "iterate"):
        raise grammar.bad_modifier(f"{name}:{modifier}")
    iterate, reverse = modifier == "iterate", name == "_revinclude"
    if value == "*" and not reverse and types:
        return [Include(type_name, (), (), iterate) for type_name in types]
    source, _, rest = value.partition(":")
    code, _, target = rest.partition(":")
    known = definitions.resource_types()
    if source not in known or not code or (target and target not in known):
        raise grammar.bad_value(name)
    reached = (target,) if target else types if reverse else ()
    if code == "*":
        return [Include(source, (), reached, iterate, reverse)]
    return _by_parameter(name, source, code, reached, iterate=iterate, reverse=reverse)


def _by_parameter(
    name: str, source: str, code: str, reached: tuple[str, ...], *, iterate: bool, reverse: bool
) -> list[Include]:
    parameter = search_parameters(source).get(code)
    if parameter is None or parameter.type != "reference":
        raise grammar.bad_value(name)
    if not has_references(source, code):
        raise _not_followed(name)
    found_in = sources(source, code)
    restricted = tuple(item.target for item in found_in if item.target is not None)
    targets = (
        tuple(target for target in reached if target in restricted) if reached and restricted else reached
    )
    if restricted and not reached:
        targets = restricted
    if reached and not targets:
        raise grammar.bad_value(name)
    codes = tuple(item.code for item in found_in) if not targets else _codes(source, code, targets)
    return [Include(source, codes, targets, iterate, reverse)]


def _codes(source: str, code: str, targets: Sequence[str]) -> tuple[str, ...]:
    found_in = sources(source, code)
    return tuple(dict.fromkeys(c for target in targets for c in pointing_codes(found_in, target)))


_READERS = {
    "_count": ("count", _count),
    "_page": ("page", _page),
    "_summary": ("summary", _summary),
    "_total": ("total", _total),
    "_elements": ("elements", _elements),
    "_sort": ("sort", _sort),
}


def _bad_sort(code: str) -> FhirError:
    return refuse(
        400,
        "not-supported",
        "Results cannot be sorted by {name}, only by dates, strings, numbers, quantities and URIs.",
        "Der kan ikke sorteres efter {name}, kun efter datoer, tekster, tal, mængder og URI'er.",
        name=grammar.shown(code),
    )


def _not_followed(name: str) -> FhirError:
    return refuse(
        400,
        "not-supported",
        "{name} does not follow canonical references, only literal ones.",
        "{name} følger ikke kanoniske referencer, kun bogstavelige.",
        name=name,
    )


def _twice(name: str) -> FhirError:
    return refuse(
        400, "invalid", "{name} is given more than once.", "{name} er angivet mere end én gang.", name=name
    )
