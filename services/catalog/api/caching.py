"""How long answers may be kept: they are the same for everybody, and a second old at most."""

from fastapi import Response


def shortly(response: Response) -> None:
    response.headers["Cache-Control"] = "public, max-age=1"
