"""The page to read a service's API on and to try it: Swagger UI, served by the service itself.

Nothing comes from elsewhere, so it works without the internet and under a Content-Security-Policy of 'self' alone.
"""

from pathlib import Path
from string import Template
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

HERE = Path(__file__).parent
PAGE = Template((HERE / "page.html").read_text())


class DocumentedApp(FastAPI):
    """Its OpenAPI document sums a route up by the first sentence of its docstring, not by its function's name."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            for operations in super().openapi()["paths"].values():
                for operation in operations.values():
                    sum_up(operation)
        return super().openapi()


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
