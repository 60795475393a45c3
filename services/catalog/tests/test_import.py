import csv
import io
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from services.catalog.api.imports import FILE
from services.catalog.app import app
from services.catalog.commands import imports
from services.catalog.imports import LONGEST_LINE, JsonLines
from services.catalog.tests.conftest import FILM, Cinema, Json, a_hall, a_theater
from services.shared.auth import Role
from services.shared.db import Sessions
from services.shared.events import ShowtimeChanged
from services.shared.testing import caller, published

PATH = "/api/catalog/movies/import"
NDJSON = "application/x-ndjson"
CSV = "text/csv"


def a_line(**facts: Any) -> bytes:
    return json.dumps(FILM | facts).encode()


def records(*films: Json, columns: list[str] | None = None, delimiter: str = ",") -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns or [*films[0]], delimiter=delimiter)
    writer.writeheader()
    for film in films:
        writer.writerow({name: "|".join(value) if isinstance(value, list) else value for name, value in film.items()})
    return out.getvalue()


async def send(cinema: Cinema, content: bytes | AsyncIterator[bytes], kind: str = NDJSON) -> Json:
    answer = await cinema.manager.post(PATH, content=content, headers={"Content-Type": kind})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def failures(done: Json) -> list[tuple[int, str]]:
    return [(bad["line"], bad["code"]) for bad in done["failed"]]


async def test_films_come_in_and_come_again(cinema: Cinema) -> None:
    lines = [a_line(title=f"Film {number}", external_id=f"x:{number}") for number in range(5)]
    assert await send(cinema, b"\n".join(lines)) == {"imported": 5, "updated": 0, "failed": []}
    before = await cinema.items("movies", sort="title")
    again = [*lines[:4], a_line(title="Changed", external_id="x:4"), a_line(title="New", external_id="x:5")]
    assert await send(cinema, b"\n".join(again)) == {"imported": 1, "updated": 5, "failed": []}
    after = {film["external_id"]: film for film in await cinema.items("movies")}
    assert len(after) == 6
    assert [after[f"x:{number}"] for number in range(4)] == before[:4]
    assert (after["x:4"]["id"], after["x:4"]["title"]) == (before[4]["id"], "Changed")
    assert await cinema.titles(query="changed") == ["Changed"]


async def test_an_imported_film_is_what_a_posted_one_is(cinema: Cinema) -> None:
    posted = await cinema.film(external_id="x:1")
    await send(cinema, a_line(external_id="x:2"))
    await send(cinema, records(FILM | {"external_id": "x:3"}).encode(), CSV)
    [first, second, third] = sorted(await cinema.items("movies"), key=lambda film: film["external_id"])
    own = ("id", "external_id", "poster_url")
    for film in (second, third):
        assert {name: film[name] for name in film if name not in own} == {
            name: first[name] for name in first if name not in own
        }
    assert first == posted
    assert await cinema.titles(query="tautu") == ["Amélie"] * 3


async def test_a_line_without_external_id_is_a_film_of_its_own(cinema: Cinema) -> None:
    for _ in range(2):
        assert (await send(cinema, a_line() + b"\n" + a_line()))["imported"] == 2
    assert len(await cinema.items("movies")) == 4


def samples() -> list[tuple[str, str]]:
    guide = Path("docs/guides/import.md").read_text()
    [*_, line] = re.findall(r"```json\n(.*?)```", guide, re.DOTALL)
    [table] = re.findall(r"```csv\n(.*?)```", guide, re.DOTALL)
    documented = [(str(body["example"]), kind) for kind, body in FILE.items()]
    return [(line, NDJSON), (table, CSV), *documented]


@pytest.mark.parametrize(("content", "kind"), samples())
async def test_the_documented_samples_can_be_imported(cinema: Cinema, content: str, kind: str) -> None:
    assert await send(cinema, content.encode(), kind) == {"imported": 1, "updated": 0, "failed": []}
    assert await cinema.titles(query="bergman", genre="romance", language="en") == ["Casablanca"]


BAD_LINES: dict[str, tuple[bytes, str]] = {
    "broken": (b'{"title": ', "invalid_json"),
    "words": (b"Amelie, 2001", "invalid_json"),
    "array": (b"[1]", "validation_error"),
    "number": (b"7", "validation_error"),
    "missing": (b'{"title": "x"}', "validation_error"),
    "unknown": (a_line(price=1), "validation_error"),
    "own poster": (a_line(poster_url="https://elsewhere.example/"), "validation_error"),
    "too long": (a_line(title="x" * 201), "validation_error"),
    "empty title": (a_line(title=" "), "validation_error"),
    "runtime": (a_line(runtime_minutes="long"), "validation_error"),
    "huge runtime": (a_line(runtime_minutes=10**400), "validation_error"),
    "date": (a_line(release_date="2001-02-30"), "validation_error"),
    "escaped null": (a_line(title="a\0b"), "validation_error"),
    "raw null": (b'{"title": "a\0b"}', "invalid_json"),
    "half a surrogate": (a_line(title="\ud800"), "invalid_json"),
    "deep": (b"[" * 5_000, "invalid_json"),
    "encoding": (a_line(title="Amelie").replace(b"Amelie", b"Am\xe9lie"), "invalid_encoding"),
    "long line": (b"x" * (LONGEST_LINE + 1), "line_too_long"),
    "second": (a_line(external_id="x:1"), "duplicate_external_id"),
}


@pytest.mark.parametrize(("bad", "code"), BAD_LINES.values(), ids=BAD_LINES)
async def test_a_bad_line_is_named_and_costs_no_other_its_film(cinema: Cinema, bad: bytes, code: str) -> None:
    lines = [a_line(title="One", external_id="x:1"), bad, a_line(title="Two", external_id="x:2")]
    done = await send(cinema, b"\n".join(lines))
    assert (done["imported"], done["updated"], failures(done)) == (2, 0, [(2, code)])
    assert 0 < len(done["failed"][0]["message"]) <= 500
    assert sorted(await cinema.titles()) == ["One", "Two"]


async def test_a_line_of_fifty_megabytes_is_passed_over(cinema: Cinema) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield a_line(title="One") + b"\n"
        for _ in range(50):
            yield b"x" * (1 << 20)
        yield b"\n" + a_line(title="Two")

    done = await send(cinema, pieces())
    assert (done["imported"], failures(done)) == (2, [(2, "line_too_long")])


@pytest.mark.parametrize("size", [1, 7, 4096])
async def test_a_file_may_come_in_pieces_with_a_mark_blank_lines_and_any_line_ends(cinema: Cinema, size: int) -> None:
    content = b"\xef\xbb\xbf" + a_line(title="One") + b"\r\n\r\n   \n" + a_line(title="Ämber") + b"\nx\n"

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(content), size):
            yield content[start : start + size]

    done = await send(cinema, pieces())
    assert (done["imported"], failures(done)) == (2, [(5, "invalid_json")])


async def test_nothing_is_a_file_as_well(cinema: Cinema) -> None:
    for kind in (NDJSON, CSV):
        assert await send(cinema, b"", kind) == {"imported": 0, "updated": 0, "failed": []}


async def test_a_table_may_have_its_columns_in_any_order_and_leave_out_some(cinema: Cinema) -> None:
    film = FILM | {"external_id": "x:1", "trailer_url": "", "description": 'Says "hello",\r\nthen leaves.'}
    columns = sorted(set(film) - {"original_title"})
    content = "\ufeff" + records({name: film[name] for name in columns}).replace("title", " Title", 1)
    assert (await send(cinema, content.encode(), f"{CSV}; charset=utf-8"))["imported"] == 1
    [made] = await cinema.items("movies")
    changes = {"trailer_url": None, "original_title": None, "description": 'Says "hello",\nthen leaves.'}
    assert made == made | film | changes


async def test_a_table_of_a_german_spreadsheet_is_understood(cinema: Cinema) -> None:
    content = records(FILM, delimiter=";").replace("Comedy|Romance", '"Comedy; Romance"')
    assert (await send(cinema, content.encode(), CSV))["imported"] == 1
    assert (await cinema.items("movies"))[0]["genres"] == ["Comedy", "Romance"]


BAD_HEADERS = [
    ("title,price\nx,1\n", "unknown_column"),
    ("title\nx\n", "missing_column"),
    (records(FILM).replace("director", "director,title", 1), "duplicate_column"),
]


@pytest.mark.parametrize(("content", "code"), BAD_HEADERS, ids=[code for _, code in BAD_HEADERS])
async def test_a_table_whose_columns_are_not_understood_is_refused_as_a_whole(
    cinema: Cinema, content: str, code: str
) -> None:
    done = await send(cinema, content.encode(), CSV)
    assert (done["imported"], failures(done)) == (0, [(1, code)])


BAD_RECORDS: dict[str, tuple[str, str]] = {
    "cells": ("just,two", "invalid_csv"),
    "open": ('"never closed,1,2', "invalid_csv"),
    "after": ('"closed"too,1', "invalid_csv"),
    "runtime": (records(FILM | {"runtime_minutes": "2 h"}).splitlines()[1], "validation_error"),
    "arabic": (records(FILM | {"runtime_minutes": "\u0661\u0662"}).splitlines()[1], "validation_error"),
    "missing": (records(FILM | {"director": ""}).splitlines()[1], "validation_error"),
    "null": (records(FILM | {"title": "a\0b"}).splitlines()[1], "validation_error"),
}


@pytest.mark.parametrize(("bad", "code"), BAD_RECORDS.values(), ids=BAD_RECORDS)
async def test_a_bad_record_is_named_by_its_line_in_the_file(cinema: Cinema, bad: str, code: str) -> None:
    header, one = records(FILM | {"title": "One", "description": "line 2\nline 3"}).split("\r\n", 1)
    two = records(FILM | {"title": "Two"}).split("\r\n", 1)[1]
    done = await send(cinema, f"{header}\n{one}{bad}\n{two}{bad}".encode(), CSV)
    assert (done["imported"], failures(done)) == (2, [(4, code), (6, code)])
    assert sorted(await cinema.titles()) == ["One", "Two"]


async def test_a_quote_within_a_cell_opens_nothing(cinema: Cinema) -> None:
    content = records(FILM | {"title": "XX"}).replace("XX", '6" Gun')
    assert (await send(cinema, content.encode(), CSV))["imported"] == 1
    assert await cinema.titles() == ['6" Gun']


async def test_showtimes_tell_what_an_import_has_changed(cinema: Cinema) -> None:
    hall, film = a_hall(a_theater()), await cinema.film(external_id="x:1")
    await cinema.open(hall)
    await cinema.showtime(film, hall)
    await send(cinema, a_line(external_id="x:1", description="New."))
    assert len(await published(app)) == 1
    await send(cinema, a_line(external_id="x:1", title="Zazie"))
    _, changed = await published(app)
    assert isinstance(changed, ShowtimeChanged)
    assert changed.film.title == "Zazie"


async def test_what_came_before_a_connection_broke_stays_and_can_be_sent_again(
    cinema: Cinema, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "BATCH", 2)
    lines = [a_line(external_id=f"x:{number}") + b"\n" for number in range(5)]

    async def broken() -> AsyncIterator[bytes]:
        yield b"".join(lines[:3])
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await imports.import_movies(app.state.sessions, broken(), JsonLines())
    assert len(await cinema.items("movies")) == 2
    assert await send(cinema, b"".join(lines)) == {"imported": 3, "updated": 2, "failed": []}


async def test_many_films_are_searched_with_a_plan_that_knows_them(
    cinema: Cinema, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions: Sessions = app.state.sessions

    async def known() -> list[str]:
        async with sessions.begin() as session:
            return list(await session.scalars(text("SELECT attname FROM pg_stats WHERE tablename = 'movie'")))

    await send(cinema, a_line())
    assert await known() == []
    monkeypatch.setattr(imports, "MANY", 2)
    await send(cinema, a_line() + b"\n" + a_line())
    assert {"titles", "names", "search", "facets"} <= {*await known()}


async def test_a_file_that_is_nothing_but_bad_is_given_up(cinema: Cinema, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "MOST_FAILURES", 3)
    done = await send(cinema, a_line() + b"\n" + b"x\n" * 9 + a_line())
    assert done["imported"] == 1
    assert failures(done) == [*((line, "invalid_json") for line in (2, 3, 4)), (4, "too_many_failures")]


async def test_only_files_of_films_up_to_a_size_are_taken(cinema: Cinema) -> None:
    for kind in ("application/json", "multipart/form-data; boundary=x", ""):
        answer = await cinema.manager.post(PATH, content=a_line(), headers={"Content-Type": kind})
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
        assert NDJSON in answer.json()["supported"]
    headers = {"Content-Type": NDJSON, "Content-Length": str((64 << 20) + 1)}
    answer = await cinema.manager.post(PATH, content=b"x", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_only_managers_import(cinema: Cinema) -> None:
    for role, status in ((None, 401), (Role.customer, 403), (Role.staff, 403)):
        async with caller(app, role) as client:
            answer = await client.post(PATH, content=a_line(), headers={"Content-Type": NDJSON})
            assert answer.status_code == status
    assert await cinema.items("movies") == []
