from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from infra.local.testing import Database
from services.shared.auth import Role
from services.shared.testing import caller, running
from services.theaters.app import app

THEATER = {
    "name": "Lichtspielhaus",
    "city": "Berlin",
    "address": "Reichenberger Straße 212",
    "timezone": "Europe/Berlin",
    "latitude": 52.5,
    "longitude": 13.4,
    "amenities": ["bar"],
}
LAYOUT = {"rows": 3, "seats_per_row": 4, "aisles_after": [2]}


@pytest.fixture
async def manager(fresh_database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with running(app), caller(app, Role.manager) as client:
        yield client


@pytest.fixture
async def theater(manager: httpx.AsyncClient) -> dict[str, Any]:
    answer = await manager.post("/api/theaters", json=THEATER)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


@pytest.fixture
async def hall(manager: httpx.AsyncClient, theater: dict[str, Any]) -> dict[str, Any]:
    answer = await manager.post(f"/api/theaters/{theater['id']}/halls", json={"name": "1", "layout": LAYOUT})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())
