"""JSON in and out of the catalog."""

import datetime as dt
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, model_validator

from services.catalog import films
from services.catalog.plans import Offer, Prices, SalesCloseMinutes
from services.shared.schemas import Currency, Input, Patch, View

Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["19:30"])]
Reason = Annotated[str, Field(min_length=1, max_length=500, examples=["The projector is broken."])]


class MoviePatch(Patch):
    nullable: ClassVar[frozenset[str]] = frozenset({"original_title", "trailer_url", "external_id"})

    title: films.Title | None = None
    original_title: films.Title | None = None
    description: films.Description | None = None
    genres: films.Genres | None = None
    runtime_minutes: films.Runtime | None = None
    age_rating: films.AgeRating | None = None
    release_date: dt.date | None = None
    languages: films.Languages | None = None
    cast: films.Cast | None = None
    director: films.Person | None = None
    trailer_url: films.Link | None = None
    external_id: films.ExternalId | None = None


class Pattern(Offer):
    """`times` of each of `days`, both as in the theater's zone."""

    days: Annotated[list[dt.date], Field(min_length=1, max_length=31)]
    times: Annotated[list[Clock], Field(min_length=1, max_length=24)]
    dry_run: Annotated[bool, Field(strict=True)] = False

    def clock(self) -> list[dt.time]:
        return [dt.time.fromisoformat(at) for at in self.times]


class ShowtimePatch(Patch):
    """`prices` replaces all of them; `reason` is what those who have tickets are told."""

    starts_at: AwareDatetime | None = None
    prices: Prices | None = None
    currency: Currency | None = None
    sales_close_minutes: SalesCloseMinutes | None = None
    single_seat_rule: Annotated[bool, Field(strict=True)] | None = None
    reason: Reason | None = None

    def changes(self) -> dict[str, Any]:
        return {name: value for name, value in super().changes().items() if name != "reason"}


class Cancellation(Input):
    reason: Reason


class Rating(View):
    """`average` of 1 to 5 stars; null until somebody has rated the film."""

    average: float | None
    count: int


class MovieSummary(View):
    """`poster_url` is an address below this server's; its answer may be kept for ever."""

    id: UUID
    title: str
    poster_url: str
    runtime_minutes: int
    age_rating: str


class MovieView(MovieSummary):
    """`popularity` counts tickets."""

    original_title: str | None
    description: str
    genres: list[str]
    release_date: dt.date
    languages: list[str]
    cast: list[str]
    director: str
    trailer_url: str | None
    external_id: str | None
    rating: Rating
    popularity: int


class BadLineView(View):
    """`line` counts from 1; where a film takes several lines it is the first of them."""

    line: int
    code: str
    message: str


class ImportView(View):
    """`imported` films are new, `updated` ones were known by their `external_id`."""

    imported: int
    updated: int
    failed: list[BadLineView]


class TitleView(View):
    id: UUID
    title: str


class SuggestionsView(View):
    titles: list[TitleView]
    people: list[str]
    genres: list[str]


class GenreView(View):
    name: str
    count: int


class TheaterView(View):
    id: UUID
    name: str
    city: str


class HallView(View):
    id: UUID
    name: str


class PriceView(View):
    """`amount` in minor units."""

    category: str
    ticket_type: str
    amount: int
    currency: str


class ShowtimeView(View):
    """Times are UTC, to be shown in `timezone`. `seats_left_hint` knows nothing of seats that are being bought now."""

    id: UUID
    movie: MovieSummary
    theater: TheaterView
    hall: HallView
    starts_at: dt.datetime
    ends_at: dt.datetime
    timezone: str
    format: str
    language: str
    subtitles: str | None
    accessibility: list[str]
    prices: list[PriceView]
    status: Literal["scheduled", "cancelled", "past"]
    seats_left_hint: int
    sales_close_minutes: int
    sales_close_at: dt.datetime
    single_seat_rule: bool


class SlotView(View):
    """The hall is taken from `starts_at` to `busy_until`."""

    starts_at: dt.datetime
    ends_at: dt.datetime
    busy_until: dt.datetime


class ConflictView(View):
    id: UUID
    movie: MovieSummary
    starts_at: dt.datetime
    ends_at: dt.datetime


class BatchView(View):
    planned: list[SlotView]
    conflicts: list[ConflictView]
    showtimes: list[ShowtimeView]


class FreeHallView(View):
    id: UUID
    name: str
    theater: TheaterView


class WholeList(View):
    """A list that is short enough to come in one piece."""

    next_cursor: None = None


class GenreList(WholeList):
    items: list[GenreView]


class FreeHallList(WholeList):
    items: list[FreeHallView]


class StarsInput(Input):
    stars: Annotated[int, Field(strict=True, ge=1, le=5)]


class Beside(MovieView):
    """A film's fields, and beside them what the caller has to do with it."""

    @model_validator(mode="before")
    @classmethod
    def spread(cls, found: Any) -> Any:
        own = cls.model_fields.keys() - MovieView.model_fields.keys()
        film = MovieView.model_validate(found.movie).model_dump()
        return film | {name: getattr(found, name) for name in own}


class WatchedMovie(Beside):
    added_at: dt.datetime


class RatedMovie(Beside):
    stars: int
    rated_at: dt.datetime


class BecauseView(View):
    """`movie` is the film of the caller's that speaks for this one; none where it is only popular. `text` is in the
    language of Accept-Language that we have."""

    reason: Literal["rated", "seen", "booked", "watchlist", "popular"]
    movie: TitleView | None
    text: str


class RecommendedMovie(Beside):
    because: BecauseView


class Recommendations(WholeList):
    items: list[RecommendedMovie]


class VisitView(View):
    ticket_id: UUID
    movie_id: UUID
    title: str
    showtime_id: UUID
    starts_at: dt.datetime
    voided: bool


class ExportView(View):
    """What is stored about a user."""

    user_id: UUID
    watchlist: list[WatchedMovie]
    ratings: list[RatedMovie]
    visits: list[VisitView]
