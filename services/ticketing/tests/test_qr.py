from xml.etree import ElementTree

from services.ticketing import qr

CODE = "x" * 400
SVG = "{http://www.w3.org/2000/svg}"


def test_the_svg_scales_and_has_a_white_quiet_zone() -> None:
    image = ElementTree.fromstring(qr.svg(CODE))  # noqa: S314 - our own
    assert "width" not in image.attrib
    assert float(image.attrib["viewBox"].split()[2]) > 2 * qr.QUIET_ZONE
    background, modules = image
    assert background.attrib == {"fill": "white", "x": "0", "y": "0", "width": "100%", "height": "100%"}
    # The first finder pattern begins right after the quiet zone.
    assert modules.attrib["d"].startswith("M4,4H5V5H4z")


def test_the_png_is_one() -> None:
    assert qr.png(CODE).startswith(b"\x89PNG\r\n")
