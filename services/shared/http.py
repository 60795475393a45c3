"""What happens around every request: its id, its size, its time, its route in the metrics."""

import re
import time
from dataclasses import dataclass

import httpx
from fastapi import Request
from fastapi.params import Depends as DependsOn
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.shared.db import Witness
from services.shared.errors import CLIENT_CLOSED, BodyTooLarge, crashed
from services.shared.ids import new_id
from services.shared.logging import bound_contextvars
from services.shared.metrics import Metrics

SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
MAX_BODY_BYTES = 1_048_576
BODY_LIMIT = "body_limit"


@dataclass
class BodyLimit:
    """Of one request; raised by its route, before anything has been read."""

    max_bytes: int = MAX_BODY_BYTES


class RequestContext:
    """ASGI middleware of a service. Sets `X-Request-ID` on every answer: the caller's, if it is sane."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        request_id = given if SANE_REQUEST_ID.fullmatch(given) else str(new_id())
        status = 0
        started = time.perf_counter()

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                answered = MutableHeaders(scope=message)
                answered["X-Request-ID"] = request_id
                await note_apart(scope, message["status"], answered)
                status = message["status"]
            await send(message)

        limit = scope[BODY_LIMIT] = BodyLimit()
        with bound_contextvars(request_id=request_id):
            try:
                await self.app(scope, limited(headers, limit, receive), answer)
            except Exception as error:
                if status:
                    raise
                # Here rather than outside of this middleware, where the request has no id any more.
                await crashed(error)(scope, receive, answer)
            finally:
                route = getattr(scope.get("route"), "path", "unknown")
                self.metrics.observe(scope["method"], route, status or CLIENT_CLOSED, time.perf_counter() - started)


async def note_apart(scope: Scope, status: int, answered: Headers) -> None:
    """What staff did by a use case that goes around the sessions is noted here, after it and before the answer."""
    witness: Witness | None = scope.get("state", {}).get("witness")
    if witness is None or witness.noted or status >= httpx.codes.BAD_REQUEST or "Idempotent-Replay" in answered:
        return
    async with scope["app"].state.sessions.begin() as session:
        await witness.note(session)


def limited(headers: dict[bytes, bytes], limit: BodyLimit, receive: Receive) -> Receive:
    """`receive` that raises BodyTooLarge once more than the limit has come, whatever Content-Length says."""
    declared = headers.get(b"content-length", b"0")
    announced = int(declared) if declared.isdigit() else 0
    taken = 0

    async def take() -> Message:
        nonlocal taken
        if announced <= limit.max_bytes:
            message = await receive()
            taken += len(message.get("body", b""))
            if taken <= limit.max_bytes:
                return message
        raise BodyTooLarge(f"The body may have up to {limit.max_bytes} bytes.", max_bytes=limit.max_bytes)

    return take


def takes(max_bytes: int) -> DependsOn:
    """Among the `dependencies` of a route that reads its body itself: how large that may be."""

    async def allow(request: Request) -> None:
        request.scope[BODY_LIMIT].max_bytes = max_bytes

    return DependsOn(allow)
