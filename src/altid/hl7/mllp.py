"""The line: a message in a frame, an answer in a frame (HL7 v2 Minimal Lower Layer Protocol, release 1)."""

from __future__ import annotations

import asyncio

from altid.hl7.text import Hl7Error

BEGIN, END = b"\x0b", b"\x1c\r"
FRAME_BYTES_MAX = 4 * 1024 * 1024


def framed(message: bytes) -> bytes:
    """The bytes on the line."""
    return BEGIN + message + END


async def read_frame(reader: asyncio.StreamReader) -> bytes | None:
    """The next message; None at the end of the line. Raises `Hl7Error` for what is no frame.

    The reader's limit is the longest frame.
    """
    try:
        frame = await reader.readuntil(END)
    except asyncio.IncompleteReadError as error:
        if error.partial.strip():
            raise Hl7Error("torn") from None
        return None
    except asyncio.LimitOverrunError:
        raise Hl7Error("too-long") from None
    before, begin, message = frame[: -len(END)].partition(BEGIN)
    if not begin or before.strip():
        raise Hl7Error("no-frame")
    return message
