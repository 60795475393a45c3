"""What the JSON files must keep to, so that every service takes them."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from infra.demo.data import Film, Format, Hall, Recipe, Theater, TicketType, films, read, theaters, users

GENRES = {
    "Action",
    "Adventure",
    "Animation",
    "Comedy",
    "Crime",
    "Drama",
    "Family",
    "Fantasy",
    "Horror",
    "Music",
    "Romance",
    "Science Fiction",
    "Thriller",
    "War",
    "Western",
}
ROW_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
HALLS = [hall for theater in theaters() for hall in theater.halls]


def keys_of(hall: Hall) -> str:
    return hall.key


def rows(recipe: Recipe) -> list[str]:
    doubled = [f"A{letter}" for letter in ROW_LETTERS]
    return [*ROW_LETTERS, *doubled][: recipe.rows]


def blocks(recipe: Recipe) -> Iterator[list[str]]:
    """The runs of neighbouring seats: a gap or an aisle ends one."""
    for row in rows(recipe):
        block: list[str] = []
        for number in range(1, recipe.seats_per_row + 1):
            label = f"{row}{number}"
            if label not in recipe.gaps:
                block.append(label)
            if label in recipe.gaps or number in (*recipe.aisles_after, recipe.seats_per_row):
                yield block
                block = []


def are_neighbours(recipe: Recipe, left: str, right: str) -> bool:
    return any((left, right) in pairwise(block) for block in blocks(recipe))


def categories(recipe: Recipe) -> Counter[str]:
    """The seats of each category; what is said of single seats goes before what is said of a row."""
    by_row: dict[str, str] = {row: category for category, names in recipe.categories.items() for row in names}
    found = {
        f"{row}{number}": by_row.get(row, "standard")
        for row in rows(recipe)
        for number in range(1, recipe.seats_per_row + 1)
    }
    found |= {label: "couple" for pair in recipe.couples for label in pair.split("-")}
    found |= dict.fromkeys(recipe.accessible, "accessible") | dict.fromkeys(recipe.companion, "companion")
    return Counter(category for label, category in found.items() if label not in recipe.gaps)


def unique(values: Sequence[object]) -> bool:
    return len({*values}) == len(values)


def test_there_are_films_from_many_decades_and_languages_and_for_children() -> None:
    assert len(films()) >= 48
    assert len({film.release_date.year // 10 for film in films()}) >= 8
    assert sum(film.languages[0] != "en" for film in films()) >= 8
    assert sum(film.for_children for film in films()) >= 12
    assert any("é" in film.title for film in films())
    assert {film.age_rating for film in films()} >= {"0", "6", "12", "16"}


def test_no_film_is_there_twice() -> None:
    assert unique([film.external_id for film in films()])
    assert unique([film.title for film in films()])
    assert unique([film.description for film in films()])


@pytest.mark.parametrize("film", films(), ids=lambda film: film.external_id)
def test_a_films_facts_are_complete_and_plausible(film: Film) -> None:
    assert re.fullmatch(r"imdb:tt\d{7,8}|marquee:[a-z0-9-]+", film.external_id)
    assert film.release_date < date(2026, 1, 1)
    assert 60 <= film.runtime_minutes <= 240
    assert {*film.genres} <= GENRES
    assert 1 <= len(film.genres) <= 3
    assert unique(film.genres)
    assert 4 <= len(film.cast) <= 6
    assert unique(film.cast)
    assert film.languages
    assert all(re.fullmatch("[a-z]{2}", language) for language in film.languages)
    assert film.original_title != film.title
    assert film.director


@pytest.mark.parametrize("film", films(), ids=lambda film: film.external_id)
def test_a_film_is_described_in_two_sentences(film: Film) -> None:
    assert len(re.findall(r"[.!?](?= [A-Z]|$)", film.description)) == 2
    assert 100 <= len(film.description) <= 400


def test_every_film_is_billed_and_no_other() -> None:
    programme = read("programme.json")
    assert programme.keys() == {film.external_id for film in films()}
    for film in films():
        assert 1 <= film.draw <= 5
        assert film.formats[0] == "2d"
        assert list(film.formats) == [format_ for format_ in get_args(Format) if format_ in film.formats]


def test_a_films_body_has_the_fields_of_the_contract_and_no_more() -> None:
    required = {"title", "description", "genres", "runtime_minutes", "age_rating", "release_date", "languages", "cast"}
    for film in films():
        body = film.body()
        assert body.keys() - {"original_title"} == required | {"director", "external_id"}
        assert body["release_date"] == film.release_date.isoformat()


def test_an_unknown_field_in_a_file_is_refused() -> None:
    user: dict[str, Any] = read("users.json")[0]
    with pytest.raises(ValidationError):
        type(users()[0]).model_validate(user | {"shoe_size": 43})


def test_three_theaters_in_three_cities_and_zones_have_twelve_halls() -> None:
    assert len(theaters()) == 3
    assert unique([theater.city for theater in theaters()])
    assert unique([theater.zone.key for theater in theaters()])
    assert len(HALLS) == 12


def test_no_two_halls_are_alike() -> None:
    assert unique([hall.key for hall in HALLS])
    assert unique([hall.name for hall in HALLS])
    assert unique([hall.layout.model_dump_json() for hall in HALLS])
    assert (min(hall.capacity for hall in HALLS), max(hall.capacity for hall in HALLS)) == (24, 420)


@pytest.mark.parametrize("theater", theaters(), ids=lambda theater: theater.key)
def test_a_theater_has_halls_with_and_without_the_single_seat_rule(theater: Theater) -> None:
    with_rule = [hall.single_seat_rule for hall in theater.halls]
    assert not all(with_rule)
    assert 2 * sum(with_rule) > len(with_rule)


@pytest.mark.parametrize("theater", theaters(), ids=lambda theater: theater.key)
def test_a_theaters_facts_are_plausible(theater: Theater) -> None:
    assert theater.currency == "EUR"
    assert 35 < theater.latitude < 70
    assert -11 < theater.longitude < 30
    assert 0 <= theater.sales_close_minutes <= 30
    assert all(hall.key.startswith(f"{theater.key}/") for hall in theater.halls)
    assert {format_ for hall in theater.halls for format_ in hall.formats} <= {"2d", *theater.surcharges}


def test_imax_and_4dx_can_be_shown() -> None:
    assert {format_ for hall in HALLS for format_ in hall.formats} == {*get_args(Format)}


@pytest.mark.parametrize("hall", HALLS, ids=keys_of)
def test_every_label_of_a_recipe_is_in_the_grid_and_said_once(hall: Hall) -> None:
    recipe = hall.layout
    grid = {f"{row}{number}" for row in rows(recipe) for number in range(1, recipe.seats_per_row + 1)}
    couples = [label for pair in recipe.couples for label in pair.split("-")]
    labels = [*recipe.accessible, *recipe.companion, *couples, *recipe.gaps]
    assert {*labels} <= grid
    assert unique(labels)
    assert all(0 < aisle < recipe.seats_per_row for aisle in recipe.aisles_after)
    assert unique(recipe.aisles_after)


@pytest.mark.parametrize("hall", HALLS, ids=keys_of)
def test_every_row_of_a_category_exists_and_has_one_category(hall: Hall) -> None:
    named = [row for names in hall.layout.categories.values() for row in names]
    assert {*named} <= {*rows(hall.layout)}
    assert unique(named)


@pytest.mark.parametrize("hall", HALLS, ids=keys_of)
def test_couples_and_companions_sit_side_by_side(hall: Hall) -> None:
    recipe = hall.layout
    for pair in recipe.couples:
        left, right = pair.split("-")
        assert are_neighbours(recipe, left, right)
    for seat in recipe.companion:
        assert any(
            are_neighbours(recipe, *pair) for other in recipe.accessible for pair in ((seat, other), (other, seat))
        )


@pytest.mark.parametrize("hall", HALLS, ids=keys_of)
def test_every_hall_has_a_place_for_a_wheelchair_and_a_companion(hall: Hall) -> None:
    found = categories(hall.layout)
    assert found.total() == hall.capacity == sum(map(len, blocks(hall.layout)))
    assert found["accessible"] >= 1
    assert found["companion"] >= 1


@pytest.mark.parametrize("hall", HALLS, ids=keys_of)
def test_every_category_of_a_hall_has_a_price_for_everybody(hall: Hall) -> None:
    offered = {*categories(hall.layout)}
    fallback = {"accessible", "companion"} if "standard" in hall.prices else set()
    assert offered - fallback <= {*hall.prices} <= offered
    for amounts in hall.prices.values():
        assert {*amounts} == {*get_args(TicketType)}
        assert 0 < min(amounts.values()) <= max(amounts.values()) == amounts["adult"] < 5000


def test_the_lounge_has_couple_seats_only_but_for_the_wheelchair_and_its_companion() -> None:
    lounge = min(HALLS, key=lambda hall: hall.capacity)
    assert categories(lounge.layout) == {"couple": 22, "accessible": 1, "companion": 1}


def test_the_four_demo_logins_have_one_role_each() -> None:
    assert {user.email: user.role for user in users()} == {
        f"{role}@marquee.example": role for role in ("admin", "manager", "staff", "customer")
    }


def test_no_two_demo_objects_share_an_id() -> None:
    assert unique([thing.id for group in (films(), theaters(), HALLS, users()) for thing in group])
