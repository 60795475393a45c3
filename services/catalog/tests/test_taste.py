import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select

from services.catalog import commands
from services.catalog.app import app
from services.catalog.handlers import HANDLERS
from services.catalog.models import Affinity, Prospect, Wish
from services.catalog.tests.conftest import Cinema, Json, a_hall, a_theater
from services.shared.auth import Role
from services.shared.db import Sessions
from services.shared.events import TicketIssued, TicketVoided, UserErased
from services.shared.ids import new_id
from services.shared.testing import caller, deliver, parked

MOVIES = "/api/catalog/movies"
ME = "/api/catalog/me"


class Visitor:
    """Somebody who buys tickets and has an opinion."""

    def __init__(self, client: httpx.AsyncClient, id_: UUID) -> None:
        self.client = client
        self.id = id_

    def ticket(self, showtime: Json) -> TicketIssued:
        facts = {"booking_id": new_id(), "ticket_id": new_id(), "user_id": self.id, "holder_name": "Ada"}
        where = {"movie_id": showtime["movie"]["id"], "showtime_id": showtime["id"], "starts_at": showtime["starts_at"]}
        return TicketIssued.model_validate(facts | where | {"seat_no": 1, "seat": "A1"})

    async def sees(self, *showtimes: Json) -> None:
        await deliver(app, HANDLERS, *(self.ticket(showtime) for showtime in showtimes))

    async def rates(self, film: Json, stars: Any) -> httpx.Response:
        return await self.client.put(f"{MOVIES}/{film['id']}/rating", json={"stars": stars})

    async def watches(self, film: Json) -> None:
        assert (await self.client.put(f"{MOVIES}/{film['id']}/watchlist")).status_code == 204

    async def listed(self, path: str, **query: str) -> list[Json]:
        answer = await self.client.get(f"/api/catalog/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    async def recommended(self, **query: str) -> list[tuple[str, str, str | None]]:
        found = [(film["title"], film["because"]) for film in await self.listed("recommendations", **query)]
        return [(title, why["reason"], why["movie"] and why["movie"]["title"]) for title, why in found]


@pytest.fixture
async def visitors(cinema: Cinema) -> AsyncIterator[Callable[[], Visitor]]:
    clients: list[httpx.AsyncClient] = []

    def visitor() -> Visitor:
        id_ = new_id()
        clients.append(caller(app, Role.customer, id_))
        return Visitor(clients[-1], id_)

    yield visitor
    for client in clients:
        await client.aclose()


@asynccontextmanager
async def passing(*showtimes: Json) -> AsyncIterator[None]:
    """Afterwards they have begun."""
    yield
    last = max(datetime.fromisoformat(showtime["starts_at"]) for showtime in showtimes)
    await asyncio.sleep(max(0, (last - datetime.now(last.tzinfo)).total_seconds()) + 0.05)


async def soon(cinema: Cinema, film: Json) -> Json:
    """A showtime, in a hall of its own, that begins in a moment."""
    hall = a_hall(a_theater())
    await cinema.open(hall)
    return await cinema.showtime(film, hall, hours=1.5 / 3600)


async def later(cinema: Cinema, film: Json) -> Json:
    hall = a_hall(a_theater())
    await cinema.open(hall)
    return await cinema.showtime(film, hall)


async def rating(cinema: Cinema, film: Json) -> tuple[float | None, int]:
    found = (await cinema.manager.get(f"{MOVIES}/{film['id']}")).json()["rating"]
    return found["average"], found["count"]


async def popularity(cinema: Cinema, film: Json) -> int:
    async with transactions().begin() as session:
        await commands.count_visits(session)
    return int((await cinema.manager.get(f"{MOVIES}/{film['id']}")).json()["popularity"])


async def renew() -> None:
    """What jobs do by the clock."""
    async with transactions().begin() as session:
        await commands.count_visits(session)
        await commands.renew_prospects(session)
        for movie_id in await commands.stale_prospects(session):
            await commands.renew_affinities(session, movie_id)


def transactions() -> Sessions:
    sessions: Sessions = app.state.sessions
    return sessions


async def test_a_watchlist_keeps_each_film_once_the_latest_first(
    cinema: Cinema, visitors: Callable[[], Visitor]
) -> None:
    ada, bob = visitors(), visitors()
    first, second = await cinema.film(title="First"), await cinema.film(title="Second")
    for film in (first, second, first):
        await ada.watches(film)
    [latest, oldest] = await ada.listed("me/watchlist")
    assert first.items() <= oldest.items()
    assert (latest["title"], oldest["title"]) == ("Second", "First")
    assert datetime.fromisoformat(latest["added_at"]) > datetime.fromisoformat(oldest["added_at"])
    assert [film["title"] for film in await ada.listed("me/watchlist", limit="1")] == ["Second"]
    assert await bob.listed("me/watchlist") == []
    for _ in range(2):
        assert (await ada.client.delete(f"{MOVIES}/{first['id']}/watchlist")).status_code == 204
    await cinema.manager.delete(f"{MOVIES}/{second['id']}")
    assert await ada.listed("me/watchlist") == []


async def test_a_film_is_rated_once_it_has_been_seen(cinema: Cinema, visitors: Callable[[], Visitor]) -> None:
    film, other = await cinema.film(), await cinema.film(title="Other")
    showtime, tomorrow = await soon(cinema, film), await later(cinema, other)
    ada, bob, eve = visitors(), visitors(), visitors()
    async with passing(showtime):
        await ada.sees(showtime, tomorrow)
        await bob.sees(showtime)
        too_early = await ada.rates(film, 5)
    refused = [too_early, await ada.rates(other, 5), await eve.rates(film, 1)]
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(409, "not_seen_yet")}
    assert await rating(cinema, film) == (None, 0)
    for stars, average in ((5, 5.0), (5, 5.0), (2, 2.0)):
        assert (await ada.rates(film, stars)).status_code == 204
        assert await rating(cinema, film) == (average, 1)
    await bob.rates(film, 5)
    assert await rating(cinema, film) == (3.5, 2)
    [rated] = await ada.listed("me/ratings")
    assert (rated["id"], rated["stars"], rated["rating"]) == (film["id"], 2, {"average": 3.5, "count": 2})
    for _ in range(2):
        assert (await ada.client.delete(f"{MOVIES}/{film['id']}/rating")).status_code == 204
    assert await rating(cinema, film) == (5.0, 1)


async def test_a_ticket_that_was_given_back_is_no_visit(cinema: Cinema, visitors: Callable[[], Visitor]) -> None:
    film, ada = await cinema.film(), visitors()
    showtime = await soon(cinema, film)
    ticket = ada.ticket(showtime)
    async with passing(showtime):
        await deliver(app, HANDLERS, ticket, voided(ticket))
    assert (await ada.rates(film, 5)).json()["code"] == "not_seen_yet"


async def test_no_rating_is_lost_where_many_rate_at_once(cinema: Cinema, visitors: Callable[[], Visitor]) -> None:
    film = await cinema.film()
    showtime = await soon(cinema, film)
    crowd = [visitors() for _ in range(8)]
    async with passing(showtime):
        for visitor in crowd:
            await visitor.sees(showtime)
    stars = [(visitor, 1 + (number + again) % 5) for number, visitor in enumerate(crowd) for again in range(3)]
    assert {answer.status_code for answer in await asyncio.gather(*(who.rates(film, n) for who, n in stars))} == {204}
    given = [(await visitor.listed("me/ratings"))[0]["stars"] for visitor in crowd]
    assert await rating(cinema, film) == (round(sum(given) / len(given), 2), len(crowd))


def voided(ticket: TicketIssued) -> TicketVoided:
    return TicketVoided.model_validate(ticket.model_dump(include=set(TicketVoided.model_fields) - {"id", "version"}))


async def test_a_ticket_counts_once_however_often_and_in_whatever_order_it_is_heard_of(
    cinema: Cinema, visitors: Callable[[], Visitor]
) -> None:
    film, ada = await cinema.film(), visitors()
    showtime = await later(cinema, film)
    first, second, third = (ada.ticket(showtime) for _ in range(3))
    again = first.model_copy(update={"id": new_id()})

    async def counts() -> tuple[int, int]:
        read = await cinema.manager.get(f"/api/catalog/showtimes/{showtime['id']}")
        return await popularity(cinema, film), read.json()["seats_left_hint"]

    await deliver(app, HANDLERS, first, first, again)
    assert await counts() == (1, 0)
    await deliver(app, HANDLERS, voided(first), voided(first), again.model_copy(update={"id": new_id()}))
    assert await counts() == (0, 1)
    await deliver(app, HANDLERS, voided(second), second, third)
    assert await counts() == (1, 0)
    await asyncio.gather(*(popularity(cinema, film) for _ in range(5)))
    assert await counts() == (1, 0)
    assert await parked(app) == []


async def test_a_newcomer_is_recommended_what_is_popular_and_can_be_seen(
    cinema: Cinema, visitors: Callable[[], Visitor]
) -> None:
    names = ("Loved", "Liked", "Over", "Deleted")
    loved, liked, over, deleted = [await cinema.film(title=name) for name in names]
    await cinema.film(title="Coming", release_date="2099-01-01")
    on = [await later(cinema, film) for film in (loved, liked)]
    gone = await soon(cinema, over)
    bob = visitors()
    async with passing(gone):
        await bob.sees(on[0], on[0], on[1], gone, gone, gone)
    await cinema.manager.delete(f"{MOVIES}/{deleted['id']}")
    await renew()
    ada = visitors()
    assert await ada.recommended() == [(title, "popular", None) for title in ("Loved", "Liked", "Coming")]
    assert await ada.recommended(limit="1") == [("Loved", "popular", None)]
    [film] = await ada.listed("recommendations", limit="1")
    assert film["because"]["text"] == "Many people are going to see this"
    assert loved.keys() <= film.keys()
    assert await bob.recommended() == [("Coming", "booked", "Loved")]


async def test_each_recommendation_names_the_film_that_speaks_for_it(
    cinema: Cinema, visitors: Callable[[], Visitor]
) -> None:
    unlike: Json = {"genres": ["War"], "director": "Nobody Else", "cast": []}
    heist: Json = {"genres": ["Heist"], "cast": ["Rita Blue"], "director": "Max Grey"}
    seen = await cinema.film(title="Seen", **heist)
    wanted = await cinema.film(title="Wanted", genres=["Western"], cast=["John Dust"], director="Ann Plain")
    drawn = await cinema.film(title="Drawn", **unlike)
    akin = await cinema.film(title="Akin", genres=["Heist", "War"], cast=["RITA BLUE"], director="Nobody Else")
    far = await cinema.film(title="Far", genres=["Western"], cast=[], director="Nobody Else")
    other = await cinema.film(title="Other", **unlike)
    past = await soon(cinema, seen)
    coming = [await later(cinema, film) for film in (drawn, akin, far, other, wanted)]
    ada, bob, cleo = visitors(), visitors(), visitors()
    async with passing(past):
        for visitor in (ada, bob, cleo):
            await visitor.sees(past)
    await bob.sees(coming[0])
    await cleo.sees(coming[0])
    await ada.watches(wanted)
    await renew()
    expected = [("Akin", "seen", "Seen"), ("Drawn", "seen", "Seen"), ("Far", "watchlist", "Wanted")]
    assert sorted((await ada.recommended())[:3]) == expected
    assert (await ada.recommended())[3:] == [("Other", "popular", None)]
    await ada.rates(seen, 5)
    found = {film["title"]: film["because"] for film in await ada.listed("recommendations")}
    assert found["Akin"] == {
        "reason": "rated",
        "movie": {"id": seen["id"], "title": "Seen"},
        "text": "Because you gave “Seen” 5 stars",
    }
    assert found["Drawn"]["text"] == "People who saw “Seen”, which you gave 5 stars, went to see this too"
    ada.client.headers["Accept-Language"] = "de-AT,en;q=0.5"
    texts = [film["because"]["text"] for film in await ada.listed("recommendations")]
    assert "Weil „Wanted“ auf deiner Merkliste steht" in texts
    await ada.rates(seen, 1)
    assert [title for title, reason, _ in await ada.recommended() if reason != "popular"] == ["Far"]


async def test_prospects_come_and_go_with_the_programme(cinema: Cinema, visitors: Callable[[], Visitor]) -> None:
    film, other, ada = await cinema.film(), await cinema.film(title="Other"), visitors()
    showtime = await later(cinema, film)
    await ada.sees(showtime, await later(cinema, other))

    async def prospects() -> tuple[int, int]:
        await renew()
        async with transactions().begin() as session:
            counts = [select(func.count()).select_from(table) for table in (Prospect, Affinity)]
            return tuple([await session.scalar(count) for count in counts])  # type: ignore[return-value]

    assert await prospects() == (2, 2)
    await cinema.manager.post(f"/api/catalog/showtimes/{showtime['id']}/cancel", json={"reason": "x"})
    assert await prospects() == (1, 1)


async def test_who_is_erased_leaves_nothing_but_numbers(cinema: Cinema, visitors: Callable[[], Visitor]) -> None:
    film, ada, bob = await cinema.film(), visitors(), visitors()
    showtime = await soon(cinema, film)
    async with passing(showtime):
        await ada.sees(showtime)
        await bob.sees(showtime)
    await ada.rates(film, 1)
    await bob.rates(film, 4)
    await ada.watches(film)
    kept = (await ada.client.get(f"{ME}/export")).json()
    assert kept["user_id"] == str(ada.id)
    assert [kept["watchlist"][0]["id"], kept["ratings"][0]["stars"]] == [film["id"], 1]
    assert [(visit["title"], visit["voided"]) for visit in kept["visits"]] == [(film["title"], False)]
    late = ada.ticket(showtime)
    await deliver(app, HANDLERS, UserErased(user_id=ada.id), UserErased(user_id=ada.id), late)
    await ada.client.put(f"{MOVIES}/{film['id']}/watchlist")
    assert (await ada.rates(film, 1)).json()["code"] == "not_seen_yet"
    nothing = {"user_id": str(ada.id), "watchlist": [], "ratings": [], "visits": []}
    assert (await ada.client.get(f"{ME}/export")).json() == nothing
    assert await rating(cinema, film) == (4.0, 1)
    assert await popularity(cinema, film) == 3
    async with transactions().begin() as session:
        session.add(Wish(user_id=ada.id, movie_id=UUID(film["id"])))
    async with transactions().begin() as session:
        await commands.forget_latecomers(session)
    assert (await ada.client.get(f"{ME}/export")).json() == nothing
    await deliver(app, HANDLERS, voided(late))
    assert await popularity(cinema, film) == 2


async def test_bad_ratings_unknown_films_and_strangers_are_refused(
    cinema: Cinema, visitors: Callable[[], Visitor]
) -> None:
    film, ada = await cinema.film(), visitors()
    for stars in (0, 6, 2.5, "5", None, True):
        answer = await ada.rates(film, stars)
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_error"), stars
    for id_, status in ((new_id(), 404), ("nonsense", 422)):
        for method, path in (("PUT", "watchlist"), ("DELETE", "watchlist"), ("PUT", "rating"), ("DELETE", "rating")):
            body = {"stars": 5} if (method, path) == ("PUT", "rating") else None
            answer = await ada.client.request(method, f"{MOVIES}/{id_}/{path}", json=body)
            assert answer.status_code == status, (method, path)
    async with caller(app) as stranger:
        for path in ("me/watchlist", "me/ratings", "me/export", "recommendations"):
            assert (await stranger.get(f"/api/catalog/{path}")).status_code == 401
        assert (await stranger.put(f"{MOVIES}/{film['id']}/watchlist")).status_code == 401
