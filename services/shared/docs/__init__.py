"""The page to read a service's API on and to try it: Swagger UI, served by the service itself.

Nothing comes from elsewhere, so it works without the internet and under a Content-Security-Policy of 'self' alone.
"""

from pathlib import Path
from string import Template

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

HERE = Path(__file__).parent
PAGE = Template((HERE / "page.html").read_text())


def install(app: FastAPI, name: str) -> None:
    """Puts the page at /api/<name>/docs. fastapi-offline carries Swagger UI's own files."""
    page = PAGE.substitute(name=name)

    async def docs() -> HTMLResponse:
        return HTMLResponse(page)

    assets = StaticFiles(directory=HERE / "assets", packages=[("fastapi_offline", "static")])
    app.add_api_route(f"/api/{name}/docs", docs, include_in_schema=False)
    app.mount(f"/api/{name}/docs/assets", assets)
