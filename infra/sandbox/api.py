"""Stripe's API: who may call, which faults he meets, what is kept under his key, and the table of all operations."""

import asyncio
import base64
import binascii
import hmac
from collections.abc import Callable, Coroutine
from contextlib import nullcontext
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from infra.sandbox import charges, disputes, endpoints, events, intents, lists, params, refunds
from infra.sandbox.errors import ApiError, Unauthenticated
from infra.sandbox.forms import Fields, read_fields, validate
from infra.sandbox.idempotency import Answer, Attempt, Memory
from infra.sandbox.store import Document, new_id
from infra.sandbox.world import Call, World

PREFIX = "/sandbox/v1"
BROWSER = "browser"
HIDDEN_FROM_BROWSERS = {"metadata", "latest_charge", "amount_received", "transfer_group"}


@dataclass(frozen=True, slots=True)
class Operation:
    """`publishable`: a browser may call it with the intent's client secret instead of the secret key."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    params: type[params.Params]
    perform: Callable[..., Document]
    publishable: bool = False


class BrokenResponse(Response):
    """Begins an answer and breaks the connection before its end."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  ASGI's signature
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1024")]})


class Door:
    """The way of a request: authentication, trouble, Idempotency-Key, one transaction, the answer."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._memory = Memory(world.store)

    async def serve(self, operation: Operation, request: Request) -> Response:
        request_id = new_id("req")
        headers = {"Request-Id": request_id, "Stripe-Version": events.API_VERSION}
        try:
            fields = await read_fields(request, accepts_json=operation.publishable)
            caller = self._authenticate(operation, request, fields)
            self._limit(caller)
            return await self._answer(operation, request, fields, caller, headers)
        except ApiError as error:
            return JSONResponse(error.body, error.status, headers)

    def _limit(self, caller: str) -> None:
        if caller != BROWSER and self._world.trouble.strikes("rate_limit"):
            raise ApiError("Request rate limit exceeded.", status=429, code="rate_limit", executed=False)

    def _authenticate(self, operation: Operation, request: Request, fields: Fields) -> str:
        token = _token(request)
        if operation.publishable and "client_secret" in fields and not token.startswith("sk_"):
            return BROWSER
        if token == "":
            raise Unauthenticated(
                "You did not provide an API key. You need to provide your API key in the Authorization header, "
                "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
            )
        if not hmac.compare_digest(token.encode(), self._world.settings.api_key.encode()):
            raise Unauthenticated(f"Invalid API Key provided: {token[:8]}{'*' * 8}{token[-4:]}")
        return token

    async def _answer(
        self, operation: Operation, request: Request, fields: Fields, caller: str, headers: dict[str, str]
    ) -> Response:
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        call = Call(self._world, origin_of(self._world, request), headers["Request-Id"], key)
        if key is None:
            attempt, kept = None, None
        else:
            headers["Idempotency-Key"] = key
            attempt = Attempt.of(caller, key, f"{request.method} {request.url.path}", fields)
            kept = self._memory.recall(attempt)
        if kept is not None:
            replayed = {"Idempotent-Replayed": "true", "Original-Request": kept.request_id}
            return _respond(kept, headers | replayed)
        with nullcontext() if attempt is None else self._memory.running(attempt):
            answer = self._perform(operation, call, fields, caller, request.path_params, attempt)
            await asyncio.sleep(self._world.trouble.settings.latency_ms / 1000)
        if caller != BROWSER and self._world.trouble.strikes("reset"):
            return BrokenResponse()
        return _respond(answer, headers)

    def _perform(
        self,
        operation: Operation,
        call: Call,
        fields: Fields,
        caller: str,
        path: dict[str, Any],
        attempt: Attempt | None,
    ) -> Answer:
        given = validate(operation.params, fields)
        with self._world.store.transaction():
            status, body = _outcome(operation, call, given, path)
            if caller == BROWSER:
                body = _for_browsers(body)
            elif operation.method == "POST" and self._world.trouble.strikes("error_after_acting"):
                message = "Something went wrong on Stripe's end."
                status, body = 500, ApiError(message, kind="api_error").body
            answer = Answer(status, body, call.request_id or "")
            if attempt is not None:
                self._memory.keep(attempt, answer)
        return answer


def _outcome(operation: Operation, call: Call, given: params.Params, path: dict[str, Any]) -> tuple[int, Document]:
    """Refusals that came after the work began are answers like any other: what was written stays."""
    try:
        answer = operation.perform(call, given, *path.values())
        return 200, lists.expand(call, answer, given.expand)
    except ApiError as error:
        if not error.executed:
            raise
        return error.status, error.body


def _respond(answer: Answer, headers: dict[str, str]) -> Response:
    if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR:  # the SDK would get the same 500 again under the same key
        headers["Stripe-Should-Retry"] = "false"
    return JSONResponse(answer.body, answer.status, headers)


def _for_browsers(body: Document) -> Document:
    """A publishable key sees less of an intent, also of the one inside an error."""
    if "error" in body:
        error = body["error"]
        return (
            {"error": {**error, "payment_intent": _for_browsers(error["payment_intent"])}}
            if "payment_intent" in error
            else body
        )
    return {name: value for name, value in body.items() if name not in HIDDEN_FROM_BROWSERS}


def _token(request: Request) -> str:
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return credentials.strip()
    try:
        return base64.b64decode(credentials).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        raise Unauthenticated("The Authorization header could not be read.") from None


def origin_of(world: World, request: Request) -> str:
    return world.settings.public_url or str(request.base_url).rstrip("/")


async def unknown(request: Request) -> Response:
    message = f"Unrecognized request URL ({request.method}: {request.url.path.removeprefix('/sandbox')})."
    return JSONResponse(ApiError(message).body, 404)


def _endpoint(operation: Operation) -> Callable[[Request], Coroutine[None, None, Response]]:
    async def serve(request: Request) -> Response:
        door: Door = request.app.state.door
        return await door.serve(operation, request)

    return serve


def routes() -> list[Route]:
    known = [Route(PREFIX + of.path, _endpoint(of), methods=[of.method]) for of in OPERATIONS]
    return [*known, Route(PREFIX + "/{path:path}", unknown, methods=["GET", "POST", "DELETE"])]


OPERATIONS = (
    Operation("POST", "/payment_intents", params.CreateIntent, intents.create),
    Operation("GET", "/payment_intents", params.Listing, intents.index),
    Operation("GET", "/payment_intents/{id}", params.RetrieveIntent, intents.retrieve, publishable=True),
    Operation("POST", "/payment_intents/{id}", params.UpdateIntent, intents.update),
    Operation("POST", "/payment_intents/{id}/confirm", params.ConfirmIntent, intents.confirm, publishable=True),
    Operation("POST", "/payment_intents/{id}/cancel", params.CancelIntent, intents.cancel),
    Operation("POST", "/payment_intents/{id}/capture", params.CaptureIntent, intents.capture),
    Operation("GET", "/charges", params.ListByIntent, charges.index),
    Operation("GET", "/charges/{id}", params.ById, charges.retrieve),
    Operation("POST", "/refunds", params.CreateRefund, refunds.create),
    Operation("GET", "/refunds", params.ListByCharge, refunds.index),
    Operation("GET", "/refunds/{id}", params.ById, refunds.retrieve),
    Operation("POST", "/refunds/{id}", params.UpdateMetadata, refunds.update),
    Operation("GET", "/disputes", params.ListByCharge, disputes.index),
    Operation("GET", "/disputes/{id}", params.ById, disputes.retrieve),
    Operation("GET", "/events", params.ListEvents, events.index),
    Operation("GET", "/events/{id}", params.ById, events.retrieve),
    Operation("POST", "/webhook_endpoints", params.CreateWebhookEndpoint, endpoints.create),
    Operation("GET", "/webhook_endpoints", params.Listing, endpoints.index),
    Operation("GET", "/webhook_endpoints/{id}", params.ById, endpoints.retrieve),
    Operation("POST", "/webhook_endpoints/{id}", params.UpdateWebhookEndpoint, endpoints.update),
    Operation("DELETE", "/webhook_endpoints/{id}", params.ById, endpoints.remove),
)
