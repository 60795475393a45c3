"""What plays where: the films of a theater's week, the one for a slot, and the version it is shown in.

Every choice is a weighted draw from a `Random` that the caller has seeded, so the same slot always gives the same film.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from random import Random
from typing import Literal, NamedTuple, get_args

from infra.demo.data import Accessibility, Film, Format, Hall, Theater

Daypart = Literal["morning", "afternoon", "evening", "late"]
Audience = Literal["children", "general", "adult"]

APPEAL: Mapping[Daypart, Mapping[Audience, float]] = {
    "morning": {"children": 3, "general": 2, "adult": 0},
    "afternoon": {"children": 8, "general": 2, "adult": 0},
    "evening": {"children": 0, "general": 4, "adult": 3},
    "late": {"children": 0, "general": 1, "adult": 6},
}
_FILMS_PER_HALL = 6
_CHILDREN_SHARE = 0.3
_HOME_LANGUAGE_FACTOR = 2
_LARGE_HALL, _SMALL_HALL = 200, 70
_PREMIUM_FORMAT_FACTOR = 5
_LONGEST_LATE_FILM = 150
_GRANDEST_FORMAT_SHARE, _DUBBED_SHARE, _ENGLISH_SUBTITLES_SHARE, _ACCESSIBLE_SHARE = 0.8, 0.6, 0.25, 0.12
_THURSDAY = 4


class Version(NamedTuple):
    """How a film is shown: ISO 639-1 codes for what is heard and, where there are subtitles, read."""

    language: str
    subtitles: str | None
    format: Format
    accessibility: tuple[Accessibility, ...]


def seeded(*seed: object) -> Random:
    """A generator that gives the same numbers on every machine (`Random` hashes strings with SHA-512)."""
    return Random(":".join(map(str, seed)))  # noqa: S311 - a schedule is no secret


def films_of_week(films: Sequence[Film], theater: Theater, day: date) -> list[Film]:
    """The films a theater plays in the week of `day`; cinemas change their programme on Thursdays."""
    rng = seeded(theater.key, "week", (day.toordinal() - _THURSDAY) // 7)

    def rank(film: Film) -> float:
        # a weighted sample without replacement: the largest u ** (1 / weight), Efraimidis and Spirakis 2006
        weight = film.draw * (_HOME_LANGUAGE_FACTOR if film.languages[0] == theater.language else 1)
        return math.pow(rng.random(), 1 / weight)

    ranks = {film.external_id: rank(film) for film in films}
    ranked = sorted(films, key=lambda film: -ranks[film.external_id])
    count = _FILMS_PER_HALL * len(theater.halls)
    for_children = [film for film in ranked if film.for_children][: round(count * _CHILDREN_SHARE)]
    return for_children + [film for film in ranked if not film.for_children][: count - len(for_children)]


def choose(rng: Random, week: Sequence[Film], hall: Hall, start: datetime, shown: Mapping[Film, float]) -> Film:
    """The film for one slot of one hall; `start` is local, `shown` counts what this theater has planned that day."""
    weights = [_appeal(film, hall, start) / (1 + shown.get(film, 0)) ** 2 for film in week]
    return rng.choices(week, weights)[0]


def choose_version(rng: Random, film: Film, theater: Theater, hall: Hall) -> Version:
    """Sound, subtitles, format and accessibility of one showtime."""
    formats = [format_ for format_ in film.formats if format_ in hall.formats]
    return Version(
        *_language(rng, film, theater),
        formats[-1] if rng.random() < _GRANDEST_FORMAT_SHARE else formats[0],
        tuple(feature for feature in get_args(Accessibility) if rng.random() < _ACCESSIBLE_SHARE),
    )


def daypart(start: datetime) -> Daypart:
    """The part of the cinema's day in which a film starts; `start` is local."""
    if start.time() < time(13):
        return "morning"
    if start.time() < time(17, 30):
        return "afternoon"
    return "evening" if start.time() < time(20, 45) else "late"


def audience(film: Film) -> Audience:
    if film.for_children:
        return "children"
    return "adult" if film.age_rating in ("16", "18") else "general"


def _appeal(film: Film, hall: Hall, start: datetime) -> float:
    part = daypart(start)
    if part == "late" and film.runtime_minutes > _LONGEST_LATE_FILM:
        return 0
    appeal = APPEAL[part][audience(film)] * _fit(film, hall)
    return appeal * (_PREMIUM_FORMAT_FACTOR if {"imax", "4dx"} & {*film.formats} & {*hall.formats} else 1)


def _fit(film: Film, hall: Hall) -> float:
    """Full houses belong into large halls, discoveries into small ones."""
    if hall.capacity >= _LARGE_HALL:
        return film.draw**2
    return film.draw if hall.capacity >= _SMALL_HALL else 6 - film.draw


def _language(rng: Random, film: Film, theater: Theater) -> tuple[str, str | None]:
    original = film.languages[0]
    english = "en" if original != "en" and rng.random() < _ENGLISH_SUBTITLES_SHARE else None
    if original == theater.language:
        return original, english
    if film.for_children or (theater.dubs and rng.random() < _DUBBED_SHARE):
        return theater.language, None
    return original, english or theater.language
