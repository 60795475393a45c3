"""QR codes (ISO/IEC 18004) with error correction M and the quiet zone of four modules that scanners need, in white."""

from io import BytesIO
from typing import TypeVar
from xml.etree import ElementTree

from qrcode.constants import ERROR_CORRECT_M
from qrcode.image.base import BaseImage
from qrcode.image.pure import PyPNGImage
from qrcode.image.svg import SvgPathFillImage
from qrcode.main import QRCode

Image = TypeVar("Image", bound=BaseImage)

MEDIA_TYPE = "image/svg+xml"
QUIET_ZONE = 4
PIXELS_A_MODULE = 5
# The SVG's unit is a tenth of this.
UNITS_A_MODULE = 10
# A signed code looks random under every mask, so trying all eight of them would only cost time.
MASK = 0


def svg(text: str) -> bytes:
    """Scales to any size: it has a viewBox and no width of its own."""
    root: ElementTree.Element = draw(text, SvgPathFillImage, UNITS_A_MODULE).get_image()
    del root.attrib["width"], root.attrib["height"]
    return ElementTree.tostring(root)


def png(text: str) -> bytes:
    """For mails, where SVG is not shown; about 400 pixels wide."""
    image = BytesIO()
    draw(text, PyPNGImage, PIXELS_A_MODULE).save(image)
    return image.getvalue()


def draw(text: str, kind: type[Image], size: int) -> Image:
    code: QRCode[Image] = QRCode(
        error_correction=ERROR_CORRECT_M,
        mask_pattern=MASK,
        border=QUIET_ZONE,
        box_size=size,
        image_factory=kind,
    )
    code.add_data(text)
    image: Image = code.make_image()
    return image
