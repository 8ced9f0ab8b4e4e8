"""References between resources: finding them in a resource and exchanging them (R4 references.html).

A transaction gives its new resources their ids, so whatever points to them within the bundle must be
exchanged: `Reference.reference`, elements of the types uri, url, oid and uuid, and links in narratives;
canonicals stay (R4 http.html#trules). Which elements these are is known per type, so only they are looked
at. `altid.fhir.literals` reads the text of a single reference.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from altid.fhir import definitions, literals

Condition = tuple[str, tuple[tuple[str, str], ...]]
"""A resource type and the search parameters that name one resource of it."""

_LINK = re.compile(r"""(\s(?:href|src)\s*=\s*)(?:"([^"]*)"|'([^']*)')""")
_URI_TYPES = frozenset({"uri", "url", "oid", "uuid"})


def target_type(reference: Any, root: Any) -> str | None:
    """The type of the resource that a Reference element, or a canonical, points to, if it can be known.

    `root` is the resource that holds it, where contained resources are looked up.
    """
    if not isinstance(reference, dict):
        return _type_of(reference) if isinstance(reference, str) else None
    text = reference.get("reference")
    if isinstance(text, str):
        found = _contained_type(root, text[1:]) if text.startswith("#") else _type_of(text)
        if found is not None:
            return found
    said = reference.get("type")
    return said if isinstance(said, str) else None


def _type_of(text: str) -> str | None:
    literal = literals.parse(text)
    return literal.type if literal is not None else literals.conditional_type(text)


def _contained_type(root: Any, local_id: str) -> str | None:
    for resource in root.get("contained", ()) if isinstance(root, dict) else ():
        if isinstance(resource, dict) and resource.get("id") == local_id:
            name: str | None = resource.get("resourceType")
            return name
    return None


def references(resource: Any) -> Iterator[str]:
    """Every `Reference.reference` of the resource, those of contained resources and extensions included."""
    if isinstance(resource, dict):
        yield from _references(resource, str(resource.get("resourceType")))


def conditional_references(resource: Any) -> dict[str, Condition]:
    """The conditional references `Type?query` of the resource, each with what its query says."""
    found: dict[str, Condition] = {}
    for text in references(resource):
        if (name := literals.conditional_type(text)) is not None:
            found[text] = (name, tuple(parse_qsl(text.partition("?")[2], keep_blank_values=True)))
    return found


def rewrite(resource: dict[str, Any], mapping: Mapping[str, str], base: str = "") -> dict[str, Any]:
    """The resource with each address that is a key of `mapping` exchanged for its value.

    `base` is the address of this server without `/` at the end: references to `base/Type/id` become
    `Type/id`. The given resource is left as it is; parts that need no change are shared with it.
    """
    own = f"{base}/" if base else ""
    rewritten: dict[str, Any] = _rewrite(resource, str(resource.get("resourceType")), _Exchange(mapping, own))
    return rewritten


class _Exchange(NamedTuple):
    mapping: Mapping[str, str]
    own: str

    def address(self, text: Any) -> Any:
        return self.mapping.get(text, text) if isinstance(text, str) else text

    def reference(self, text: Any) -> Any:
        if not isinstance(text, str):
            return text
        found = self.mapping.get(text)
        if found is None and self.own and text.startswith(self.own):
            relative = text.removeprefix(self.own)
            return relative if literals.parse(relative) else text
        return found or text

    def link(self, match: re.Match[str]) -> str:
        old = match[2] if match[2] is not None else match[3]
        return f'{match[1]}"{self.mapping[old]}"' if old in self.mapping else match[0]


class _Layout(NamedTuple):
    """What the JSON properties of a type hold."""

    addresses: frozenset[str]
    narratives: frozenset[str]
    children: Mapping[str, str]


@functools.cache
def _layout(type_name: str) -> _Layout:
    try:
        elements = definitions.type_definition(type_name).elements.values()
    except KeyError:
        return _Layout(frozenset(), frozenset(), {})
    typed = {key: kind for element in elements for key, kind in element.json_names().items()}
    addresses = frozenset(key for key, kind in typed.items() if kind in _URI_TYPES)
    narratives = frozenset(key for key, kind in typed.items() if kind == "xhtml")
    children = {
        key: kind for key, kind in typed.items() if definitions.type_definition(kind).kind != "primitive"
    }
    extended = {"_" + key: "Element" for key in typed if key not in children}
    return _Layout(addresses, narratives, children | extended)


def _kind_of(value: dict[str, Any], declared: str) -> str:
    return str(value.get("resourceType")) if declared == "Resource" else declared


def _references(value: dict[str, Any], type_name: str) -> Iterator[str]:
    if type_name == "Reference" and isinstance(value.get("reference"), str):
        yield value["reference"]
    children = _layout(type_name).children
    for key, child in value.items():
        declared = children.get(key)
        if declared is not None:
            for item in child if isinstance(child, list) else [child]:
                if isinstance(item, dict):
                    yield from _references(item, _kind_of(item, declared))


def _rewrite(value: dict[str, Any], type_name: str, exchange: _Exchange) -> dict[str, Any]:
    layout = _layout(type_name)
    changed = {}
    for key, child in value.items():
        new = child
        if key in layout.children:
            new = _each(child, functools.partial(_rewrite_item, layout.children[key], exchange))
        elif key in layout.addresses:
            new = _each(child, exchange.address)
        elif type_name == "Reference" and key == "reference":
            new = exchange.reference(child)
        elif key in layout.narratives and isinstance(child, str):
            new = _LINK.sub(exchange.link, child)
        if new is not child and new != child:
            changed[key] = new
    return value | changed if changed else value


def _each(child: Any, function: Callable[[Any], Any]) -> Any:
    if not isinstance(child, list):
        return function(child)
    items = [function(item) for item in child]
    return items if any(new is not old for new, old in zip(items, child, strict=True)) else child


def _rewrite_item(declared: str, exchange: _Exchange, item: Any) -> Any:
    return _rewrite(item, _kind_of(item, declared), exchange) if isinstance(item, dict) else item
