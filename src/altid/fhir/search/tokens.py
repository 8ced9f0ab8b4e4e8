"""Token parameters: codes, identifiers, truth values (R4 search.html#token).

A coding has three terms, `T.p=SYSTEM|CODE`, `T.p=CODE` (whatever the system) and `T.p=SYSTEM|` (whatever the
code); without a system `T.p=|CODE` and `T.p=CODE`. A parameter about nothing but primitive values, such as
`Patient.gender`, needs only `T.p=CODE`: a search that names the system is answered from the definitions.
Texts and displays are strings with the key `T.p:text`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from altid.fhir import definitions
from altid.fhir.search.collector import Collector
from altid.fhir.search.normal import normalise
from altid.fhir.search.parameters import Parameter, routes, sources
from altid.fhir.search.walk import Leaf


def is_bare(type_name: str, code: str) -> bool:
    """Whether all values of the parameter are primitives, which have no system of their own."""
    return all(
        definitions.type_definition(route.type).kind == "primitive"
        for source in sources(type_name, code)
        for route in routes(type_name, source.code)
    )


def systems(type_name: str, code: str) -> frozenset[str]:
    """The code systems that the values of a bare parameter belong to, as far as required bindings say it."""
    return frozenset(
        system
        for source in sources(type_name, code)
        for route in routes(type_name, source.code)
        if route.binding is not None
        for system in definitions.value_set(route.binding) or ()
    )


def leaf(type_name: str, parameter: Parameter, value_type: str) -> Leaf:
    """What indexes a value of this type."""
    code = parameter.code
    prefix = f"{type_name}.{code}="
    text_key = f"{type_name}.{code}:text"
    match value_type:
        case "CodeableConcept":
            return _concept_leaf(code, prefix, text_key)
        case "Coding":
            return _coding_leaf(code, prefix, text_key)
        case "Identifier":
            return _identifier_leaf(code, prefix, text_key, f"{type_name}.{code}:of-type=")
        case "ContactPoint":
            return _contact_leaf(code, prefix)
        case _ if definitions.type_definition(value_type).kind == "primitive":
            return _primitive_leaf(code, prefix, is_bare(type_name, code))
    raise ValueError(f"{parameter.url} is a token on {value_type}")


def pairs(value: Any, value_type: str) -> Iterator[tuple[str, str]]:
    """(system, code) of each coding of a value, "" for no system: what a composite is made of."""
    if value_type == "CodeableConcept":
        for coding in value.get("coding", ()):
            yield from pairs(coding, "Coding")
    elif value_type == "Coding":
        if "code" in value:
            yield value.get("system", ""), value["code"]
    else:
        yield "", _written(value)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def add_term(terms: dict[str, None], prefix: str, system: str | None, code: str) -> None:
    """The terms of one code in a system."""
    terms[prefix + code] = None
    if system:
        terms[f"{prefix}{system}|{code}"] = None
        terms[f"{prefix}{system}|"] = None
    else:
        terms[f"{prefix}|{code}"] = None


def _add_coding(coding: Any, found: Collector, prefix: str, text_key: str) -> None:
    code = coding.get("code")
    if code is not None:
        add_term(found.terms, prefix, coding.get("system"), code)
    elif "system" in coding:
        found.terms[f"{prefix}{coding['system']}|"] = None
    if "display" in coding:
        found.strings[text_key, normalise(coding["display"])] = None


def _concept_leaf(code: str, prefix: str, text_key: str) -> Leaf:
    def index(value: Any, found: Collector) -> None:
        found.present[code] = None
        for coding in value.get("coding", ()):
            _add_coding(coding, found, prefix, text_key)
        if "text" in value:
            found.strings[text_key, normalise(value["text"])] = None

    return index


def _coding_leaf(code: str, prefix: str, text_key: str) -> Leaf:
    def index(value: Any, found: Collector) -> None:
        found.present[code] = None
        _add_coding(value, found, prefix, text_key)

    return index


def _identifier_leaf(code: str, prefix: str, text_key: str, of_type: str) -> Leaf:
    def index(value: Any, found: Collector) -> None:
        found.present[code] = None
        number = value.get("value")
        if number is not None:
            add_term(found.terms, prefix, value.get("system"), number)
        elif "system" in value:
            found.terms[f"{prefix}{value['system']}|"] = None
        kind = value.get("type")
        if kind is None:
            return
        if "text" in kind:
            found.strings[text_key, normalise(kind["text"])] = None
        if number is not None:
            for system, type_code in pairs(kind, "CodeableConcept"):
                found.terms[f"{of_type}{system}|{type_code}|{number}"] = None

    return index


def _contact_leaf(code: str, prefix: str) -> Leaf:
    """Telephone numbers and mail addresses: the use takes the place of the system, case does not matter."""

    def index(value: Any, found: Collector) -> None:
        found.present[code] = None
        if "value" in value:
            add_term(found.terms, prefix, value.get("use"), value["value"].casefold())

    return index


def _primitive_leaf(code: str, prefix: str, is_alone: bool) -> Leaf:
    def index(value: Any, found: Collector) -> None:
        found.present[code] = None
        written = _written(value)
        found.terms[prefix + written] = None
        if not is_alone:
            found.terms[f"{prefix}|{written}"] = None

    return index
