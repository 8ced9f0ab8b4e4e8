"""Messages of HL7 v2.5.1 as text: segments, fields, components and their escapes (chapter 2 §2.5 to §2.10).

Only the usual delimiters are spoken, `|^~\\&`. Texts may hold anything: what would be a delimiter, end a
segment or end a frame is escaped, so that no patient's name can make a segment of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

DELIMITERS = "^~\\&"
CHARSET = "UNICODE UTF-8"
"""HL7 table 0211, in MSH-18."""
SEGMENTS_MAX = 10_000

_ENCODINGS = {CHARSET: "utf-8", "UNICODE": "utf-8", "": "utf-8", "ASCII": "ascii", "8859/1": "iso-8859-1"}
_ENCODINGS |= {"8859/15": "iso-8859-15"}
_LETTERS = {"|": "F", "^": "S", "~": "R", "\\": "E", "&": "T"}
_MEANT = {letter: character for character, letter in _LETTERS.items()} | {".br": "\n"}
_UNSAFE = re.compile(r"[|^~\\&\x00-\x1f\x7f]")
_ESCAPE = re.compile(r"\\([^\\]*)\\")
_NAME = re.compile(r"[A-Z][A-Z0-9]{2}")


class Hl7Error(ValueError):
    """The message can't be read. `code` is ours and says nothing of its content."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def escape(text: str) -> str:
    """A text that can stand in a component; `unescape` gives it back."""
    return _UNSAFE.sub(_escaped, text)


def unescape(text: str) -> str:
    """What was escaped. A sequence that means nothing to us (highlighting) is left out."""
    return _ESCAPE.sub(_meant, text)


def field(*components: str) -> str:
    """Components, each escaped; empty ones at the end are left out."""
    return "^".join(map(escape, components)).rstrip("^")


def repeated(fields: Iterable[str]) -> str:
    """A field that repeats."""
    return "~".join(fields)


def segment(name: str, fields: dict[int, str]) -> str:
    """A segment of fields by their numbers, as `field` gives them."""
    last = max((number for number, text in fields.items() if text), default=0)
    return "|".join([name, *(fields.get(number, "") for number in range(1, last + 1))])


def message(segments: Iterable[str]) -> bytes:
    """The bytes: UTF-8, as MSH-18 says, and a carriage return after each segment."""
    return "".join(f"{one}\r" for one in segments).encode()


@dataclass(frozen=True, slots=True)
class Segment:
    """Its fields as they came; `fields[0]` is the name."""

    fields: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.fields[0]

    def repetitions(self, number: int) -> list[str]:
        """The field's repetitions as they came; of MSH the first field is the delimiter itself."""
        place = number - 1 if self.name == "MSH" else number
        text = self.fields[place] if place < len(self.fields) else ""
        return text.split("~") if text else []

    def raw(self, number: int) -> str:
        """The first repetition, as it came."""
        return next(iter(self.repetitions(number)), "")

    def text(self, number: int, component: int = 1, part: int = 1) -> str:
        """A component of the first repetition, in plain text; empty where there is none."""
        return component_of(self.raw(number), component, part)


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was read."""

    segments: tuple[Segment, ...]

    @property
    def header(self) -> Segment:
        return self.segments[0]

    @property
    def control_id(self) -> str:
        """MSH-10."""
        return self.header.text(10)

    @property
    def kind(self) -> str:
        """Message code and trigger event, as `ORU^R01`."""
        return f"{self.header.text(9)}^{self.header.text(9, 2)}"

    def first(self, name: str) -> Segment | None:
        return next((one for one in self.segments if one.name == name), None)


def component_of(repetition: str, component: int, part: int = 1) -> str:
    """A component, or a part of it, in plain text."""
    components = repetition.split("^")
    if component > len(components):
        return ""
    parts = components[component - 1].split("&")
    return unescape(parts[part - 1]) if part <= len(parts) else ""


def parse(data: bytes, charset_default: str = "") -> Message:
    """Read a message; `charset_default`, as in MSH-18, is of senders who name none. Raises `Hl7Error`."""
    if data[:4] != b"MSH|" or data[4:8] != DELIMITERS.encode():
        raise Hl7Error("no-header")
    header = data.partition(b"\r")[0].split(b"|")
    charset = header[17].decode("ascii", "replace").partition("~")[0] if len(header) > 17 else ""
    charset = charset or charset_default
    try:
        text = data.decode(_ENCODINGS[charset])
    except KeyError:
        raise Hl7Error("unknown-charset") from None
    except UnicodeDecodeError:
        raise Hl7Error("wrong-charset") from None
    lines = [line for line in text.replace("\r\n", "\r").replace("\n", "\r").split("\r") if line]
    if len(lines) > SEGMENTS_MAX:
        raise Hl7Error("too-long")
    segments = tuple(Segment(tuple(line.split("|"))) for line in lines)
    if not all(_NAME.fullmatch(one.name) for one in segments):
        raise Hl7Error("no-segment")
    return Message(segments)


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    if character == "\n":
        return "\\.br\\"
    return f"\\{_LETTERS[character]}\\" if character in _LETTERS else f"\\X{ord(character):02X}\\"


def _meant(found: re.Match[str]) -> str:
    sequence = found[1]
    if sequence in _MEANT:
        return _MEANT[sequence]
    if sequence[:1] == "X":
        try:
            return bytes.fromhex(sequence[1:]).decode("utf-8", "replace")
        except ValueError:
            return ""
    return ""
