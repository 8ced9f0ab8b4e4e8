"""`value_sets.json`: the codes of every required value set of R4 that can be listed.

value set URL -> {"codes": {code system: [codes]}}

A set is left out when its codes cannot be listed from the specification alone: media types, languages, UCUM.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from .fetch import Definitions
from .rows import rows
from .types import types

_FILES = ("valuesets.json", "v3-codesystems.json", "v2-tables.json")
_DEPTH_MAX = 20

Codes = frozenset[tuple[str, str]]
"""Pairs of (code system, code)."""


class NotListedError(Exception):
    """The codes of a set or a system are not all in the specification."""


def build(definitions: Definitions) -> bytes:
    """The bytes of `value_sets.json`."""
    terminology = Terminology(definitions)
    table = {}
    for url in required_value_sets(definitions):
        try:
            codes = terminology.expand(url)
        except NotListedError:
            continue
        table[url] = {"codes": _by_system(codes)}
    return rows(table)


def required_value_sets(definitions: Definitions) -> list[str]:
    """The URLs of the value sets to which some element of R4 is bound with strength `required`."""
    definitions_of_types = types(definitions).values()
    elements = [element for kind in definitions_of_types for element in kind.get("elements", {}).values()]
    return sorted({element["binding"] for element in elements if "binding" in element})


def _by_system(codes: Codes) -> dict[str, list[str]]:
    by_system: dict[str, list[str]] = {}
    for system, code in sorted(codes):
        by_system.setdefault(system, []).append(code)
    return by_system


class Terminology:
    """The official code systems and value sets, with the expansion of R4 §4.9.8 as far as they need it."""

    def __init__(self, definitions: Definitions) -> None:
        self._systems: dict[str, dict[str, Any]] = {}
        self._value_sets: dict[str, dict[str, Any]] = {}
        for file_name in _FILES:
            for resource in definitions.resources(file_name):
                of_kind = self._systems if resource["resourceType"] == "CodeSystem" else self._value_sets
                of_kind.setdefault(resource["url"], resource)

    @functools.cache  # noqa: B019 - one instance lives as long as the program
    def expand(self, url: str, depth: int = 0) -> Codes:
        """All codes of the value set. Raises `NotListedError`."""
        value_set = self._value_sets.get(url.partition("|")[0])
        if value_set is None or depth > _DEPTH_MAX:
            raise NotListedError(url)
        compose = value_set["compose"]
        included = {pair for part in compose["include"] for pair in self._part(part, depth)}
        excluded = {pair for part in compose.get("exclude", []) for pair in self._part(part, depth)}
        return frozenset(included - excluded)

    def _part(self, part: dict[str, Any], depth: int) -> Codes:
        imported = [self.expand(url, depth + 1) for url in part.get("valueSet", [])]
        if "system" in part:
            imported.append(self._of_system(part))
        return frozenset.intersection(*imported)

    def _of_system(self, part: dict[str, Any]) -> Codes:
        system = part["system"]
        if "concept" in part:
            return frozenset((system, concept["code"]) for concept in part["concept"])
        concepts = dict(self._concepts(system))
        codes = set(concepts)
        for condition in part.get("filter", []):
            codes &= _matching(condition, concepts)
        return frozenset((system, code) for code in codes)

    def _concepts(self, system: str) -> Iterator[tuple[str, frozenset[str]]]:
        """Each code of the system with its ancestors."""
        found = self._systems.get(system)
        if found is None or found.get("content") != "complete":
            raise NotListedError(system)
        return _walk(found.get("concept", []), frozenset())


def _walk(concepts: list[dict[str, Any]], above: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    for concept in concepts:
        yield concept["code"], above | set(_parents(concept))
        yield from _walk(concept.get("concept", []), above | {concept["code"]})


def _parents(concept: dict[str, Any]) -> Iterator[str]:
    """Parents that are named instead of nested."""
    for known in concept.get("property", []):
        if known["code"] in ("subsumedBy", "parent"):
            yield known["valueCode"]


def _matching(condition: dict[str, str], concepts: dict[str, frozenset[str]]) -> set[str]:
    if (condition["property"], condition["op"]) not in (("concept", "is-a"), ("concept", "descendent-of")):
        raise NotListedError(condition["op"])
    top = condition["value"]
    below = {code for code in concepts if top in _ancestors(code, concepts)}
    return below | {top} if condition["op"] == "is-a" else below


def _ancestors(code: str, concepts: dict[str, frozenset[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = [code]
    while waiting:
        for parent in concepts.get(waiting.pop(), ()):
            if parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return seen
