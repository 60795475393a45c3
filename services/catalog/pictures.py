"""Pictures that people give us: decoded and encoded anew, so that nothing comes through but what is to be seen."""

from dataclasses import dataclass
from hashlib import blake2b
from io import BytesIO
from threading import Lock

from PIL import Image, ImageOps

from services.catalog.errors import PosterNotReadable, PosterTooManyPixels

ACCEPTED = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
MEDIA_TYPE = "image/webp"
BOX = 800, 1200
QUALITY = 82
MOST_PIXELS = 32_000_000

# Decoded, a picture takes up to four bytes a pixel.
one_at_a_time = Lock()


@dataclass(frozen=True)
class Picture:
    """`version` changes with the content."""

    version: str
    media_type: str
    content: bytes


def redrawn(content: bytes) -> Picture:
    """Within 800x1200 pixels, upright, without metadata. Blocks for up to some 300 ms.

    Raises PosterNotReadable, PosterTooManyPixels.
    """
    with one_at_a_time:
        try:
            encoded = encoded_anew(content)
        except PosterTooManyPixels:
            raise
        except Exception as error:  # whatever decoders say about foreign bytes, from OSError to struct.error
            raise PosterNotReadable from error
    return Picture(blake2b(encoded, digest_size=8).hexdigest(), MEDIA_TYPE, encoded)


def encoded_anew(content: bytes) -> bytes:
    out = BytesIO()
    try:
        opened = Image.open(BytesIO(content), formats=list(ACCEPTED.values()))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PosterTooManyPixels(max_pixels=MOST_PIXELS) from error
    with opened as image:
        if image.width * image.height > MOST_PIXELS:
            raise PosterTooManyPixels(max_pixels=MOST_PIXELS)
        image.draft("RGB", (2 * BOX[0], 2 * BOX[1]))  # a JPEG need not be decoded larger than it is needed
        upright = ImageOps.exif_transpose(image).convert("RGBA")
        upright.thumbnail(BOX, Image.Resampling.LANCZOS)
        paper = Image.new("RGB", upright.size, "white")
        paper.paste(upright, mask=upright.getchannel("A"))
        paper.save(out, "WEBP", quality=QUALITY)
    return out.getvalue()
