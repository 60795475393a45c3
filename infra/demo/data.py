"""The demo data as typed, checked objects, read from the JSON files beside this module."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from infra.demo.ids import demo_id

Format = Literal["2d", "3d", "imax", "4dx"]
TicketType = Literal["adult", "child", "student", "senior"]
Accessibility = Literal["captioned", "audio_described"]
Category = Literal["standard", "premium", "vip", "couple", "accessible", "companion"]


class Record(BaseModel):
    """One object of a JSON file: complete, without unknown fields, never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Film(Record):
    """A film's facts, with how the demo cinemas bill it."""

    title: str
    original_title: str | None = None
    description: str
    genres: tuple[str, ...]
    runtime_minutes: int
    age_rating: Literal["0", "6", "12", "16", "18"]
    release_date: date
    languages: tuple[str, ...]
    """ISO 639-1 codes; the first is the language that the original is mainly in."""
    cast: tuple[str, ...]
    director: str
    external_id: str
    draw: int
    """How many people come: 1 (a few) to 5 (a full house)."""
    formats: tuple[Format, ...]

    @property
    def id(self) -> UUID:
        return demo_id("movie", self.external_id)

    @property
    def for_children(self) -> bool:
        return "Family" in self.genres and self.age_rating in ("0", "6")

    def body(self) -> dict[str, Any]:
        """What the catalog takes: `POST /api/catalog/movies`, or a line of an import."""
        return self.model_dump(mode="json", exclude={"draw", "formats"}, exclude_none=True)


class Recipe(Record):
    """A hall's layout recipe, as the theaters service takes it."""

    rows: int
    seats_per_row: int
    aisles_after: tuple[int, ...] = ()
    categories: dict[Category, tuple[str, ...]] = {}
    accessible: tuple[str, ...] = ()
    companion: tuple[str, ...] = ()
    couples: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()

    @property
    def capacity(self) -> int:
        return self.rows * self.seats_per_row - len(self.gaps)


class Hall(Record):
    key: str
    name: str
    formats: tuple[Format, ...]
    single_seat_rule: bool
    layout: Recipe
    prices: dict[Category, dict[TicketType, int]]
    """Minor units of the theater's currency, for a film in 2d."""

    @property
    def id(self) -> UUID:
        return demo_id("hall", self.key)

    @property
    def capacity(self) -> int:
        return self.layout.capacity


class Theater(Record):
    key: str
    name: str
    city: str
    address: str
    timezone: str
    latitude: float
    longitude: float
    amenities: tuple[str, ...]
    language: str
    """ISO 639-1 code of what the audience speaks."""
    dubs: bool
    """Whether films for adults are shown dubbed, as is usual in Germany, or subtitled."""
    currency: str
    sales_close_minutes: int
    """How long before the start sales end."""
    surcharges: dict[Format, int]
    """Minor units on top of a hall's prices."""
    halls: tuple[Hall, ...]

    @property
    def id(self) -> UUID:
        return demo_id("theater", self.key)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def body(self) -> dict[str, Any]:
        """What the theaters service takes: `POST /api/theaters`."""
        fields = {"name", "city", "address", "timezone", "latitude", "longitude", "amenities"}
        return self.model_dump(mode="json", include=fields)


class User(Record):
    email: str
    full_name: str
    role: Literal["customer", "staff", "manager", "admin"]
    locale: str

    @property
    def id(self) -> UUID:
        return demo_id("user", self.email)


PASSWORD = "marquee-demo"  # noqa: S105 - every demo login has it, and it is printed at the start
"""Of every demo login; they exist in development only."""


def read(name: str) -> Any:
    """One of the JSON files beside this module, as it stands."""
    return json.loads(Path(__file__).with_name(name).read_text("utf-8"))


@cache
def films() -> Sequence[Film]:
    """Every film of `films.json`, billed as `programme.json` says."""
    programme: Mapping[str, Any] = read("programme.json")
    return [Film.model_validate(film | programme[film["external_id"]]) for film in read("films.json")]


@cache
def theaters() -> Sequence[Theater]:
    return [Theater.model_validate(theater) for theater in read("theaters.json")]


@cache
def users() -> Sequence[User]:
    return [User.model_validate(user) for user in read("users.json")]
