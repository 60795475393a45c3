import re

import httpx
import pytest

from infra.local.testing import Database
from services.shared.testing import caller, running
from services.theaters.app import app

pytestmark = pytest.mark.usefixtures("fresh_database")


async def test_a_service_is_ready_once_its_database_bus_and_background_parts_are() -> None:
    async with running(app), caller(app) as client:
        assert (await client.get("/readyz")).json() == {"ready": True, "faults": {}}


async def test_an_unknown_path_is_a_problem_document(fresh_database: Database) -> None:
    async with running(app), caller(app) as client:
        answer: httpx.Response = await client.get("/api/theaters/nowhere/at/all", headers={"X-Request-ID": "abc-1"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "abc-1"


async def test_the_documentation_page_needs_nothing_from_elsewhere() -> None:
    async with running(app), caller(app) as client:
        page = await client.get("/api/theaters/docs")
        assert page.headers["content-type"].startswith("text/html")
        addresses = re.findall(r'(?:src|href|data-openapi)="([^"]+)"', page.text)
        own = [address for address in addresses if not address.startswith("data:")]
        assert len(own) == 4
        for address in own:
            assert address.startswith("/api/theaters/")
            assert (await client.get(address)).status_code == 200
        assert "<script>" not in page.text
        missing = await client.get("/api/theaters/docs/assets/no.js")
    assert missing.json()["code"] == "not_found"


async def test_each_route_is_summed_up_by_the_first_sentence_of_its_docstring() -> None:
    async with running(app), caller(app) as client:
        document = (await client.get("/api/theaters/openapi.json")).json()
    read_hall = document["paths"]["/api/theaters/halls/{hall_id}"]["get"]
    assert read_hall["summary"].startswith("One hall; its ETag is what a change")
    assert "description" not in read_hall
    assert document["paths"]["/api/theaters/{theater_id}"]["delete"]["summary"].startswith("Archive a theater")
