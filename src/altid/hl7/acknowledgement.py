"""Answers to messages (HL7 v2.5.1 chapter 2 §2.9): which there are, what they mean, how ours are written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from altid.hl7.text import CHARSET, DELIMITERS, Hl7Error, Message, field, message, segment
from altid.hl7.word import Word

WORDS = {"AA": Word.OK, "AE": Word.TRANSIENT_ERROR, "AR": Word.FATAL_ERROR}
"""What an answer means, in MedCom's words. AE may be sent again, AR changes by no repetition."""

_ENHANCED = {"CA": "AA", "CE": "AE", "CR": "AR"}
"""Of receivers that answer as if they were asked for an accept acknowledgement: it is all they will say."""
_CODE = re.compile(r"[A-Za-z0-9]{1,16}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """An answer that was read. `code`: AA, AE or AR, and the receiver's own short code (ERR-3) if it has one;
    never its text, which may be about somebody."""

    control_id: str
    word: Word
    code: str


def read(answer: Message) -> Acknowledgement:
    """Raises `Hl7Error` for what is no answer."""
    told = answer.first("MSA")
    word = told.text(1) if told else ""
    word = _ENHANCED.get(word, word)
    if told is None or word not in WORDS:
        raise Hl7Error("no-acknowledgement")
    fault = answer.first("ERR")
    own = fault.text(3) if fault else ""
    return Acknowledgement(told.text(2), WORDS[word], f"{word} {own}" if _CODE.fullmatch(own) else word)


def write(to: Message | None, code: str, reason: str = "", *, control_id: str, now: datetime) -> bytes:
    """Our answer to a message: AA, AE or AR, with our own short reason. `to` is None if it can't be read."""
    asked = to.header if to else None
    segments = [
        "MSH|"
        + DELIMITERS
        + segment(
            "",
            {
                1: asked.raw(5) if asked else "",
                2: asked.raw(6) if asked else "",
                3: asked.raw(3) if asked else "",
                4: asked.raw(4) if asked else "",
                5: stamp(now),
                7: field("ACK", asked.text(9, 2) if asked else "", "ACK"),
                8: field(control_id),
                9: asked.raw(11) if asked and asked.raw(11) else "P",
                10: "2.5.1",
                16: CHARSET,
            },
        ),
        segment("MSA", {1: code, 2: field(to.control_id) if to else ""}),
    ]
    if reason:
        segments.append(
            segment(
                "ERR", {3: field("207", "Application internal error", "HL70357"), 4: "E", 8: field(reason)}
            )
        )
    return message(segments)


def stamp(moment: datetime) -> str:
    """HL7 `TS` in UTC."""
    return moment.astimezone(UTC).strftime("%Y%m%d%H%M%S+0000")
