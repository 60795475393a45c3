"""The page to read a service's API on and to try it: Swagger UI, served by the service itself.

Nothing comes from elsewhere, so it works without the internet and under a Content-Security-Policy of 'self' alone.
"""

from pathlib import Path
from string import Template
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from services.shared.auth import SCHEME, Forbidden, Role, TokenExpired, Unauthenticated
from services.shared.errors import DomainError, ValidationFailed
from services.shared.idempotency import IdempotencyKeyReused, RequestInProgress

PROBLEM = {"$ref": "#/components/schemas/Problem"}
HERE = Path(__file__).parent
# What no single route tells: docs/contracts.md, section 1, in short.
RULES = """
**Who:** `Authorization: Bearer <access token>` from `POST /api/users/login`. Roles include one another: customer,
staff, manager, admin. Somebody else's object is 404.

**Refusals** are problem documents (RFC 9457): branch on `code`, show `detail`, report `request_id`. With
`retryable: true` the same request may succeed later, after `Retry-After` seconds if that header is there.

**Lists** come in pages: `limit` and `cursor` in, `items` and `next_cursor` out.
**Money** is in minor units: `{"amount": 1450, "currency": "EUR"}`. **Times** are UTC with a zone, ids are UUIDs.

**`Idempotency-Key`:** the same key and body again get the first answer again, marked `Idempotent-Replay: true`.
**404 with `retryable: true`:** another service has just made it, and the news is on its way.
"""
PAGE = Template((HERE / "page.html").read_text())


class DocumentedApp(FastAPI):
    """Its OpenAPI document says what FastAPI does not know.

    A route is summed up by the first sentence of its docstring, not by its function's name; refusals are problem
    documents, also those for want of a token or a role.
    """

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            for operations in super().openapi()["paths"].values():
                for operation in operations.values():
                    sum_up(operation)
                    tell_of_general_refusals(operation)
                    refuse_with_problems(operation["responses"])
        return super().openapi()


def tell_of_general_refusals(operation: dict[str, Any]) -> None:
    """401 for what needs a token, 403 for what needs more than a customer's, 409 and 422 for `Idempotency-Key`."""
    roles = {role for needed in operation.get("security", ()) for role in needed[SCHEME]}
    kinds: list[type[DomainError]] = [Unauthenticated, TokenExpired] if roles else []
    kinds += [Forbidden] if roles - {Role.customer.name} else []
    if any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", ())):
        kinds += [RequestInProgress, IdempotencyKeyReused, ValidationFailed]
    for kind in kinds:
        add_refusal(operation["responses"].setdefault(str(kind.status), {"description": "", "content": {}}), kind)


def add_refusal(response: dict[str, Any], kind: type[DomainError]) -> None:
    """One code more for a status."""
    if f"`{kind.code()}`" in response["description"]:
        return
    response["description"] = f"{response['description']} `{kind.code()}`: {kind.detail}".strip()
    schemas = [content["schema"] for content in response["content"].values()]
    known = [choice for schema in schemas for choice in schema.get("anyOf", [schema])]
    added = {"allOf": [PROBLEM], "properties": {"code": {"const": kind.code()}}}
    response["content"] = {"": {"schema": {"anyOf": [*known, added]} if known else added}}


def refuse_with_problems(responses: dict[str, Any]) -> None:
    """FastAPI files a refusal's schema under the media type of the route's other answers."""
    for status, response in responses.items():
        if status[0] in "45":
            schemas = [content["schema"] for content in response["content"].values()]
            response["content"] = {"application/problem+json": {"schema": schemas[0]}}


def sum_up(operation: dict[str, Any]) -> None:
    """`summary` and `description` from the description that FastAPI has taken from the docstring, if there is one."""
    summary, _, rest = operation.pop("description", "").partition(". ")
    if summary:
        operation["summary"] = summary.removesuffix(".")
    if rest:
        operation["description"] = rest


def install(app: FastAPI, name: str) -> None:
    """Puts the page at /api/<name>/docs. fastapi-offline carries Swagger UI's own files."""
    page = PAGE.substitute(name=name)

    async def docs() -> HTMLResponse:
        return HTMLResponse(page)

    assets = StaticFiles(directory=HERE / "assets", packages=[("fastapi_offline", "static")])
    app.add_api_route(f"/api/{name}/docs", docs, include_in_schema=False)
    app.mount(f"/api/{name}/docs/assets", assets)
