from xml.etree import ElementTree

from services.ticketing import qr
from services.ticketing.tests.reading import scanned_png

CODE = "x" * 400


def test_the_svg_scales_and_has_a_white_quiet_zone() -> None:
    image = ElementTree.fromstring(qr.svg(CODE))  # noqa: S314 - our own
    assert "width" not in image.attrib
    assert float(image.attrib["viewBox"].split()[2]) > 2 * qr.QUIET_ZONE
    background, modules = image
    assert background.attrib["fill"] == "#fff"
    # The first finder pattern begins right after the quiet zone.
    assert modules.attrib["d"].startswith("M4 4h7v1h-7z")


def test_the_png_can_be_scanned() -> None:
    image = qr.png(CODE)
    assert image.startswith(b"\x89PNG\r\n")
    assert scanned_png(image) == CODE
