"""The definitions of FHIR R4 (4.0.1) as data: types with their elements, value sets of required bindings.

The tables beside this module are made by `tools/definitions` from what HL7 published and read at first use.
Unknown names raise `KeyError`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal

import orjson

Kind = Literal["resource", "complex", "primitive", "backbone"]


@dataclass(frozen=True, slots=True)
class ElementDefinition:
    """An element of a type (R4 §5.3). For a choice, `name` is without `[x]` and `types` has the alternatives.

    `targets` are the resource types a Reference may point to, None if any. `binding` is the URL of a required
    value set. `profile` is a constrained type that a value of that type's base must fit (SimpleQuantity).
    """

    name: str
    types: tuple[str, ...]
    minimum: int
    maximum: int | None
    is_choice: bool = False
    is_summary: bool = False
    targets: frozenset[str] | None = None
    binding: str | None = None
    profile: str | None = None

    @property
    def is_list(self) -> bool:
        """Whether JSON writes the element as an array (R4 §2.6.2.1)."""
        return self.maximum != 1

    def json_names(self) -> dict[str, str]:
        """JSON property name -> type: `valueQuantity` -> `Quantity` for a choice, else one pair."""
        if not self.is_choice:
            return {self.name: self.types[0]}
        return {self.name + kind[0].upper() + kind[1:]: kind for kind in self.types}


@dataclass(frozen=True, slots=True)
class TypeDefinition:
    """A type of R4. `elements` include the inherited ones; a backbone's name is its path (`Patient.contact`).

    `pattern` is the standard's regular expression for a whole value; only primitive types have one.
    """

    name: str
    kind: Kind
    base: str | None
    is_abstract: bool
    elements: Mapping[str, ElementDefinition]
    pattern: str | None = None


@functools.cache
def type_definition(name: str) -> TypeDefinition:
    """The definition of a resource, data type, primitive or backbone by its name."""
    row = _types()[name]
    return TypeDefinition(
        name,
        row["kind"],
        row.get("base"),
        row.get("abstract", False),
        {element: _element(element, made) for element, made in row.get("elements", {}).items()},
        row.get("pattern") or None,
    )


@functools.cache
def resource_types() -> frozenset[str]:
    """The types a record can hold: all of R4's but the abstract Resource and DomainResource."""
    return frozenset(
        name for name, row in _types().items() if row["kind"] == "resource" and not row.get("abstract")
    )


@functools.cache
def value_set(url: str) -> Mapping[str, frozenset[str]] | None:
    """Code system -> codes of a required value set; None if R4 cannot list them (media types, UCUM)."""
    row = _value_sets().get(url)
    if row is None:
        return None
    return {system: frozenset(codes) for system, codes in row["codes"].items()}


def load_table(file_name: str) -> Any:
    """The parsed content of one of the tables beside this module."""
    return orjson.loads(resources.files(__name__).joinpath(file_name).read_bytes())


@functools.cache
def _types() -> dict[str, dict[str, Any]]:
    table: dict[str, dict[str, Any]] = load_table("types.json")
    return table


@functools.cache
def _value_sets() -> dict[str, dict[str, Any]]:
    table: dict[str, dict[str, Any]] = load_table("value_sets.json")
    return table


def _element(name: str, row: dict[str, Any]) -> ElementDefinition:
    return ElementDefinition(
        name,
        tuple(row["types"]),
        row["min"],
        row["max"],
        row.get("choice", False),
        row.get("summary", False),
        frozenset(row["targets"]) if "targets" in row else None,
        row.get("binding"),
        row.get("profile"),
    )
