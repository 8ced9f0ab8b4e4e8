"""The operations of a FHIRPath Patch, read from their `Parameters` resource (R4 fhirpatch §3.1.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

from altid.fhir.outcome import FhirError, Issue

OPERATIONS_MAX = 500
"""Operations in one patch: more than a person's edit needs, few enough to be applied within a second."""

OperationType = Literal["add", "insert", "delete", "replace", "move"]

_PARTS_OF_TYPE: dict[OperationType, frozenset[str]] = {
    "add": frozenset({"name", "value"}),
    "insert": frozenset({"value", "index"}),
    "delete": frozenset(),
    "replace": frozenset({"value"}),
    "move": frozenset({"source", "destination"}),
}
_KNOWN_PARTS = frozenset({"type", "path"}).union(*_PARTS_OF_TYPE.values())
_NAME_LENGTH_MAX = 64


class Value(NamedTuple):
    """What to put in: of a named type, or built from parts, or a resource; exactly one of the three."""

    type: str | None = None
    content: Any = None
    """The JSON value; None when a primitive has extensions only."""
    extension: Any = None
    """The object beside a primitive that carries its id and extensions (JSON name with an underscore)."""
    parts: tuple[tuple[str, Value], ...] | None = None
    resource: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, `number` counting from 0. What its type does not need is None."""

    number: int
    type: OperationType
    path: str
    name: str | None = None
    value: Value | None = None
    index: int | None = None
    source: int | None = None
    destination: int | None = None


def failed(number: int, status: int, code: str, text_en: str, text_da: str, **data: object) -> FhirError:
    """The refusal of operation `number`."""
    issue = Issue(
        code,
        "Patch operation {number}: " + text_en,
        "Patch-operation {number}: " + text_da,
        {"number": number, **data},
        f"Parameters.parameter[{number}]",
    )
    return FhirError(status, [issue])


def shorten(name: str) -> str:
    """An element or parameter name as an error text may show it."""
    return name[:_NAME_LENGTH_MAX]


def read_operations(parameters: Any) -> list[Operation]:
    """The operations of a `Parameters` resource. Raises `FhirError`: 400 for its form, 422 for too many."""
    entries = parameters.get("parameter", []) if isinstance(parameters, dict) else None
    if not isinstance(entries, list) or parameters.get("resourceType") != "Parameters":
        raise failed(
            0, 400, "structure", "a Parameters resource is needed.", "der kræves en Parameters-ressource."
        )
    if len(entries) > OPERATIONS_MAX:
        raise failed(
            OPERATIONS_MAX,
            422,
            "too-costly",
            "a patch may hold at most {limit} operations.",
            "en patch må højst rumme {limit} operationer.",
            limit=OPERATIONS_MAX,
        )
    return [_read_operation(number, entry) for number, entry in enumerate(entries)]


def _read_operation(number: int, entry: Any) -> Operation:
    parts = _parts_by_name(number, entry)
    type_ = _text(number, parts, "type")
    if type_ not in get_args(OperationType):
        raise failed(
            number,
            400,
            "value",
            "the type must be one of {known}.",
            "typen skal være en af {known}.",
            known=", ".join(get_args(OperationType)),
        )
    wanted: frozenset[str] = _PARTS_OF_TYPE[type_]  # type: ignore[index]
    return Operation(
        number,
        type_,  # type: ignore[arg-type]
        _text(number, parts, "path"),
        _text(number, parts, "name") if "name" in wanted else None,
        _read_value(number, _part(number, parts, "value")) if "value" in wanted else None,
        _count(number, parts, "index") if "index" in wanted else None,
        _count(number, parts, "source") if "source" in wanted else None,
        _count(number, parts, "destination") if "destination" in wanted else None,
    )


def _parts_by_name(number: int, entry: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(entry, dict) or entry.get("name") != "operation":
        raise failed(
            number,
            400,
            "structure",
            "each parameter must be named 'operation'.",
            "hver parameter skal hedde 'operation'.",
        )
    named: dict[str, dict[str, Any]] = {}
    for name, part in _named_parts(number, entry):
        if name not in _KNOWN_PARTS or name in named:
            raise failed(
                number,
                400,
                "structure",
                "the part '{name}' is unknown or stands there twice.",
                "delen '{name}' er ukendt eller står der to gange.",
                name=shorten(name),
            )
        named[name] = part
    return named


def _named_parts(number: int, entry: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    parts = entry.get("part", [])
    if isinstance(parts, list) and all(isinstance(part, dict) for part in parts):
        named = [(part.get("name"), part) for part in parts]
        if all(isinstance(name, str) for name, _ in named):
            return named
    raise failed(
        number,
        400,
        "structure",
        "'part' must be an array of named parts.",
        "'part' skal være en liste af navngivne dele.",
    )


def _part(number: int, parts: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
    if name in parts:
        return parts[name]
    raise failed(
        number, 400, "required", "the part '{name}' is missing.", "delen '{name}' mangler.", name=name
    )


def _text(number: int, parts: dict[str, dict[str, Any]], name: str) -> str:
    part = _part(number, parts, name)
    text = part.get("valueString", part.get("valueCode"))
    if isinstance(text, str):
        return text
    raise failed(
        number,
        400,
        "value",
        "the part '{name}' must be a text.",
        "delen '{name}' skal være en tekst.",
        name=name,
    )


def _count(number: int, parts: dict[str, dict[str, Any]], name: str) -> int:
    count = _part(number, parts, name).get("valueInteger")
    if type(count) is int and count >= 0:
        return count
    raise failed(
        number,
        400,
        "value",
        "the part '{name}' must be a valueInteger, 0 or more.",
        "delen '{name}' skal være en valueInteger, 0 eller mere.",
        name=name,
    )


def _read_value(number: int, part: dict[str, Any]) -> Value:
    keys = {key.removeprefix("_") for key in part if key.removeprefix("_").startswith("value")}
    given = [*keys, *(key for key in ("part", "resource") if key in part)]
    if len(given) != 1:
        raise failed(
            number,
            400,
            "structure",
            "a value needs exactly one of value[x], part and resource.",
            "en værdi kræver præcis én af value[x], part og resource.",
        )
    key = given[0]
    if key == "part":
        inner = _named_parts(number, part)
        return Value(parts=tuple((name, _read_value(number, below)) for name, below in inner))
    if key == "resource":
        return Value(resource=_object(number, part["resource"]))
    extension = _object(number, part["_" + key]) if "_" + key in part else None
    return Value(key.removeprefix("value"), part.get(key), extension)


def _object(number: int, value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise failed(number, 400, "structure", "an object is needed.", "der kræves et objekt.")
