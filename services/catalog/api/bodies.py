"""Bodies that are not JSON."""

from collections.abc import Collection
from typing import Any

from fastapi import Request

from services.shared.errors import UnsupportedMediaType


def media_type(request: Request, supported: Collection[str]) -> str:
    """What the body says it is. Raises UnsupportedMediaType."""
    named = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if named not in supported:
        told = f"Send the body as one of: {', '.join(supported)}."
        raise UnsupportedMediaType(told, supported=list(supported))
    return named


def described(contents: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A body that is read as it comes, as a route's `openapi_extra`; what is said of it by media type."""
    return {"requestBody": {"required": True, "content": contents}}
