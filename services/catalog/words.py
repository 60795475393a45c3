"""Text as search sees it: no accents, no case, no apostrophes; the same for what is stored and what is asked."""

import re
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple
from unicodedata import combining, normalize

# Title; cast; director; description. The letters are PostgreSQL's.
Weight = Literal["A", "B", "C", "D"]

LONGEST_WORD = 64
MOST_WORDS_ASKED = 12
LAST_POSITION = 16_383
# Texts of one film stand apart, so that no phrase runs from one actor into the next.
DISTANCE = 10
SHORTEST_FORGIVEN = 4

# Letters that Unicode does not take apart into a base and an accent.
LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "\u0131": "i"}
    | dict.fromkeys("'\u2019\0", "")
)
WORD = re.compile(r"\w+")
COMPOUND = re.compile(r"\w+(?:[-·.&]\w+)+")


class Passage(NamedTuple):
    """One text of a film."""

    weight: Weight
    text: str


def normalise(text: str) -> str:
    """As in `Amélie's Straße` -> `amelies strasse`."""
    plain = text.casefold()
    if not plain.isascii():
        plain = "".join(letter for letter in normalize("NFKD", plain) if not combining(letter))
    return " ".join(plain.translate(LETTERS).split())


def words(text: str) -> list[str]:
    return [word[:LONGEST_WORD] for word in WORD.findall(normalise(text))]


def compounds(text: str) -> list[str]:
    """Joined, as people also write them: `Spider-Man` -> `spiderman`."""
    return [re.sub(r"\W", "", found)[:LONGEST_WORD] for found in COMPOUND.findall(normalise(text))]


def vector(passages: Iterable[Passage]) -> str:
    """The passages as the text of a `tsvector`."""
    places: dict[str, list[str]] = {}
    position = 0
    for weight, text in passages:
        for word in (*words(text), *compounds(text)):
            position = min(position + 1, LAST_POSITION)
            places.setdefault(word, []).append(f"{position}{weight}")
        position += DISTANCE
    return " ".join(f"'{word}':{','.join(found)}" for word, found in places.items())


def all_of(terms: Sequence[Sequence[str]]) -> str:
    """The text of a `tsquery`: of each term one of its words, as a prefix."""
    alternatives = ([f"'{word}':*" for word in term] for term in terms)
    return " & ".join(f"({' | '.join(words_)})" for words_ in alternatives)


def phrase(text: str, weights: str) -> str:
    """The text of a `tsquery`: the words in this order; empty if there are none."""
    return " <-> ".join(f"'{word}':*{weights}" for word in words(text)[:MOST_WORDS_ASKED])


def deletions(word: str) -> set[str]:
    """The word, and each way to leave out one letter.

    Two words that are one insertion, deletion, replacement or swap of neighbours apart have one of these in common
    (W. Garbe's symmetric delete), so a typing error is found by an index lookup, without comparing with every word.
    """
    return {word, *(word[:place] + word[place + 1 :] for place in range(len(word)))}


def forgivable(word: str) -> bool:
    """Whether it is long enough to guess at; a number is meant as it stands."""
    return len(word) >= SHORTEST_FORGIVEN and word.isalpha()
