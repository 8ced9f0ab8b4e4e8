"""What an attachment holds, as a browser may be given it: decoded, bounded, and only what it says that it is.

A type is what the bytes are, not what somebody wrote beside them. Text is shown as text, whatever mark-up it
has. Pictures and PDF go out by themselves, under a policy that lets nothing in them run.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass

from starlette.responses import Response

from altid.screen.headers import NOT_KEPT, POLICY
from altid.screen.views.documents import SHAPES, Shape
from altid.screen.views.elements import Resource, text
from altid.screen.views.notes import plain_text

BYTES_MAX = 12 * 1024 * 1024
"""A resource has 16 MB at most, of which base64 takes a third."""
TEXT_CHARACTERS_MAX = 200_000
"""A hundred printed pages; a longer text is cut, and says so."""
_BEGINNINGS = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
    "application/pdf": (b"%PDF-",),
}
_ENDINGS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "application/pdf": "pdf",
}
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; frame-ancestors 'self'; sandbox"
"""The styles are those with which a browser itself lays out a picture."""


class AttachmentError(Exception):
    """It is not shown. `key`: of the catalogue, why; nothing of what it holds."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


@dataclass(frozen=True, slots=True)
class Held:
    """`media_type`: in lower case, without parameters."""

    media_type: str
    charset: str
    content: bytes

    @property
    def shape(self) -> Shape:
        return SHAPES.get(self.media_type, Shape.OTHER)


def held_by(attachment: Resource, data: str | None) -> Held:
    """`data`: base64, of the attachment itself or of its Binary. Raises `AttachmentError`."""
    if data is None:
        raise AttachmentError("document.not.elsewhere")
    if len(data) * 3 // 4 > BYTES_MAX:
        raise AttachmentError("document.not.too-big")
    media, _, parameters = (text(attachment.get("contentType")) or "").partition(";")
    try:
        content = base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        raise AttachmentError("document.not.broken") from None
    told = text(attachment.get("hash"))
    if told and not hmac.compare_digest(told.encode(), base64.b64encode(_sha1(content))):
        raise AttachmentError("document.not.changed")
    media = media.strip().lower()
    beginnings = _BEGINNINGS.get(media)
    if beginnings and not content.startswith(beginnings):
        raise AttachmentError("document.not.broken")
    return Held(media, "latin-1" if "8859-1" in parameters else "utf-8", content)


def _sha1(content: bytes) -> bytes:
    """As R4 has it (datatypes.html#Attachment): it tells what was damaged, and proves nothing."""
    return hashlib.sha1(content, usedforsecurity=False).digest()


def words_of(held: Held) -> tuple[str, bool]:
    """The text alone, and whether it is cut. Raises `AttachmentError` for what is none."""
    if held.shape is not Shape.TEXT:
        raise AttachmentError("document.not.shape")
    written = held.content.decode(held.charset, "replace")
    said = written if held.media_type == "text/plain" else plain_text(written)
    return said[:TEXT_CHARACTERS_MAX], len(said) > TEXT_CHARACTERS_MAX


def sent(held: Held) -> Response:
    """A picture or PDF by itself. Its name is ours: what somebody called it stands in no header. Raises
    `AttachmentError` for all else."""
    ending = _ENDINGS.get(held.media_type)
    if ending is None:
        raise AttachmentError("document.not.shape")
    headers = {
        **NOT_KEPT,
        POLICY: _POLICY,
        "X-Frame-Options": "SAMEORIGIN",
        "Content-Disposition": f'inline; filename="dokument.{ending}"',
    }
    return Response(held.content, media_type=held.media_type, headers=headers)
