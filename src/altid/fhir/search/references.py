"""Reference parameters: literal references, canonicals, identifiers in references (R4 search.html#reference).

A local reference has the term `T.p=Type/id` and the refs entry `p=Type/id`; if it names a version also
`T.p=Type/id/_history/v`. Everything else that is an address has the term `T.p=address`; a canonical with a
version has one term with and one without it. `Reference.identifier` has token terms under `T.p:identifier`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from altid.fhir import definitions, literals
from altid.fhir.references import target_type
from altid.fhir.search.collector import Collector
from altid.fhir.search.normal import normalise
from altid.fhir.search.tokens import add_term
from altid.fhir.search.walk import Leaf


def leaf(type_name: str, code: str, value_type: str, restrictions: Mapping[str, str]) -> Leaf:
    """What indexes a value of this type. `restrictions`: target type -> alias that is present then."""
    prefix = f"{type_name}.{code}="
    match value_type:
        case "Reference":
            return _reference_leaf(type_name, code, restrictions)
        case "canonical":
            return _canonical_leaf(code, prefix)
        case "uri" | "url":
            return _address_leaf(code, prefix)
        case "Resource":
            return _inner_resource_leaf(code, prefix)
        case "Attachment":
            return _attachment_leaf(code, prefix)
    raise ValueError(f"{type_name}.{code} is a reference on {value_type}")


def local(text: str) -> str | None:
    """`Type/id` of a reference within the record, without version, else None."""
    type_name, _, id_ = text.partition("/")
    if "/" not in id_ and type_name in definitions.resource_types():
        return text
    literal = literals.parse(text)
    return f"{literal.type}/{literal.id}" if literal is not None and not literal.base else None


def add_canonical(terms: dict[str, None], prefix: str, text: str) -> None:
    """With and without version; a fragment (`#part`) is no part of what is looked for."""
    url, _, version = text.partition("#")[0].partition("|")
    terms[prefix + url] = None
    if version:
        terms[f"{prefix}{url}|{version}"] = None


def _reference_leaf(type_name: str, code: str, restrictions: Mapping[str, str]) -> Leaf:
    prefix = f"{type_name}.{code}="
    identifier = f"{type_name}.{code}:identifier="
    text_key = f"{type_name}.{code}:text"

    def index(value: Any, found: Collector) -> None:
        found.present[code] = None
        text = value.get("reference")
        if text is not None and not text.startswith("#"):
            target = local(text)
            if target is not None:
                found.terms[prefix + target] = None
                found.refs[f"{code}={target}"] = None
            if target != text:
                found.terms[prefix + text] = None
        if restrictions:
            alias = restrictions.get(target_type(value, found.root) or "")
            if alias is not None:
                found.present[alias] = None
        if "identifier" in value:
            logical = value["identifier"]
            if "value" in logical:
                add_term(found.terms, identifier, logical.get("system"), logical["value"])
        if "display" in value:
            found.strings[text_key, normalise(value["display"])] = None

    return index


def _canonical_leaf(code: str, prefix: str) -> Leaf:
    def index(value: Any, found: Collector) -> None:
        found.present[code] = None
        if not value.startswith("#"):
            add_canonical(found.terms, prefix, value)

    return index


def _address_leaf(code: str, prefix: str) -> Leaf:
    def index(value: Any, found: Collector) -> None:
        found.present[code] = None
        found.terms[prefix + value] = None

    return index


def _inner_resource_leaf(code: str, prefix: str) -> Leaf:
    """The first resource of a bundle, which need not be stored on its own."""

    def index(value: Any, found: Collector) -> None:
        found.present[code] = None
        if "id" in value:
            found.terms[f"{prefix}{value.get('resourceType')}/{value['id']}"] = None

    return index


def _attachment_leaf(code: str, prefix: str) -> Leaf:
    def index(value: Any, found: Collector) -> None:
        found.present[code] = None
        if "url" in value:
            found.terms[prefix + value["url"]] = None

    return index
