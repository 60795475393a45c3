"""Finding films by words: all of them as prefixes; if no film has them all, as if they were misspelt."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, case, cast, exists, literal, select
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.ext.asyncio import AsyncSession

from services.catalog.models import Movie, Word
from services.catalog.words import MOST_WORDS_ASKED, all_of, deletions, forgivable, normalise, words

Terms = Sequence[Sequence[str]]


def matches(tsquery: str) -> ColumnElement[bool]:
    """Made by words.py, so it is well-formed and has but word characters in its lexemes."""
    return Movie.search.bool_op("@@")(cast(literal(tsquery), TSQUERY))


async def understood(session: AsyncSession, text: str) -> Terms:
    """For each word of `text` the words that may be meant; nothing if there are none in it."""
    terms = [[word] for word in words(text)[:MOST_WORDS_ASKED]]
    if not terms or await session.scalar(select(exists().where(Movie.deleted_at.is_(None), matches(all_of(terms))))):
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


def relevance(text: str, terms: Terms) -> ColumnElement[int]:
    """0 is best: the title itself, its beginning, words of it, people, anywhere."""
    key = normalise(text)
    return case(
        (Movie.title_key == key, 0),
        (Movie.title_key.startswith(key, autoescape=True), 1),
        (matches(all_of(terms, "A")), 2),
        (matches(all_of(terms, "ABC")), 3),
        else_=4,
    )
