"""Papers as files: a page of text as PDF, and a strip of an electrocardiogram as PNG.

Written by hand, byte by byte, so that they are the same on every machine: neither is compressed.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterable, Sequence

_A4 = b"0 0 595 842"
_FONTS = b"<< /Font << /F1 5 0 R >> >>"
_FROM_LEFT, _FROM_BELOW, _LINE = 60, 770, 16
_STRIP_WIDTH, _STRIP_HEIGHT = 600, 96
"""Pixels; 100 of them are a second."""
_MIDDLE, _SECOND = 64, 100
_WAVES = (
    (0.20, 0.025, 6.0),
    (0.29, 0.008, -6.0),
    (0.32, 0.012, 46.0),
    (0.35, 0.010, -12.0),
    (0.55, 0.05, 12.0),
)
"""P, Q, R, S and T: where in a beat (s), how wide (s), how high (pixels)."""


def pdf(lines: Sequence[str]) -> bytes:
    """One page (ISO 32000-1); the words in WinAnsi, which has the Danish letters."""
    shown = b"\n".join(b"(%s) '" % _escaped(line) for line in lines)
    content = b"BT /F1 11 Tf %d TL %d %d Td\n%s\nET" % (_LINE, _FROM_LEFT, _FROM_BELOW, shown)
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [%s] /Contents 4 0 R /Resources %s >>" % (_A4, _FONTS),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        font,
    )
    return _numbered(objects)


def _escaped(line: str) -> bytes:
    return line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)").encode("cp1252", "replace")


def _numbered(objects: Iterable[bytes]) -> bytes:
    """The file of these objects, with the table that says where each begins."""
    made, places = b"%PDF-1.4\n", list[int]()
    for number, each in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(places) + 1
    head = b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table)
    tail = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(made))
    return made + head + tail


def electrocardiogram(rate: int) -> bytes:
    """Six seconds of sinus rhythm, black on white. `rate`: beats a minute."""
    beat = 60 / rate
    heights = [_height((x / _SECOND) % beat) for x in range(_STRIP_WIDTH)]
    rows = [bytearray(b"\xff" * (_STRIP_WIDTH // 8)) for _ in range(_STRIP_HEIGHT)]
    for x, height in enumerate(heights):
        before = heights[x - 1] if x else height
        for y in range(min(before, height), max(before, height) + 1):
            rows[_MIDDLE - y][x // 8] &= ~(1 << (7 - x % 8))
    return _png(rows)


def _height(at_s: float) -> int:
    return round(sum(high * math.exp(-(((at_s - mid) / wide) ** 2)) for mid, wide, high in _WAVES))


def _png(rows: Sequence[bytearray]) -> bytes:
    """Of one bit a pixel (ISO/IEC 15948)."""
    size = struct.pack(">IIBBBBB", _STRIP_WIDTH, len(rows), 1, 0, 0, 0, 0)
    content = b"".join(b"\0" + row for row in rows)
    parts = ((b"IHDR", size), (b"IDAT", _stored(content)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, *zip(*parts, strict=True)))


def _chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)


def _stored(content: bytes) -> bytes:
    """As zlib without compression (RFC 1950, 1951 §3.2.4): one block, up to 65,535 bytes."""
    block = b"\x01" + struct.pack("<HH", len(content), len(content) ^ 0xFFFF) + content
    return b"\x78\x01" + block + struct.pack(">I", zlib.adler32(content))
