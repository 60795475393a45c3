"""Films from files."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from services.catalog.commands.movies import put_movies, settle_movies
from services.catalog.films import Film
from services.catalog.imports import BadLine, FilmLine, Format, Read, Reader
from services.shared.db import Sessions

# A transaction each: what an import leaves that is cut short are whole films, and it can be sent again.
BATCH = 200
MANY = 1_000
# A file that is worse is not a file of films.
MOST_FAILURES = 10_000


@dataclass
class Imported:
    """How many films are new, how many were known by their `external_id`, and which lines bring none."""

    imported: int = 0
    updated: int = 0
    failed: list[BadLine] = field(default_factory=list)


@dataclass
class Import:
    """One file on its way in; it holds a batch of films, and of the lines before that only who was there."""

    transactions: Sessions
    done: Imported = field(default_factory=Imported)
    batch: list[Film] = field(default_factory=list)
    seen: set[bytes] = field(default_factory=set)

    async def take(self, found: Sequence[Read]) -> None:
        for read in found:
            if self.given_up:
                return
            if isinstance(read, FilmLine) and self.is_first(read.film):
                self.batch.append(read.film)
            else:
                self.refuse(read)
            if len(self.batch) == BATCH:
                await self.save()

    @property
    def given_up(self) -> bool:
        return len(self.done.failed) > MOST_FAILURES

    def refuse(self, read: Read) -> None:
        if isinstance(read, FilmLine):
            told = f"{read.film.external_id!r} stands on an earlier line."
            read = BadLine(read.line, "duplicate_external_id", told)
        self.done.failed.append(read)
        if len(self.done.failed) == MOST_FAILURES:
            told = f"There are {MOST_FAILURES} bad lines; whatever comes after them was not read."
            self.done.failed.append(BadLine(read.line, "too_many_failures", told))

    def is_first(self, film: Film) -> bool:
        """Of its external_id in this file. Digests, since the ids of a large file would be much to remember."""
        if film.external_id is None:
            return True
        digest = blake2b(film.external_id.encode(), digest_size=16).digest()
        known = digest in self.seen
        self.seen.add(digest)
        return not known

    async def save(self) -> None:
        batch, self.batch = self.batch, []
        if not batch:
            return
        async with self.transactions.begin() as session:
            new = await put_movies(session, batch)
        self.done.imported += new
        self.done.updated += len(batch) - new


async def import_movies(transactions: Sessions, pieces: AsyncIterator[bytes], kind: Format) -> Imported:
    """Films of a file as it comes in, in some transactions. A film whose `external_id` is known is replaced, others
    are added; a line that cannot be taken is named and costs no other line its film."""
    reader, work = Reader(kind), Import(transactions)
    async for piece in pieces:
        if not work.given_up:
            await work.take(await asyncio.to_thread(reader.feed, piece))
    await work.take(await asyncio.to_thread(reader.end))
    await work.save()
    if work.done.imported + work.done.updated >= MANY:
        async with transactions.begin() as session:
            await settle_movies(session)
    return work.done
