from xml.etree import ElementTree

from services.ticketing import qr

CODE = "x" * 400
SVG = "{http://www.w3.org/2000/svg}"


def test_the_svg_scales_and_has_a_white_quiet_zone() -> None:
    image = ElementTree.fromstring(qr.svg(CODE))  # noqa: S314 - our own
    assert "width" not in image.attrib
    side = float(image.attrib["viewBox"].split()[2])
    background, modules = image.findall(f"{SVG}path")
    assert background.attrib["fill"] == "#fff"
    assert background.attrib["d"] == f"M0 0h{side:.0f}v{side:.0f}h-{side:.0f}z"
    assert modules.attrib["d"].startswith("M4 4.5h7")


def test_the_png_is_one() -> None:
    assert qr.png(CODE).startswith(b"\x89PNG\r\n")
