import struct
import zlib
from io import BytesIO
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from services.catalog.app import app
from services.catalog.drawing import draw, edition
from services.catalog.tests.conftest import Cinema, Json, a_hall, a_theater
from services.shared.auth import Role
from services.shared.events import ShowtimeScheduled
from services.shared.ids import new_id
from services.shared.testing import caller, published

FOR_EVER = "public, max-age=31536000, immutable"


def image(kind: str = "PNG", size: tuple[int, int] = (60, 90), mode: str = "RGB", **options: Any) -> bytes:
    out = BytesIO()
    Image.new(mode, size, "red").save(out, kind, **options)
    return out.getvalue()


def parsed(picture: str) -> ET.Element:
    return ET.fromstring(picture)  # noqa: S314  our own


async def put(cinema: Cinema, film: Json, content: bytes, kind: str = "image/png") -> httpx.Response:
    path = f"/api/catalog/movies/{film['id']}/poster"
    return await cinema.manager.put(path, content=content, headers={"Content-Type": kind})


async def shown(address: str, **headers: str) -> httpx.Response:
    async with caller(app) as anyone:
        return await anyone.get(address, headers=headers)


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
async def test_a_poster_is_kept_as_a_copy_and_shows_wherever_the_film_does(cinema: Cinema, kind: str) -> None:
    hall, film = a_hall(a_theater()), await cinema.film()
    await cinema.open(hall)
    showtime = await cinema.showtime(film, hall)
    answer = await put(cinema, film, image(kind.upper(), (1000, 1000)), f"image/{kind}")
    assert answer.status_code == 200, answer.text
    address = answer.json()["poster_url"]
    assert answer.json() == film | {"poster_url": address}
    assert address != film["poster_url"]
    [listed] = await cinema.items("movies")
    again = (await cinema.manager.get(f"/api/catalog/showtimes/{showtime['id']}")).json()
    assert listed["poster_url"] == again["movie"]["poster_url"] == address
    poster = await shown(address)
    assert (poster.headers["content-type"], poster.headers["cache-control"]) == ("image/webp", FOR_EVER)
    with Image.open(BytesIO(poster.content)) as copy:
        assert (copy.format, copy.size) == ("WEBP", (800, 800))
        red, green, blue = copy.convert("RGB").getpixel((9, 9))  # type: ignore[misc]
    assert (red > 240, green < 20, blue < 20) == (True, True, True)


async def test_a_poster_is_not_sent_again_and_not_kept_under_another_address(cinema: Cinema) -> None:
    film = await cinema.film()
    address = (await put(cinema, film, image())).json()["poster_url"]
    poster = await shown(address)
    tag = poster.headers["etag"]
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        unchanged = await shown(address, **{"If-None-Match": known})
        assert (unchanged.status_code, unchanged.content, unchanged.headers["etag"]) == (304, b"", tag)
    for other in (film["poster_url"], address.partition("?")[0], f"{address}x"):
        answer = await shown(other, **{"If-None-Match": '"x"'})
        assert (answer.status_code, answer.content) == (200, poster.content)
        assert answer.headers["cache-control"] == "public, no-cache"


async def test_a_new_poster_has_a_new_address_and_the_same_one_the_same(cinema: Cinema) -> None:
    film = await cinema.film()
    addresses = [(await put(cinema, film, image(size=(side, side)))).json()["poster_url"] for side in (5, 5, 6)]
    assert addresses[0] == addresses[1] != addresses[2]


async def test_nothing_but_the_picture_is_kept(cinema: Cinema) -> None:
    film = await cinema.film()
    exif = Image.Exif()
    exif[0x0112] = 6  # held upright, its right side would be on top
    exif[0x010E] = "a secret place"
    await put(cinema, film, image("JPEG", (40, 20), exif=exif), "image/jpeg")
    poster = await shown(f"/api/catalog/movies/{film['id']}/poster")
    assert b"secret" not in poster.content
    with Image.open(BytesIO(poster.content)) as copy:
        assert (copy.size, dict(copy.getexif())) == ((20, 40), {})


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "CMYK", "I;16"])
async def test_pictures_of_any_kind_can_be_posters(cinema: Cinema, mode: str) -> None:
    out = BytesIO()
    Image.new(mode, (6, 9)).save(out, "JPEG" if mode == "CMYK" else "PNG")
    assert (await put(cinema, await cinema.film(), out.getvalue())).status_code == 200


def bomb() -> bytes:
    """A small PNG that says it has 60,000 x 60,000 pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 1, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


BAD: dict[str, tuple[bytes, str, tuple[int, str]]] = {
    "text": (b"not an image", "image/png", (422, "poster_not_readable")),
    "nothing": (b"", "image/png", (422, "poster_not_readable")),
    "cut off": (image(size=(300, 300))[:150], "image/png", (422, "poster_not_readable")),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/png", (422, "poster_not_readable")),
    "gif": (image("GIF"), "image/png", (422, "poster_not_readable")),
    "bomb": (bomb(), "image/png", (422, "poster_too_many_pixels")),
    "wide": (image(size=(8_000, 4_001)), "image/png", (422, "poster_too_many_pixels")),
    "type": (image("GIF"), "image/gif", (415, "unsupported_media_type")),
    "svg type": (b"<svg/>", "image/svg+xml", (415, "unsupported_media_type")),
    "form": (image(), "multipart/form-data; boundary=x", (415, "unsupported_media_type")),
    "large": (b"x" * ((5 << 20) + 1), "image/png", (413, "body_too_large")),
}


@pytest.mark.parametrize(("content", "kind", "expected"), BAD.values(), ids=BAD)
async def test_what_is_no_poster_is_refused_and_the_film_keeps_the_one_it_has(
    cinema: Cinema, content: bytes, kind: str, expected: tuple[int, str]
) -> None:
    film = await cinema.film()
    answer = await put(cinema, film, content, kind)
    assert (answer.status_code, answer.json()["code"]) == expected
    assert await cinema.items("movies") == [film]


async def test_an_image_of_five_megabytes_is_taken(cinema: Cinema) -> None:
    content = image()
    padded = content + b"\0" * ((5 << 20) - len(content))
    assert (await put(cinema, await cinema.film(), padded)).status_code == 200


async def test_without_a_poster_one_is_drawn(cinema: Cinema) -> None:
    film = await cinema.film(title='<Tom> & "Jerry"')
    drawn = await shown(film["poster_url"])
    assert (drawn.headers["content-type"], drawn.headers["cache-control"]) == ("image/svg+xml", FOR_EVER)
    picture = parsed(drawn.text)
    assert "2001" in [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert picture.findtext("{http://www.w3.org/2000/svg}title") == '<Tom> & "Jerry"'
    renamed = await cinema.manager.patch(f"/api/catalog/movies/{film['id']}", json={"title": "Other"})
    assert renamed.json()["poster_url"] != film["poster_url"]


async def test_a_poster_can_be_taken_away(cinema: Cinema) -> None:
    film = await cinema.film()
    await put(cinema, film, image())
    for _ in range(2):
        assert (await cinema.manager.delete(f"/api/catalog/movies/{film['id']}/poster")).status_code == 204
    assert await cinema.items("movies") == [film]
    assert (await shown(film["poster_url"])).headers["content-type"] == "image/svg+xml"


async def test_events_carry_the_posters_address(cinema: Cinema) -> None:
    hall, film = a_hall(a_theater()), await cinema.film()
    await cinema.open(hall)
    address = (await put(cinema, film, image())).json()["poster_url"]
    await cinema.showtime(film, hall)
    [event] = await published(app)
    assert isinstance(event, ShowtimeScheduled)
    assert event.film.poster_url == address


async def test_a_film_that_is_gone_takes_no_poster_but_still_shows_its_own(cinema: Cinema) -> None:
    film = await cinema.film()
    await put(cinema, film, image())
    await cinema.manager.delete(f"/api/catalog/movies/{film['id']}")
    refused = await put(cinema, film, image())
    assert (refused.status_code, refused.json()["code"]) == (404, "movie_not_found")
    assert (await shown(f"/api/catalog/movies/{film['id']}/poster")).headers["content-type"] == "image/webp"
    assert (await shown(f"/api/catalog/movies/{new_id()}/poster")).status_code == 404


async def test_only_managers_change_posters(cinema: Cinema) -> None:
    film = await cinema.film()
    for role, status in ((None, 401), (Role.customer, 403), (Role.staff, 403)):
        async with caller(app, role) as client:
            for method in ("PUT", "DELETE"):
                answer = await client.request(method, f"/api/catalog/movies/{film['id']}/poster", content=image())
                assert answer.status_code == status
    assert await cinema.items("movies") == [film]


@given(st.text(), st.lists(st.text(), max_size=3), st.integers(1, 9999))
def test_whatever_a_film_is_called_its_drawn_poster_is_well_formed(title: str, genres: list[str], year: int) -> None:
    picture = draw(title, genres, year)
    parsed(picture)
    assert picture == draw(title, genres, year)
    assert edition(title, genres, year) != edition(f"{title}x", genres, year)


def test_long_titles_are_set_in_lines_and_cut_at_the_edge() -> None:
    for title in ("Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb", "word " * 40, "x" * 200):
        lines = [line.text or "" for line in parsed(draw(title, [], 1964)).iter() if line.tag.endswith("tspan")]
        assert 1 <= len(lines) <= 6
        assert max(map(len, lines)) <= 28
