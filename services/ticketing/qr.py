"""QR codes (ISO/IEC 18004) with error correction M and the quiet zone of four modules that scanners need, in white."""

import struct
import zlib
from functools import lru_cache
from itertools import groupby
from typing import Any

from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode

MEDIA_TYPE = "image/svg+xml"
QUIET_ZONE = 4
PIXELS_A_MODULE = 5
# A signed code looks random under every mask, so trying all eight of them would only cost time.
MASK = 0
PNG = b"\x89PNG\r\n\x1a\n"

Rows = tuple[tuple[bool, ...], ...]


def svg(text: str) -> bytes:
    """Scales to any size: it has a viewBox and no width of its own."""
    rows = modules(text)
    size = len(rows)
    path = "".join(f"M{x} {y}h{run}v1h-{run}z" for y, row in enumerate(rows) for x, run in dark_runs(row))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" shape-rendering="crispEdges">'
        f'<rect width="{size}" height="{size}" fill="#fff"/><path d="{path}"/></svg>'
    ).encode()


def png(text: str) -> bytes:
    """For mails, where SVG is not shown; about 400 pixels wide, one bit each (ISO/IEC 15948)."""
    rows = modules(text)
    size = len(rows) * PIXELS_A_MODULE
    header = struct.pack(">IIBBBBB", size, size, 1, 0, 0, 0, 0)
    pixels = b"".join(scanline(row, size) * PIXELS_A_MODULE for row in rows)
    return PNG + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


@lru_cache(maxsize=64)
def modules(text: str) -> Rows:
    """Dark ones are True, the quiet zone included. Kept for a moment: a mail shows a code as an image and on paper."""
    code: QRCode[Any] = QRCode(error_correction=ERROR_CORRECT_M, mask_pattern=MASK, border=QUIET_ZONE)
    code.add_data(text)
    return tuple(tuple(map(bool, row)) for row in code.get_matrix())


def dark_runs(row: tuple[bool, ...]) -> list[tuple[int, int]]:
    """Where each begins and how long it is."""
    found, x = [], 0
    for is_dark, run in groupby(row):
        length = len(list(run))
        if is_dark:
            found.append((x, length))
        x += length
    return found


def scanline(row: tuple[bool, ...], size: int) -> bytes:
    """A row of pixels, white ones as 1, after the filter's type, which is none."""
    bits = "".join(("0" if is_dark else "1") * PIXELS_A_MODULE for is_dark in row)
    return b"\0" + int(bits.ljust(-(-size // 8) * 8, "0"), 2).to_bytes(-(-size // 8))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
