"""Finding films by words: all of them as prefixes; if no film has them all, as if they were misspelt."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

from sqlalchemy import ColumnElement, cast, exists, literal, select
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from services.catalog.models import Movie, Word
from services.catalog.words import MOST_WORDS_ASKED, all_of, deletions, forgivable, normalise, words

Terms = Sequence[Sequence[str]]
# The first of `tiers`, in which the title alone decides.
TITLE_TIERS = 3


def matches(vector: InstrumentedAttribute[str], tsquery: str) -> ColumnElement[bool]:
    """Made by words.py, so it is well-formed and has but word characters in its lexemes."""
    return vector.bool_op("@@")(cast(literal(tsquery), TSQUERY))


async def understood(session: AsyncSession, text: str) -> Terms:
    """For each word of `text` the words that may be meant; nothing if there are none in it."""
    terms = [[word] for word in words(text)[:MOST_WORDS_ASKED]]
    if not terms or await session.scalar(
        select(exists().where(Movie.deleted_at.is_(None), matches(Movie.search, all_of(terms))))
    ):
        return terms
    similar = await corrections(session, [word for [word] in terms if forgivable(word)])
    return [[*term, *similar[term[0]]] for term in terms]


async def corrections(session: AsyncSession, misspelt: Iterable[str]) -> dict[str, list[str]]:
    """The known words that are one typing error away."""
    wanted = {word: deletions(word) for word in misspelt}
    found: dict[str, list[str]] = defaultdict(list)
    if wanted:
        keys = sorted(set.union(*wanted.values()))
        for word in await session.scalars(select(Word.word).where(Word.deletions.overlap(keys)).order_by(Word.word)):
            for asked, cut in wanted.items():
                if not cut.isdisjoint(deletions(word)):
                    found[asked].append(word)
    return found


def tiers(text: str, terms: Terms) -> list[ColumnElement[bool]]:
    """Whom the text may mean, the likeliest first: the title itself, its beginning, words of it, people, anything.

    No film is in two of them. Each by itself can be read in order of popularity until a page is full, so that the
    thousands of films which a letter finds need not all be ranked.
    """
    key, tsquery = normalise(text), all_of(terms)
    ever_wider = [
        Movie.title_key == key,
        Movie.title_key.startswith(key, autoescape=True),
        *(matches(vector, tsquery) for vector in (Movie.titles, Movie.names, Movie.search)),
    ]
    return [ever_wider[0], *(wide & ~narrow for narrow, wide in pairwise(ever_wider))]
