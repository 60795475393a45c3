from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from infra.demo.data import films
from services.catalog import commands
from services.catalog.app import app
from services.catalog.films import Film
from services.catalog.models import Movie
from services.catalog.schemas import MoviePatch
from services.catalog.tests.conftest import FILM, Cinema, Json, a_hall, a_theater
from services.shared import paging
from services.shared.auth import Role
from services.shared.db import Sessions
from services.shared.events import ShowtimeChanged, ShowtimeScheduled
from services.shared.ids import new_id
from services.shared.testing import caller, published

PATH = "/api/catalog/movies"


async def test_a_film_is_made_and_read_by_anyone(cinema: Cinema) -> None:
    film = await cinema.film(external_id="imdb:1")
    assert film.items() >= (FILM | {"external_id": "imdb:1", "trailer_url": None}).items()
    assert (film["rating"], film["popularity"]) == ({"average": None, "count": 0}, 0)
    async with caller(app) as anyone:
        answer = await anyone.get(f"{PATH}/{film['id']}")
    assert answer.json() == film
    assert answer.headers["cache-control"] == "public, max-age=1"


async def test_an_external_id_belongs_to_one_film(cinema: Cinema) -> None:
    first = await cinema.film(external_id="imdb:1")
    other = await cinema.film()
    again = await cinema.manager.post(PATH, json=FILM | {"external_id": "imdb:1"})
    taken = await cinema.manager.patch(f"{PATH}/{other['id']}", json={"external_id": "imdb:1"})
    for answer in (again, taken):
        assert (answer.status_code, answer.json()["code"]) == (409, "external_id_taken")
    assert (await cinema.manager.delete(f"{PATH}/{first['id']}")).status_code == 204
    await cinema.film(external_id="imdb:1")


async def test_a_change_shows_in_the_film_and_in_search(cinema: Cinema) -> None:
    film = await cinema.film()
    changed = await cinema.manager.patch(f"{PATH}/{film['id']}", json={"title": "Zazie", "original_title": None})
    changes = {"title": "Zazie", "original_title": None, "poster_url": changed.json()["poster_url"]}
    assert changed.json() == film | changes
    assert await cinema.titles(query="zazie") == ["Zazie"]
    assert await cinema.titles(query="amelie") == []


CHANGES: Json = {
    "title": "Zazie",
    "original_title": "Zazie dans le métro",
    "description": "",
    "genres": [],
    "runtime_minutes": 93,
    "age_rating": "12",
    "release_date": "1960-10-28",
    "languages": ["fr", "de"],
    "cast": ["Catherine Demongeot"],
    "director": "Louis Malle",
    "trailer_url": "https://films.example/zazie",
    "external_id": "imdb:tt0054494",
}


@pytest.mark.parametrize(("name", "value"), CHANGES.items(), ids=CHANGES)
async def test_each_fact_of_a_film_can_be_changed_alone(cinema: Cinema, name: str, value: Any) -> None:
    film = await cinema.film()
    changed = await cinema.manager.patch(f"{PATH}/{film['id']}", json={name: value})
    assert changed.json() == film | {name: value, "poster_url": changed.json()["poster_url"]}
    assert (await cinema.manager.get(f"{PATH}/{film['id']}")).json() == changed.json()


async def test_every_fact_can_be_changed(cinema: Cinema) -> None:
    assert CHANGES.keys() == Film.model_fields.keys() == MoviePatch.model_fields.keys()


async def test_showtimes_to_come_tell_what_others_keep_of_a_film(cinema: Cinema) -> None:
    hall, film = a_hall(a_theater()), await cinema.film()
    await cinema.open(hall)
    await cinema.showtime(film, hall)
    untold: list[Json] = [{"description": "New."}, {"title": "Zazie", "runtime_minutes": 93}]
    for change in ({"title": "Zazie"}, {"runtime_minutes": 93}, {"age_rating": "12"}, *untold):
        await cinema.manager.patch(f"{PATH}/{film['id']}", json=change)
    scheduled, *changes = await published(app)
    assert isinstance(scheduled, ShowtimeScheduled)
    told = [change for change in changes if isinstance(change, ShowtimeChanged)]
    assert [change.version for change in told] == [2, 3, 4]
    assert [(change.film.title, change.film.runtime_minutes, change.film.age_rating) for change in told] == [
        ("Zazie", 122, "6"),
        ("Zazie", 93, "6"),
        ("Zazie", 93, "12"),
    ]
    assert {(change.starts_at, change.ends_at) for change in told} == {(scheduled.starts_at, scheduled.ends_at)}


async def test_a_film_with_showtimes_to_come_cannot_be_deleted(cinema: Cinema) -> None:
    hall, film = a_hall(a_theater()), await cinema.film()
    await cinema.open(hall)
    showtime = await cinema.showtime(film, hall)
    path = f"{PATH}/{film['id']}"
    refused = await cinema.manager.delete(path)
    assert (refused.status_code, refused.json()["code"]) == (409, "movie_in_use")
    await cinema.manager.post(f"/api/catalog/showtimes/{showtime['id']}/cancel", json={"reason": "x"})
    assert (await cinema.manager.delete(path)).status_code == 204
    for answer in (await cinema.manager.get(path), await cinema.manager.delete(path)):
        assert (answer.status_code, answer.json()["code"]) == (404, "movie_not_found")
    assert await cinema.titles(query="amelie") == []
    again = (await cinema.manager.get(f"/api/catalog/showtimes/{showtime['id']}")).json()
    assert again["movie"]["title"] == "Amélie"


FORGIVEN: list[str] = [
    *("amelie", "AMÉLIE", "ame", "fabuleux destin", "tautou", "audrey tau", "jeunet", "jean-pierre", "montmartre"),
    *("amelia", "tauto", "tatuou", "amelie kasovitz", "montmarte", "jeunnet", "dAmélie"),
]


async def test_search_forgives_accents_prefixes_and_small_typing_errors(cinema: Cinema) -> None:
    await cinema.film()
    await cinema.film(
        title="Heat",
        original_title=None,
        cast=["Al Pacino"],
        director="Michael Mann",
        description="A thief and a detective.",
    )
    for query in FORGIVEN:
        assert await cinema.titles(query=query) == ["Amélie"], query


async def test_search_finds_nothing_where_there_is_nothing(cinema: Cinema) -> None:
    await cinema.film()
    for query in ("zzzz", "amelie pacino", "!!!", "'", "\\", "a & b", "' | 'z", "\ud7ff"):
        assert await cinema.titles(query=query) == [], query
    assert await cinema.titles(query="amelie:*") == ["Amélie"]


async def test_a_title_comes_before_a_person_and_a_person_before_a_description(cinema: Cinema) -> None:
    other = {"original_title": None, "cast": ["Nobody"], "director": "Nobody", "description": "Nothing."}
    await cinema.film(**other | {"title": "Third", "description": "A grand hotel."})
    await cinema.film(**other | {"title": "Second", "cast": ["Grand Hotelier"]})
    await cinema.film(**other | {"title": "The Grand Hotel"})
    await cinema.film(**other | {"title": "Grand Hotel"})
    assert await cinema.titles(query="grand hotel") == ["Grand Hotel", "The Grand Hotel", "Second", "Third"]


async def test_filters_hold_together(cinema: Cinema) -> None:
    await cinema.film()
    await cinema.film(title="Ratatouille", genres=["Comedy", "Science Fiction"], age_rating="0", languages=["en", "fr"])
    await cinema.film(title="Tom", cast=["Tom Cruise", "Colin Hanks"], director="Tom Hanks", genres=["Drama"])
    cases: list[tuple[dict[str, str], list[str]]] = [
        ({"genre": "comedy"}, ["Amélie", "Ratatouille"]),
        ({"genre": "science fiction"}, ["Ratatouille"]),
        ({"genre": "science"}, []),
        ({"language": "FR"}, ["Amélie", "Ratatouille", "Tom"]),
        ({"language": "fr", "genre": "Comedy", "age_rating": "6"}, ["Amélie"]),
        ({"actor": "tautou"}, ["Amélie", "Ratatouille"]),
        ({"actor": "tom hanks"}, []),
        ({"director": "tom hanks"}, ["Tom"]),
        ({"director": "tautou"}, []),
        ({"actor": "colin", "query": "tom"}, ["Tom"]),
        ({"actor": "!"}, []),
    ]
    for query, titles in cases:
        assert sorted(await cinema.titles(**query)) == titles, query


# What would keep a film from being found, filter by filter.
UNLIKE: Json = {
    "query": {"title": "Other", "original_title": None},
    "genre": {"genres": ["Romance"]},
    "age_rating": {"age_rating": "12"},
    "language": {"languages": ["de"]},
    "actor": {"cast": ["Mathieu Kassovitz"]},
    "director": {"director": "Louis Malle"},
}


async def test_all_filters_hold_together(cinema: Cinema) -> None:
    here, there = a_hall(a_theater()), a_hall(a_theater())
    await cinema.open(here, there)
    for number, facts in enumerate(({}, *UNLIKE.values())):
        await cinema.showtime(await cinema.film(**facts), here, hours=24 + 4 * number)
    wanted, elsewhere = await cinema.film(title="Amélie 2"), await cinema.film(title="Amélie 3")
    showtime = await cinema.showtime(wanted, here, hours=24 * 10)
    await cinema.showtime(elsewhere, there, hours=24 * 10)
    await cinema.film(title="Amélie 4")
    asked = {"query": "amelie", "genre": "comedy", "age_rating": "6", "language": "fr", "actor": "tautou"}
    asked |= {"director": "jeunet", "status": "now_showing", "sort": "-title", "limit": "1"}
    asked |= {"theater_id": str(here.theater.id)}
    assert [film["title"] for film in await pages(cinema, **asked)] == ["Amélie 2", "Amélie"]
    zone = ZoneInfo(showtime["timezone"])
    day = datetime.fromisoformat(showtime["starts_at"]).astimezone(zone).date()
    assert [film["title"] for film in await pages(cinema, **asked, date=str(day))] == ["Amélie 2"]
    assert await pages(cinema, **asked | {"status": "coming_soon"}) == []
    for name in UNLIKE:
        without = {filter_: value for filter_, value in asked.items() if filter_ != name}
        assert len(await pages(cinema, **without)) == 3, name


SORTED: list[tuple[str, list[str]]] = [
    ("title", ["amber", "Ärger", "Zulu"]),
    ("-title", ["Zulu", "Ärger", "amber"]),
    ("release_date", ["Zulu", "amber", "Ärger"]),
    ("-release_date", ["Ärger", "amber", "Zulu"]),
    ("popularity", ["amber", "Zulu", "Ärger"]),
    ("-popularity", ["Ärger", "Zulu", "amber"]),
]


@pytest.mark.parametrize("query", [{}, {"query": "shy"}], ids=["all", "found"])
async def test_films_are_sorted_across_pages(cinema: Cinema, query: Json) -> None:
    for title, year, tickets in (("Zulu", 1964, 2), ("amber", 1990, 1), ("Ärger", 2020, 3)):
        film = await cinema.film(title=title, release_date=f"{year}-01-01")
        await sell(film, tickets)
    for sort, titles in SORTED:
        assert [film["title"] for film in await pages(cinema, limit="1", sort=sort, **query)] == titles, sort


async def sell(film: Json, tickets: int) -> None:
    sessions: Sessions = app.state.sessions
    async with sessions.begin() as session:
        await session.execute(update(Movie).where(Movie.id == film["id"]).values(popularity=tickets))


async def pages(cinema: Cinema, **query: str) -> list[Json]:
    """All of a list's pages; each but the last is full."""
    found: list[Json] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await cinema.manager.get(PATH, params=query | cursor)).json()
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        assert len(page["items"]) == int(query["limit"])
        cursor = {"cursor": page["next_cursor"]}


@pytest.mark.parametrize("limit", ["1", "2", "3", "6", "7"])
async def test_pages_go_on_from_titles_to_people_to_descriptions(cinema: Cinema, limit: str) -> None:
    elsewhere = {"original_title": None, "cast": ["Nobody"], "director": "Nobody", "description": "Nothing."}
    for number, facts in enumerate(
        (
            {"description": "An alien."},
            {"description": "Aliens."},
            {"director": "Ali Alien"},
            {"title": "The Alien"},
            {"title": "Aliens"},
            {"title": "Alien"},
        )
    ):
        film = await cinema.film(**elsewhere | {"title": f"Film {number}"} | facts)
        await sell(film, number)
    await cinema.film(**elsewhere, title="Other")
    found = [film["title"] for film in await pages(cinema, query="alien", limit=limit)]
    assert found == ["Alien", "Aliens", "The Alien", "Film 2", "Film 1", "Film 0"]


async def test_forged_cursors_are_refused(cinema: Cinema) -> None:
    await cinema.film()
    forged = [paging.encode([place, 0, str(new_id())]) for place in (10**30, -1, 5)]
    forged += [paging.encode([0, 10**30, str(new_id())]), paging.encode([0, 0]), "bm9uc2Vuc2U", "%", "\0"]
    for cursor in forged:
        nonsense = await cinema.manager.get(PATH, params={"query": "amelie", "cursor": cursor})
        assert (nonsense.status_code, nonsense.json()["code"]) == (422, "validation_error"), cursor
    title = paging.encode(["\0", str(new_id())])
    assert (await cinema.manager.get(PATH, params={"sort": "title", "cursor": title})).status_code == 422


async def test_films_by_what_is_showing(cinema: Cinema) -> None:
    here, there = a_hall(a_theater()), a_hall(a_theater(city="München"))
    await cinema.open(here, there)
    showing, later, future = [await cinema.film(title=title) for title in ("Showing", "Later", "Future")]
    await cinema.manager.patch(f"{PATH}/{future['id']}", json={"release_date": "2100-01-01"})
    await cinema.manager.patch(f"{PATH}/{later['id']}", json={"release_date": "2100-01-01"})
    await cinema.film(title="Archive")
    soon = await cinema.showtime(showing, here, hours=48)
    await cinema.showtime(later, there, hours=24 * 20)
    assert await cinema.titles(status="now_showing") == ["Showing"]
    assert sorted(await cinema.titles(status="coming_soon")) == ["Future", "Later"]
    assert len(await cinema.titles(status="all")) == 4
    assert await cinema.titles(theater_id=str(there.theater.id)) == ["Later"]
    day = soon["starts_at"][:10]
    assert await cinema.titles(theater_id=str(there.theater.id), date=day) == []


async def test_suggestions_name_titles_people_and_genres(cinema: Cinema) -> None:
    await cinema.film(genres=["Animation"])
    await cinema.film(title="Heat", cast=["Ana Amari"], original_title=None)

    async def suggest(typed: str) -> Json:
        answer = await cinema.manager.get("/api/catalog/suggest", params={"q": typed})
        return dict(answer.json())

    found = await suggest("am")
    assert [title["title"] for title in found["titles"]] == ["Amélie"]
    assert found["people"] == ["Ana Amari"]
    assert (await suggest("ANI"))["genres"] == ["Animation"]
    assert [title["title"] for title in (await suggest("amelei"))["titles"]] == ["Amélie"]
    assert await suggest("?") == {"titles": [], "people": [], "genres": []}


async def test_genres_come_with_their_counts(cinema: Cinema) -> None:
    await cinema.film(genres=["Drama", "War"])
    await cinema.film(genres=["Drama"])
    assert await cinema.items("genres") == [{"name": "Drama", "count": 2}, {"name": "War", "count": 1}]


async def test_the_demo_films_can_be_loaded_again_and_again(cinema: Cinema) -> None:
    sessions: Sessions = app.state.sessions
    demo = {film.id: Film.model_validate(film.body()) for film in films()}
    listed = []
    for _ in range(2):
        async with sessions.begin() as session:
            await commands.save_movies(session, demo)
        listed.append(await cinema.items("movies", limit="100", sort="title"))
    assert listed[0] == listed[1]
    assert {film["id"] for film in listed[0]} == {str(id_) for id_ in demo}


BAD_FILMS: list[Json] = [
    {"price": 1},
    {"title": ""},
    {"title": "a\0b"},
    {"title": None},
    {"cast": ["\0"]},
    {"cast": "Audrey"},
    {"runtime_minutes": 0},
    {"runtime_minutes": "122"},
    {"runtime_minutes": 2**63},
    {"release_date": "2001-02-30"},
    {"trailer_url": "javascript:alert(1)"},
    {"poster_url": "https://elsewhere.example/"},
    {"popularity": 9},
    {"id": str(new_id())},
]


async def test_bad_films_are_refused(cinema: Cinema) -> None:
    film = await cinema.film()
    for change in BAD_FILMS:
        for answer in (
            await cinema.manager.post(PATH, json=FILM | change),
            await cinema.manager.patch(f"{PATH}/{film['id']}", json=change),
        ):
            assert (answer.status_code, answer.json()["code"]) == (422, "validation_error"), change
    assert await cinema.items("movies") == [film]


BAD_FILTERS: list[dict[str, str]] = [
    {"query": "a\0"},
    {"query": "x" * 201},
    {"genre": "\0"},
    {"theater_id": "1"},
    {"date": "tomorrow"},
    {"sort": "price"},
    {"status": "gone"},
    {"limit": "0"},
    {"limit": "101"},
]


async def test_bad_filters_are_refused(cinema: Cinema) -> None:
    for query in BAD_FILTERS:
        answer = await cinema.manager.get(PATH, params=query)
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_error"), query


async def test_only_managers_change_films(cinema: Cinema) -> None:
    film = await cinema.film()
    calls: list[tuple[str, str, Any]] = [("POST", PATH, FILM), ("DELETE", f"{PATH}/{film['id']}", None)]
    calls.append(("PATCH", f"{PATH}/{film['id']}", {"title": "x"}))
    for role, status in ((None, 401), (Role.customer, 403), (Role.staff, 403)):
        async with caller(app, role) as client:
            for method, path, body in calls:
                assert (await client.request(method, path, json=body)).status_code == status
    assert await cinema.items("movies") == [film]
