"""As many made-up films as one likes, the same ones every time, with words as unevenly used as in a language."""

import json
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import accumulate
from random import Random
from typing import Any

SEED = 1895
VOCABULARY = 20_000
FAMILY_NAMES = 4_000
PEOPLE = 8_000
EPOCH = date(1920, 1, 1)
DAYS = 106 * 365

ONSETS = ("b", "br", "c", "ch", "d", "dr", "f", "g", "gr", "h", "j", "k", "l", "m", "n", "p", "r", "s", "st", "t", "v")
NUCLEI = ("a", "e", "i", "o", "u", "ai", "ea", "ou", "é", "ö")
CODAS = ("", "n", "r", "s", "t", "l", "nd", "ck", "ng")
COMMON = ("the", "a", "of", "and", "in", "to", "man", "love", "night", "day", "last", "black", "life", "house", "girl")
GIVEN = ("Anna", "Åsa", "Ben", "Chloé", "Dora", "Émile", "Fatih", "Greta", "Hiro", "Inés", "Jean", "Kofi", "Lena")
GENRES = (
    *("Action", "Adventure", "Animation", "Comedy", "Crime", "Documentary", "Drama", "Family", "Fantasy", "History"),
    *("Horror", "Music", "Mystery", "Romance", "Science Fiction", "Thriller", "War", "Western"),
)
LANGUAGES = ("en", "de", "fr", "es", "ja", "tr")
AGE_RATINGS = ("0", "6", "12", "16", "18")


def films(count: int) -> Iterator[dict[str, Any]]:
    """Bodies for the import, each with an `external_id`."""
    random = Random(SEED)
    speak = Zipf(random, [*COMMON, *(word(random) for _ in range(VOCABULARY))])
    family = [word(random).capitalize() for _ in range(FAMILY_NAMES)]
    people = Zipf(random, [f"{random.choice(GIVEN)} {random.choice(family)}" for _ in range(PEOPLE)])
    for number in range(count):
        yield {
            "title": " ".join(speak(random.randint(1, 5))).capitalize(),
            "description": ". ".join(" ".join(speak(12)).capitalize() for _ in range(random.randint(2, 8))) + ".",
            "genres": random.sample(GENRES, random.randint(1, 3)),
            "runtime_minutes": random.randint(70, 200),
            "age_rating": random.choice(AGE_RATINGS),
            "release_date": (EPOCH + timedelta(days=random.randrange(DAYS))).isoformat(),
            "languages": random.sample(LANGUAGES, random.randint(1, 2)),
            "cast": list(dict.fromkeys(people(random.randint(3, 12)))),
            "director": people(1)[0],
            "external_id": f"bench:{number}",
        }


def json_lines(count: int) -> bytes:
    return b"".join(json.dumps(film).encode() + b"\n" for film in films(count))


class Zipf:
    """Draws things of which the n-th is n times rarer than the first."""

    def __init__(self, random: Random, things: Sequence[str]) -> None:
        self.random = random
        self.things = things
        self.weights = list(accumulate(1 / (3 + rank) for rank in range(len(things))))

    def __call__(self, count: int) -> list[str]:
        return self.random.choices(self.things, cum_weights=self.weights, k=count)


def word(random: Random) -> str:
    syllables = (
        random.choice(ONSETS) + random.choice(NUCLEI) + random.choice(CODAS) for _ in range(random.randint(1, 3))
    )
    return "".join(syllables)
