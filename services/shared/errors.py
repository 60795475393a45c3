"""Refusals as RFC 9457 problem details: the class says the status and the code, the instance what happened."""

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar, Literal, Union, get_args

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, create_model
from pydantic_core import to_jsonable_python
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from services.shared.logging import request_id

log = structlog.get_logger()

CODES_BY_STATUS = {
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
    503: "service_unavailable",
}
# nginx's status for requests whose caller has left before the answer.
CLIENT_CLOSED = 499
# What any request may be answered with: see section 1 of docs/contracts.md.
REFUSED = (
    "not_found",
    "method_not_allowed",
    "body_too_large",
    "unsupported_media_type",
    "validation_error",
    "rate_limited",
)
FAILED = ("internal_error", "service_unavailable")


class Problem(BaseModel):
    """What every refusal looks like; some codes add fields of their own."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    retryable: bool = False


class Fault(BaseModel):
    """One thing that is wrong with a request; `pointer` as in RFC 6901, such as `/body/seats/0/label`."""

    pointer: str
    message: str


class DomainError(Exception):
    """A refusal the caller can understand. Subclass it once per reason; keyword arguments become fields of the body.

    `carries` has the type of each such field; one that is not always there admits None.
    """

    status: ClassVar[int] = 409
    carries: ClassVar[Mapping[str, Any]] = {}
    detail: str = "The request conflicts with the current state."
    retryable: ClassVar[bool] = False
    headers: Mapping[str, str] = {}

    def __init__(self, detail: str | None = None, **fields: Any) -> None:
        super().__init__(detail or self.detail)
        self.detail = detail or self.detail
        self.fields = fields

    @classmethod
    def code(cls) -> str:
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    def response(self) -> JSONResponse:
        fields = {"retryable": True, **self.fields} if self.retryable else self.fields
        return problem(self.status, self.code(), self.detail, self.headers, **fields)

    @classmethod
    @cache
    def schema(cls) -> type[Problem]:
        """Its problem document, for the OpenAPI page."""
        own = {name: (kind, None if type(None) in get_args(kind) else ...) for name, kind in cls.carries.items()}
        code: Any = Literal[cls.code()]
        return create_model(cls.__name__, __base__=Problem, __doc__=cls.detail, code=(code, ...), **own)  # type: ignore[call-overload,no-any-return]


class BodyTooLarge(DomainError):
    status = 413
    carries = {"max_bytes": int}
    detail = "The body is larger than this endpoint takes."


class UnsupportedMediaType(DomainError):
    """For routes that read their body themselves."""

    status = 415
    carries = {"supported": list[str]}
    detail = "This endpoint does not take that type of body."


class ValidationFailed(DomainError):
    """For rules that a schema cannot say; `errors` as in a schema's refusal: `[{pointer, message}]`."""

    status = 422
    carries = {"errors": list[Fault]}
    detail = "The request does not fit the schema. The field `errors` says where."

    @classmethod
    def code(cls) -> str:
        return "validation_error"


class RateLimited(DomainError):
    status = 429
    detail = "Too many requests. Please wait a moment."
    retryable = True

    def __init__(self, retry_after: float, detail: str | None = None) -> None:
        super().__init__(detail)
        self.headers = {"Retry-After": str(max(1, round(retry_after)))}


class ServiceUnavailable(DomainError):
    status = 503
    detail = "A part of the service is away for a moment. Nothing was changed; please try again."
    retryable = True
    headers: Mapping[str, str] = {"Retry-After": "1"}


# What any request may meet, beside what `refusals` lists.
EVERYWHERE = (ValidationFailed, BodyTooLarge, RateLimited, ServiceUnavailable)


def refusals(*kinds: type[DomainError]) -> dict[int | str, dict[str, Any]]:
    """What a route may refuse with, as its `responses`: each code with its sentence and the fields it carries."""
    by_status = defaultdict(list)
    for kind in kinds:
        by_status[kind.status].append(kind)
    for kind in EVERYWHERE:
        if kind.status in by_status:
            by_status[kind.status].append(kind)
    return {
        status: {
            "model": Union[tuple(kind.schema() for kind in found)],  # noqa: UP007  # as many as there are
            "description": " ".join(f"`{kind.code()}`: {kind.detail}" for kind in found),
        }
        for status, found in by_status.items()
    }


def problem(
    status: int, code: str, detail: str, headers: Mapping[str, str] | None = None, **fields: Any
) -> JSONResponse:
    body = {
        "type": f"urn:marquee:problem:{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request_id(),
        **fields,
    }
    return JSONResponse(to_jsonable_python(body), status, headers, media_type="application/problem+json")


def pointer(location: tuple[int | str, ...]) -> str:
    """A JSON pointer (RFC 6901) from Pydantic's location, as in `/body/seats/0/label`."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in location)


async def refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DomainError)
    return error.response()


async def invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = error.errors()
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = media_type == "application/json" or media_type.endswith("+json")
    if not is_json and await request.body() and any(fault["loc"] == ("body",) for fault in faults):
        return problem(415, "unsupported_media_type", "Send the body as application/json.")
    listed = [{"pointer": pointer(fault["loc"]), "message": fault["msg"]} for fault in faults]
    return ValidationFailed(errors=listed).response()


async def http_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, DomainError):  # FastAPI wraps what goes wrong while it reads a body
        return error.__cause__.response()
    code = CODES_BY_STATUS.get(error.status_code)
    if code is None:
        return ValidationFailed(errors=[{"pointer": "/body", "message": error.detail}]).response()
    return problem(error.status_code, code, error.detail, error.headers)


def is_outage(error: BaseException | None) -> bool:
    """Whether the database is away, overloaded or restarting, as opposed to having refused a statement."""
    if isinstance(error, PoolTimeout):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    # 08 connection exception, 53 insufficient resources, 57 operator intervention (PostgreSQL appendix A)
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return isinstance(error, OperationalError | InterfaceError) and (state is None or state[:2] in ("08", "53", "57"))


async def database_error(_: Request, error: Exception) -> JSONResponse:
    if not is_outage(error):
        return crashed(error)
    log.error("database away", error=str(error))
    return ServiceUnavailable().response()


def crashed(error: Exception) -> JSONResponse:
    log.error("request failed", exc_info=error)
    detail = "Something went wrong on our side. Please name the request id when you report it."
    return problem(500, "internal_error", detail)


async def caller_left(_: Request, __: Exception) -> Response:
    """In the middle of the body: nobody reads this, but it is counted."""
    return Response(status_code=CLIENT_CLOSED)


def install(app: FastAPI) -> None:
    app.add_exception_handler(ClientDisconnect, caller_left)
    app.add_exception_handler(DomainError, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(DBAPIError, database_error)
    app.add_exception_handler(PoolTimeout, database_error)
