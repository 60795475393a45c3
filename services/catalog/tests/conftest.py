from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from infra.local.testing import Database
from services.catalog.app import app
from services.catalog.handlers import HANDLERS
from services.shared import events
from services.shared.auth import Role
from services.shared.events import HallLayoutPublished, LayoutSeat, TheaterChanged
from services.shared.ids import new_id
from services.shared.testing import caller, deliver, running

Json = dict[str, Any]

FILM: Json = {
    "title": "Amélie",
    "original_title": "Le Fabuleux Destin d'Amélie Poulain",
    "description": "A shy waitress in Montmartre sets out to mend the lives of strangers.",
    "genres": ["Comedy", "Romance"],
    "runtime_minutes": 122,
    "age_rating": "6",
    "release_date": "2001-04-25",
    "languages": ["fr"],
    "cast": ["Audrey Tautou", "Mathieu Kassovitz"],
    "director": "Jean-Pierre Jeunet",
}


def in_hours(hours: float) -> str:
    return (datetime.now(UTC).replace(microsecond=0) + timedelta(hours=hours)).isoformat()


def a_theater(**facts: Any) -> events.Theater:
    defaults = {"id": new_id(), "name": "Lichtspielhaus", "city": "Berlin", "timezone": "Europe/Berlin"}
    return events.Theater.model_validate(defaults | facts)


def a_hall(theater: events.Theater, *categories: str, name: str = "1", version: int = 1) -> HallLayoutPublished:
    """One seat of each category."""
    seats = [
        LayoutSeat(seat_no=number, label=f"A{number}", row="A", number=number, category=category, x=number, y=0)
        for number, category in enumerate(categories or ("standard",), 1)
    ]
    hall = events.Hall(id=new_id(), name=name, layout_version=version)
    return HallLayoutPublished(version=version, theater=theater, hall=hall, seats=seats)


@dataclass
class Cinema:
    """A running catalog with what theaters has told it, and a manager who talks to it."""

    manager: httpx.AsyncClient

    async def open(self, *halls: HallLayoutPublished) -> None:
        theaters = {hall.theater.id: TheaterChanged(theater=hall.theater) for hall in halls}
        await deliver(app, HANDLERS, *theaters.values(), *halls)

    async def film(self, **facts: Any) -> Json:
        return await self.make("/api/catalog/movies", FILM | facts)

    async def make(self, path: str, body: Json) -> Json:
        answer = await self.manager.post(path, json=body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def showtime(self, film: Json, hall: HallLayoutPublished, hours: float = 24, **terms: Any) -> Json:
        return await self.make("/api/catalog/showtimes", offer(film, hall) | {"starts_at": in_hours(hours)} | terms)

    async def items(self, path: str, **query: str) -> list[Json]:
        answer = await self.manager.get(f"/api/catalog/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    async def titles(self, **query: str) -> list[str]:
        return [film["title"] for film in await self.items("movies", **query)]


def offer(film: Json, hall: HallLayoutPublished) -> Json:
    return {
        "movie_id": film["id"],
        "hall_id": str(hall.hall.id),
        "format": "2d",
        "language": "fr",
        "subtitles": "en",
        "prices": [{"category": "standard", "ticket_type": "adult", "amount": 1200}],
        "currency": "EUR",
        "sales_close_minutes": 10,
    }


@pytest.fixture
async def cinema(fresh_database: Database) -> AsyncIterator[Cinema]:
    async with running(app), caller(app, Role.manager) as client:
        yield Cinema(client)
