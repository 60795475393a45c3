"""Dead letters over HTTP, in a service as it is."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from services.shared.auth import Role
from services.shared.db import Sessions
from services.shared.ids import new_id
from services.shared.messaging.tables import Parked
from services.shared.testing import caller, running
from services.theaters.app import app

LETTERS = "/api/theaters/dead-letters"
CAUSE = "ValueError at services/theaters/handlers.py:hear"
HANDLING = {"fingerprint": CAUSE, "reason": "fixed in release 7"}


@pytest.fixture
async def admin(fresh_database: object) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who finds two messages that failed alike."""
    async with running(app):
        sessions: Sessions = app.state.sessions
        now = datetime.now(UTC)
        async with sessions.begin() as session:
            for _ in range(2):
                facts = {"attempts": 6, "next_at": now, "error": "ValueError: no such hall", "fingerprint": CAUSE}
                session.add(Parked(event_id=new_id(), name="HallOpened", body=b"{}", headers={}, dead_at=now, **facts))
        async with caller(app, Role.admin) as client:
            yield client


async def test_they_are_listed_by_cause(admin: httpx.AsyncClient) -> None:
    [cause] = (await admin.get(LETTERS)).json()["items"]
    assert (cause["fingerprint"], cause["name"], cause["count"]) == (CAUSE, "HallOpened", 2)
    assert cause["error"] == "ValueError: no such hall"


@pytest.mark.parametrize("act", ["replay", "discard"])
async def test_those_of_one_cause_are_worked_on_once(admin: httpx.AsyncClient, act: str) -> None:
    assert (await admin.post(f"{LETTERS}/{act}", json=HANDLING)).json() == {"count": 2}
    assert (await admin.get(LETTERS)).json()["items"] == []
    again = await admin.post(f"{LETTERS}/{act}", json=HANDLING)
    assert (again.status_code, again.json()["code"]) == (404, "dead_letters_not_found")


@pytest.mark.parametrize("act", ["replay", "discard"])
async def test_nothing_is_done_without_a_reason(admin: httpx.AsyncClient, act: str) -> None:
    for body in ({"fingerprint": CAUSE}, {**HANDLING, "reason": ""}):
        assert (await admin.post(f"{LETTERS}/{act}", json=body)).json()["code"] == "validation_error"
    assert (await admin.get(LETTERS)).json()["items"][0]["count"] == 2


@pytest.mark.parametrize("role", [Role.customer, Role.staff, Role.manager])
@pytest.mark.usefixtures("admin")
async def test_they_are_for_admins(role: Role) -> None:
    async with caller(app, role) as client:
        assert (await client.get(LETTERS)).status_code == 403
        assert (await client.post(f"{LETTERS}/discard", json=HANDLING)).status_code == 403
