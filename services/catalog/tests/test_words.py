import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.words import Passage, all_of, compounds, deletions, normalise, phrase, vector, words


@pytest.mark.parametrize(
    ("text", "normalised"),
    [
        ("Amélie", "amelie"),
        ("  Der   Untergang ", "der untergang"),
        ("Straße", "strasse"),
        ("Schindler's List", "schindlers list"),
        ("Schindler\u2019s List", "schindlers list"),
        ("Bródno Łódź Ø", "brodno lodz o"),
        ("Đặng Thái", "dang thai"),
        ("null\0null", "nullnull"),
    ],
)
def test_accents_case_and_apostrophes_make_no_difference(text: str, normalised: str) -> None:
    assert normalise(text) == normalised


def test_compounds_are_found_joined_as_well() -> None:
    assert words("Spider-Man: WALL·E") == ["spider", "man", "wall", "e"]
    assert compounds("Spider-Man: WALL·E") == ["spiderman", "walle"]


@pytest.mark.parametrize("typed", ["goslng", "goslling", "gosking", "gsoling", "oosling", "goslin"])
def test_words_one_typing_error_apart_have_a_deletion_in_common(typed: str) -> None:
    assert deletions(typed) & deletions("gosling")


def test_words_far_apart_have_none() -> None:
    assert not deletions("gosling") & deletions("goblin")


def test_a_vector_keeps_weights_and_a_distance_between_texts() -> None:
    made = vector([Passage("A", "The Thing"), Passage("B", "Kurt Russell"), Passage("D", "A thing")])
    assert made == "'the':1A 'thing':2A,26D 'kurt':13B 'russell':14B 'a':25D"


def test_queries_are_prefixes_of_all_words() -> None:
    assert all_of([["ryan"], ["goslng", "gosling"]]) == "('ryan':*) & ('goslng':* | 'gosling':*)"
    assert phrase("Tom Hanks", "B") == "'tom':*B <-> 'hanks':*B"


@given(st.text())
def test_whatever_is_typed_makes_words_without_syntax(text: str) -> None:
    assert all(word.isidentifier() or word[0].isnumeric() or word.isalnum() or "_" in word for word in words(text))
    assert not any(set(word) & set("'\\:*&|! \0") for word in words(text))
