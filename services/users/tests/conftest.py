"""The users service on a database of its own, and people who use it."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text

from infra.local.testing import Database
from services.shared.auth import Role
from services.shared.mail import Mail
from services.shared.testing import caller, running
from services.users.app import app

PASSWORD = "three quiet film reels"
CLARA = {"email": "clara@marquee.example", "password": PASSWORD, "full_name": "Clara Weiß"}


@dataclass
class Person:
    """A signed-in client: its cookie jar holds the refresh cookie."""

    client: httpx.AsyncClient
    user: dict[str, Any]

    @property
    def cookie(self) -> str:
        return self.client.cookies["marquee_refresh"]

    def take(self, answer: httpx.Response) -> None:
        """Go on with the access token of a login or refresh."""
        self.user = answer.json()["user"]
        self.client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


@dataclass
class Cinema:
    """The running service, as its tests see it."""

    anonymous: httpx.AsyncClient

    def client(self) -> httpx.AsyncClient:
        return caller(app)

    def admin(self) -> httpx.AsyncClient:
        return caller(app, Role.admin)

    async def register(self, **changes: str) -> dict[str, Any]:
        answer = await self.anonymous.post("/api/users/register", json={**CLARA, **changes})
        assert answer.status_code == 201, answer.text
        user: dict[str, Any] = answer.json()
        return user

    async def sign_in(self, email: str = CLARA["email"], password: str = PASSWORD) -> Person:
        """On another device than all before it."""
        client = self.client()
        answer = await client.post("/api/users/login", json={"email": email, "password": password})
        assert answer.status_code == 200, answer.text
        person = Person(client, {})
        person.take(answer)
        return person

    async def newcomer(self, **changes: str) -> Person:
        user = await self.register(**changes)
        return await self.sign_in(user["email"])

    async def mails(self, to: str = CLARA["email"]) -> list[dict[str, Any]]:
        """What was sent to an address, oldest first."""
        async with app.state.sessions.begin() as session:
            rows = await session.scalars(select(Mail).order_by(Mail.id))
        return [row.content for row in rows if row.content and row.content["to"] == to]

    async def mailed_token(self, to: str = CLARA["email"]) -> str:
        """Of the last mail to an address."""
        found = re.search(r"token=([\w-]+)", (await self.mails(to))[-1]["text"])
        assert found
        return found[1]

    async def sql(self, statement: str, **values: Any) -> list[Any]:
        """Look behind the curtain, or turn the clock back."""
        async with app.state.sessions.begin() as session:
            result = await session.execute(text(statement), values)
            return list(result.all()) if result.returns_rows else []


@pytest.fixture
async def cinema(fresh_database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cinema]:
    monkeypatch.setenv("MARQUEE_MAIL_URL", "smtp://127.0.0.1:9")  # nobody listens: mails stay where tests can read them
    async with running(app), caller(app) as anonymous:
        yield Cinema(anonymous)


@pytest.fixture
def unlimited(fresh_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The delays are off. To ask for before `cinema`, which reads the settings when it starts."""
    monkeypatch.setenv("MARQUEE_RATE_LIMIT_FACTOR", "0")


@pytest.fixture
def long_delays(fresh_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute for each second, so that no delay ends while a busy machine is still hashing. As above."""
    monkeypatch.setenv("MARQUEE_RATE_LIMIT_FACTOR", str(1 / 60))
