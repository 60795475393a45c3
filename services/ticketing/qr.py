"""QR codes (ISO/IEC 18004) with error correction M and the quiet zone of four modules that scanners need, in white."""

from io import BytesIO

import segno

QUIET_ZONE = 4
PIXELS_A_MODULE = 5
# A signed code looks random under every mask, so trying all eight of them would only cost time.
MASK = 0


def svg(text: str) -> bytes:
    """Scales to any size: it has a viewBox and no width of its own."""
    return draw(text, "svg", scale=1, omitsize=True, xmldecl=False, svgclass=None, lineclass=None)


def png(text: str) -> bytes:
    """For mails, where SVG is not shown; about 400 pixels wide."""
    return draw(text, "png", scale=PIXELS_A_MODULE)


def draw(text: str, kind: str, **options: object) -> bytes:
    code = segno.make_qr(text, error="m", mask=MASK, boost_error=False)
    image = BytesIO()
    code.save(image, kind=kind, border=QUIET_ZONE, dark="black", light="white", **options)
    return image.getvalue()
