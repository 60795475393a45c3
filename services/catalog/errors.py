"""The ways the catalog can refuse."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from services.shared import events
from services.shared.errors import DomainError


@dataclass(frozen=True)
class Screened:
    """A film that is shown."""

    id: UUID
    title: str
    poster_url: str | None
    runtime_minutes: int
    age_rating: str


@dataclass(frozen=True)
class Conflict:
    """A showtime that is in the way."""

    id: UUID
    movie: Screened
    starts_at: dt.datetime
    ends_at: dt.datetime


@dataclass(frozen=True)
class FreeHall:
    id: UUID
    name: str
    theater: events.Theater


class MovieNotFound(DomainError):
    status = 404
    detail = "There is no such film."


class ShowtimeNotFound(DomainError):
    status = 404
    detail = "There is no such showtime."


class HallNotFound(DomainError):
    status = 404
    detail = "There is no such hall, or it is closed."


class MovieInUse(DomainError):
    detail = "This film has showtimes to come. Cancel them first."


class ExternalIdTaken(DomainError):
    detail = "Another film has this external_id. Change that one, or choose another id."


class PosterNotReadable(DomainError):
    status = 422
    detail = "This is not a JPEG, PNG or WebP image, or not a whole one."


class PosterTooManyPixels(DomainError):
    status = 422
    carries = {"max_pixels": int}
    detail = "The image has more pixels than a poster needs. Send a smaller one."


class HallBusy(DomainError):
    carries = {"conflicts": list[Conflict], "free_halls": list[FreeHall]}
    detail = "The hall is not free at that time. Choose one of those that are, or another time."


class PricesIncomplete(DomainError):
    """`categories` are those without an adult price."""

    status = 422
    carries = {"categories": list[str]}
    detail = "Each category of the hall needs an adult price; accessible and companion fall back to standard."


class NotScheduled(DomainError):
    detail = "The showtime is over or cancelled; it can no longer be changed."


class NotSeenYet(DomainError):
    detail = "You can rate a film once you have seen it: a showtime that you have a ticket for has to have begun."
