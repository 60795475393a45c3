"""PDFs and QR codes as people and scanners read them."""

from io import BytesIO

import pypdfium2
import zxingcpp
from PIL import Image


def pages(pdf: bytes) -> list[str]:
    """The text of each page, in reading order, its lines joined by single spaces."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [" ".join(page.get_textpage().get_text_range().split()) for page in document]
    finally:
        document.close()


def scanned(pdf: bytes) -> list[str]:
    """What a scanner sees on each page, as it is shown on a screen; "" where there is no code."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [decoded(page.render(scale=2, grayscale=True)) for page in document]
    finally:
        document.close()


def decoded(bitmap: pypdfium2.PdfBitmap) -> str:
    pixels = memoryview(bytes(bitmap.buffer)).cast("B", (bitmap.height, bitmap.stride))
    found = zxingcpp.read_barcode(pixels)
    return found.text if found else ""


def scanned_png(png: bytes) -> str:
    found = zxingcpp.read_barcode(Image.open(BytesIO(png)).convert("L"))
    return found.text if found else ""
