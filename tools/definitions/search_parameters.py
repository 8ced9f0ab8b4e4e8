"""`search_parameters.json`: the search parameters of R4 for every resource type, from HL7's own
SearchParameters.

resource type -> code -> {"type", "url", "expression", "targets"?, "components"?: [{"code", "expression"}]}

The expression is the part for this type alone, so parameters of Resource are listed under every type. Without
targets a reference may be to any type. The
definitions package changes three of them; therefore they are read from the package of the specification's
examples, which holds them unchanged (R4 searchparameter-registry.html).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from . import official
from .fetch import EXAMPLES, Definitions, members
from .rows import rows

_FILE = "package/SearchParameter-"
_ABSTRACT = frozenset({"Resource", "DomainResource"})

_NOT_PARAMETERS = frozenset({"example", "example-extension", "example-reference", "filter"})
"""Ids of mere examples of a SearchParameter, and of `_filter`, which is about no element."""

_EXCHANGED = frozenset({"DocumentReference-relationship"})
"""Composites whose two components each have the other one's expression in 4.0.1."""

_MANY = 100
"""A parameter with more targets than this lists every type that can be referred to, which is to say any."""

Parameter = dict[str, Any]


def build(definitions: Definitions) -> bytes:
    """The bytes of `search_parameters.json`."""
    found = {parameter["url"]: parameter for parameter in _parameters(definitions)}
    concrete = sorted(official.resource_types(definitions) - _ABSTRACT)
    table: dict[str, dict[str, Parameter]] = {name: {} for name in concrete}
    for parameter in found.values():
        for base in parameter["base"]:
            for name in concrete if base in _ABSTRACT else [base]:
                table[name][parameter["code"]] = _row(parameter, base, name, found)
    return rows(table)


def _parameters(definitions: Definitions) -> Iterator[Parameter]:
    for path, data in members(EXAMPLES, definitions.cache):
        if path.startswith(_FILE):
            parameter = json.loads(data)
            if _is_usable(parameter):
                yield parameter


def _is_usable(parameter: Parameter) -> bool:
    """Leaves out what has no expression, and parameters on extensions, which name none that exists."""
    if parameter["id"] in _NOT_PARAMETERS or not parameter.get("base"):
        return False
    return "expression" in parameter and "xtension(" not in parameter["expression"]


def _row(parameter: Parameter, base: str, name: str, found: dict[str, Parameter]) -> Parameter:
    row: Parameter = {
        "type": parameter["type"],
        "url": parameter["url"],
        "expression": _expression(parameter["expression"], base, name, len(parameter["base"]) == 1),
    }
    targets = sorted(parameter.get("target", []))
    if 0 < len(targets) < _MANY:
        row["targets"] = targets
    if components := parameter.get("component"):
        codes = [found[part["definition"]]["code"] for part in components]
        expressions = [part["expression"] for part in components]
        if parameter["id"] in _EXCHANGED:
            expressions.reverse()
        pairs = zip(codes, expressions, strict=True)
        row["components"] = [{"code": code, "expression": expression} for code, expression in pairs]
    return row


def _expression(expression: str, base: str, name: str, is_only_base: bool) -> str:
    """The alternatives that start at `base`, or all of them if none names a type, rooted at `name`."""
    parts = _alternatives(expression)
    rooted = [part for part in parts if re.match(rf"\(*{base}\b", part)]
    if not rooted:
        if not is_only_base:
            raise ValueError(f"no part of {expression} is about {base}")
        return " | ".join(f"{name}.{part}" for part in parts)
    return " | ".join(re.sub(rf"\b{base}\b(?=\.|$)", name, part) for part in rooted)


def _alternatives(expression: str) -> list[str]:
    """Split at `|` outside of parentheses."""
    parts, depth, start = [], 0, 0
    for index, character in enumerate(expression):
        depth += (character == "(") - (character == ")")
        if character == "|" and depth == 0:
            parts.append(expression[start:index])
            start = index + 1
    return [part.strip() for part in [*parts, expression[start:]]]
