"""How long answers may be kept: they are the same for everybody, and lists are a second old at most."""

from fastapi import Response

FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "public, no-cache"


def shortly(response: Response) -> None:
    response.headers["Cache-Control"] = "public, max-age=1"


def is_among(etag: str, if_none_match: str | None) -> bool:
    """Compared weakly (RFC 9110, 13.1.2): a proxy that compresses marks the tag."""
    tags = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    return etag in tags or "*" in tags
