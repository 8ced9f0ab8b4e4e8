"""From the name of a search parameter to what reads its values (R4 search.html#chaining, #has).

A name is resolved once per type and kept. Names: `code`, `code:modifier`, chains `code.rest` and
`code:Type.rest`, and `_has:Source:code:rest`, where the rest is such a name again, of another type.
"""

from __future__ import annotations

import functools

from altid.fhir import definitions
from altid.fhir.outcome import FhirError, refuse
from altid.fhir.search import composite_query, grammar, reference_query, token_query, value_query
from altid.fhir.search.criteria import (
    NOTHING,
    AllOf,
    AnyOf,
    ChainCriterion,
    Criterion,
    HasCriterion,
    IdCriterion,
    MissingCriterion,
)
from altid.fhir.search.grammar import Builder, Context
from altid.fhir.search.parameters import Parameter, search_parameters, sources, unsupported

NAME_LENGTH_MAX = 512
"""Characters of a parameter's name; a chain of five links has about 100."""

LINKS_MAX = 5
"""Links of a chain or of nested `_has`; each is a join."""

CHAINED_TYPES_MAX = 8
"""Types that one link without a named type may lead to; each is a search of its own."""

_CACHED_NAMES_MAX = 8192


@functools.lru_cache(maxsize=_CACHED_NAMES_MAX)
def resolve(type_name: str, name: str) -> Builder | None:
    """What reads the values of the parameter, None if the type has no such parameter.

    Raises `FhirError` for what the standard knows but this server, or this parameter, does not.
    """
    return _resolve(type_name, name, 0) if len(name) <= NAME_LENGTH_MAX else None


def _resolve(type_name: str, name: str, links: int) -> Builder | None:
    if name.startswith("_has:"):
        return _has(type_name, name, links)
    head, dot, rest = name.partition(".")
    code, _, modifier = head.partition(":")
    if code == "_list" and not dot and not modifier:
        return _list(type_name)
    if code in unsupported(type_name):
        raise grammar.not_supported(code)
    parameter = search_parameters(type_name).get(code)
    if parameter is None:
        return None
    if dot:
        return _chain(type_name, parameter, modifier, rest, links)
    if modifier == "missing":
        return _missing(type_name, parameter)
    return _direct(type_name, parameter, modifier)


def _direct(type_name: str, parameter: Parameter, modifier: str) -> Builder:
    match parameter.code, modifier:
        case "_id", "" | "not":
            return functools.partial(_ids, negated=modifier == "not")
        case "_lastUpdated", "":
            return value_query.last_updated_builder
        case "_id" | "_lastUpdated", _:
            raise grammar.bad_modifier(f"{parameter.code}:{modifier}")
    match parameter.type:
        case "token":
            return token_query.builder(type_name, parameter, modifier)
        case "reference":
            return reference_query.builder(type_name, parameter, modifier)
        case "composite" if not modifier:
            return composite_query.builder(type_name, parameter, _direct)
        case "composite":
            raise grammar.bad_modifier(f"{parameter.code}:{modifier}")
    return value_query.builder(type_name, parameter, modifier)


def _ids(value: str, _: Context, *, negated: bool) -> Criterion:
    return IdCriterion(tuple(map(grammar.unescape, grammar.alternatives("_id", value))), negated)


def _missing(type_name: str, parameter: Parameter) -> Builder:
    name = f"{parameter.code}:missing"

    def build(value: str, _: Context) -> Criterion:
        if value not in ("true", "false"):
            raise grammar.bad_value(name)
        return _presence(type_name, parameter, is_missing=value == "true")

    return build


def _presence(type_name: str, parameter: Parameter, *, is_missing: bool) -> Criterion:
    if parameter.code in ("_id", "_lastUpdated"):
        return NOTHING if is_missing else AllOf(())
    if parameter.type == "composite":
        return composite_query.missing(type_name, parameter, is_missing=is_missing)
    found_in = sources(type_name, parameter.code)
    if any(source.target is not None for source in found_in):
        return MissingCriterion((parameter.code,), is_missing)
    return MissingCriterion(tuple(source.code for source in found_in), is_missing)


def _list(type_name: str) -> Builder:
    """`_list=id`: the entries of a List resource. Lists by function, as `$current-problems`, are refused."""
    codes = reference_query.pointing_codes(sources("List", "item"), type_name)

    def build(value: str, _: Context) -> Criterion:
        ids = tuple(map(grammar.unescape, grammar.alternatives("_list", value)))
        if any(id_.startswith("$") for id_ in ids):
            raise grammar.not_supported("_list")
        return HasCriterion("List", codes, IdCriterion(ids))

    return build


def _has(type_name: str, name: str, links: int) -> Builder:
    shown = grammar.shown(name)
    parts = name.split(":", 3)
    if len(parts) != 4 or parts[1] not in definitions.resource_types():
        raise _bad_name(shown)
    _, source, code, rest = parts
    _check_links(shown, links)
    parameter = search_parameters(source).get(code)
    if parameter is None or parameter.type != "reference" or type_name not in parameter.targets:
        raise _bad_name(shown)
    if not reference_query.has_references(source, code):
        raise grammar.not_supported(shown)
    codes = reference_query.pointing_codes(sources(source, code), type_name)
    inner = _resolve(source, rest, links + 1)
    if inner is None:
        raise _bad_name(shown)

    def build(value: str, context: Context) -> Criterion:
        return HasCriterion(source, codes, inner(value, context))

    return build


def _chain(type_name: str, parameter: Parameter, target: str, rest: str, links: int) -> Builder:
    shown = grammar.shown(f"{parameter.code}.{rest}")
    if parameter.type != "reference" or (target and target not in parameter.targets):
        raise _bad_name(shown)
    if not reference_query.has_references(type_name, parameter.code):
        raise grammar.not_supported(shown)
    _check_links(shown, links)
    steps = _steps(type_name, parameter, target, rest, links)
    if not steps:
        raise _bad_name(shown)
    if len(steps) > CHAINED_TYPES_MAX:
        raise _too_many_types(shown)

    def build(value: str, context: Context) -> Criterion:
        chains = [ChainCriterion(codes, name, inner(value, context)) for codes, name, inner in steps]
        return chains[0] if len(chains) == 1 else AnyOf(tuple(chains))

    return build


def _steps(
    type_name: str, parameter: Parameter, target: str, rest: str, links: int
) -> list[tuple[tuple[str, ...], str, Builder]]:
    """(codes, target type, what reads the rest) of each type that the link leads to and that has the rest."""
    found_in = sources(type_name, parameter.code)
    steps = []
    for name in [target] if target else sorted(parameter.targets):
        codes = reference_query.pointing_codes(found_in, name)
        if codes and (inner := _resolve_leniently(name, rest, links + 1, must=bool(target))) is not None:
            steps.append((codes, name, inner))
    return steps


def _resolve_leniently(type_name: str, rest: str, links: int, *, must: bool) -> Builder | None:
    """Of several possible types, those where the rest means nothing are passed over."""
    try:
        return _resolve(type_name, rest, links)
    except FhirError:
        if must:
            raise
        return None


def _check_links(shown: str, links: int) -> None:
    if links >= LINKS_MAX:
        raise refuse(
            400,
            "too-costly",
            "The search parameter {name} has more than {limit} links.",
            "Søgeparameteren {name} har mere end {limit} led.",
            name=shown,
            limit=LINKS_MAX,
        )


def _bad_name(shown: str) -> FhirError:
    return refuse(
        400,
        "invalid",
        "The search parameter {name} does not lead to a parameter of another resource.",
        "Søgeparameteren {name} fører ikke til en parameter på en anden ressource.",
        name=shown,
    )


def _too_many_types(shown: str) -> FhirError:
    return refuse(
        400,
        "too-costly",
        "The search parameter {name} can lead to too many types; name one, as in subject:Patient.name.",
        "Søgeparameteren {name} kan føre til for mange typer; nævn én, som i subject:Patient.name.",
        name=shown,
    )
