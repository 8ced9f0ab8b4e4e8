"""The grammar of our part of FHIRPath: text to a plain tree (hl7.org/fhirpath/N1)."""

from __future__ import annotations

import decimal
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

LENGTH_MAX: Final = 4096
"""Characters of a path; the longest of the standard has about 1,600."""

DEPTH_MAX: Final = 32
"""Parentheses within parentheses; the standard needs three."""

STEPS_MAX: Final = 64
"""Steps one after the other, which nest in the tree; a resource is never that deep."""


class PathError(ValueError):
    """The path cannot be read, is not of the supported part, or does not fit the type. Quotes no values."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name at the start: a type, an element of the focus, or `$this`."""

    name: str


@dataclass(frozen=True, slots=True)
class Literal:
    """`'text'`, `true`, `12`, `1.5`."""

    value: str | bool | int | decimal.Decimal


@dataclass(frozen=True, slots=True)
class Member:
    """`target.name`"""

    target: Expression
    name: str


@dataclass(frozen=True, slots=True)
class Index:
    """`target[position]`; -1 is the last."""

    target: Expression
    position: int


@dataclass(frozen=True, slots=True)
class Where:
    """`target.where(condition)`"""

    target: Expression
    condition: Expression


@dataclass(frozen=True, slots=True)
class OfType:
    """`target as type`, `target.as(type)`, `target.ofType(type)`"""

    target: Expression
    type: str


@dataclass(frozen=True, slots=True)
class Is:
    """`target is type`"""

    target: Expression
    type: str


@dataclass(frozen=True, slots=True)
class Call:
    """`target.name()` for exists, empty, not and resolve."""

    target: Expression
    name: str


@dataclass(frozen=True, slots=True)
class Binary:
    """`left operator right` for `|`, `=`, `!=`, `and`, `or`."""

    operator: str
    left: Expression
    right: Expression


Expression = Name | Literal | Member | Index | Where | OfType | Is | Call | Binary

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>'(?:[^'\\]|\\.)*')
    | (?P<number>[0-9]+(?:\.[0-9]+)?)
    | (?P<name>\$this|[A-Za-z_][A-Za-z0-9_]*|`[^`\\]+`)
    | (?P<sign>!=|[.()\[\]|=,])
    | (?P<end>\Z)
    )""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)")
_ESCAPED = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_LEVELS: Final = (("or",), ("and",), ("=", "!="), ("|",))
"""Operators that join two expressions, the loosest first; `is` and `as` bind closer than all of them."""


def parse(text: str) -> Expression:
    """Read a path. Raises `PathError` with the place of the fault."""
    if len(text) > LENGTH_MAX:
        raise PathError(f"A path has at most {LENGTH_MAX} characters.")
    reader = _Reader(list(_tokens(text)))
    expression = reader.joined(0)
    reader.expect("end", "")
    return expression


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    """(kind, text, place) of each token, the last being the end."""
    place = 0
    while True:
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise PathError(f"The path cannot be read at character {place + 1}.")
        yield match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)
        if match.lastgroup == "end":
            return
        place = match.end()


class _Reader:
    """A recursive descent parser over the tokens."""

    def __init__(self, tokens: list[tuple[str, str, int]]) -> None:
        self._tokens = tokens
        self._next = 0
        self._depth = 0

    def joined(self, level: int) -> Expression:
        if level == len(_LEVELS):
            return self._typed()
        left = self.joined(level + 1)
        for _ in range(len(self._tokens)):
            operator = self._accept(*_LEVELS[level])
            if operator is None:
                break
            left = Binary(operator, left, self.joined(level + 1))
        return left

    def expect(self, kind: str, text: str) -> None:
        found, value, place = self._tokens[self._next]
        if found != kind or value != text:
            raise PathError(f"The path is not understood at character {place + 1}.")
        self._next += 1

    def _accept(self, *texts: str) -> str | None:
        kind, value, _ = self._tokens[self._next]
        if kind in ("sign", "name") and value in texts:
            self._next += 1
            return value
        return None

    def _typed(self) -> Expression:
        target = self._steps()
        while operator := self._accept("is", "as"):
            name = self._type_name()
            target = Is(target, name) if operator == "is" else OfType(target, name)
        return target

    def _type_name(self) -> str:
        name = self._name()
        if name in ("FHIR", "System") and self._accept("."):
            return self._name()
        return name

    def _name(self) -> str:
        kind, value, place = self._tokens[self._next]
        if kind != "name":
            raise PathError(f"A name is missing at character {place + 1}.")
        self._next += 1
        return value.strip("`")

    def _steps(self) -> Expression:
        target = self._start()
        for _ in range(STEPS_MAX):
            if self._accept("."):
                target = self._step(target, self._name())
            elif self._accept("["):
                target = Index(target, self._position())
                self.expect("sign", "]")
            else:
                return target
        raise PathError(f"A path has at most {STEPS_MAX} steps.")

    def _position(self) -> int:
        kind, value, place = self._tokens[self._next]
        if kind != "number" or not value.isdecimal():
            raise PathError(f"An index is missing at character {place + 1}.")
        self._next += 1
        return int(value)

    def _start(self) -> Expression:
        kind, value, place = self._tokens[self._next]
        if kind == "sign" and value == "(":
            return self._in_parentheses()
        if kind not in ("string", "number", "name"):
            raise PathError(f"The path is not understood at character {place + 1}.")
        self._next += 1
        if kind == "string":
            return Literal(_unescape(value[1:-1]))
        if kind == "number":
            return Literal(int(value) if value.isdecimal() else decimal.Decimal(value))
        if value in ("true", "false"):
            return Literal(value == "true")
        name = value.strip("`")
        if self._tokens[self._next][:2] == ("sign", "("):
            return self._step(Name("$this"), name)
        return Name(name)

    def _in_parentheses(self) -> Expression:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise PathError(f"A path has at most {DEPTH_MAX} levels of parentheses.")
        self.expect("sign", "(")
        inner = self.joined(0)
        self.expect("sign", ")")
        self._depth -= 1
        return inner

    def _step(self, target: Expression, name: str) -> Expression:
        if self._tokens[self._next][:2] != ("sign", "("):
            return Member(target, name)
        match name:
            case "where":
                return Where(target, self._in_parentheses())
            case "extension":
                url = Binary("=", Name("url"), self._in_parentheses())
                return Where(Member(target, "extension"), url)
            case "as" | "ofType":
                self.expect("sign", "(")
                wanted = OfType(target, self._type_name())
                self.expect("sign", ")")
                return wanted
            case "exists" if self._tokens[self._next + 1][:2] != ("sign", ")"):
                return Call(Where(target, self._in_parentheses()), name)
        return self._without_arguments(target, name)

    def _without_arguments(self, target: Expression, name: str) -> Expression:
        self.expect("sign", "(")
        self.expect("sign", ")")
        match name:
            case "first":
                return Index(target, 0)
            case "last":
                return Index(target, -1)
            case "exists" | "empty" | "not" | "resolve":
                return Call(target, name)
        raise PathError(f"The function {name[:64]}() is not supported.")


def _unescape(text: str) -> str:
    return _ESCAPE.sub(_unescaped, text)


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if len(code) == 5:
        return chr(int(code[1:], 16))
    return _ESCAPED.get(code, code)
