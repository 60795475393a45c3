"""Loads the demo cinemas through the services' own use cases, so that every rule and every event applies to them too.

Ids are fixed: loading again changes nothing, and tomorrow it adds a day. What hangs together arrives by events, so this
waits until the catalog has heard of the halls and the others of the showtimes.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from infra.demo import data
from infra.demo.schedule import Margins, ShowtimePlan
from services.catalog.commands.movies import save_movies
from services.catalog.commands.showtimes import schedule_many
from services.catalog.films import Film
from services.catalog.models import Hall as KnownHall
from services.catalog.models import Showtime
from services.catalog.plans import ADVERTS_MINUTES, CLEANING_MINUTES, Plan
from services.reservations.models import Showtime as SeatedShowtime
from services.shared import db
from services.shared.auth import Role
from services.shared.settings import Settings
from services.shared.signals import Signals
from services.theaters.commands import add_hall, create_theater
from services.theaters.layouts import AnyLayout
from services.ticketing.models import Showtime as SoldShowtime
from services.users.commands import ensure_user

ARRIVAL_SECONDS = 60
MARGINS = Margins(adverts=timedelta(minutes=ADVERTS_MINUTES), cleaning=timedelta(minutes=CLEANING_MINUTES))


NEEDED = ("users", "theaters", "catalog", "reservations", "ticketing")


class NotArrived(Exception):
    """The services do not hear of what was loaded: they, or the bus between them, are not running."""


async def load(plans: Sequence[ShowtimePlan]) -> int:
    """Load what is missing; returns how many showtimes are new. Raises NotArrived."""
    async with AsyncExitStack() as stack:
        opened = {name: await stack.enter_async_context(transactions(name)) for name in NEEDED}
        async with opened["users"].begin() as session:
            await add_users(session)
        async with opened["theaters"].begin() as session:
            await add_theaters(session)
        async with opened["catalog"].begin() as session:
            await save_movies(session, {film.id: Film.model_validate(film.body()) for film in data.films()})
        await arrival(
            opened["catalog"], KnownHall.id, {hall.id for theater in data.theaters() for hall in theater.halls}
        )
        async with opened["catalog"].begin() as session:
            # A hall that is taken by then, by somebody who plays with the demo, keeps what it has.
            added = await schedule_many(session, {plan.id: plan_of(plan) for plan in plans})
            scheduled = await present(session, Showtime.id, {plan.id for plan in plans})
        await arrival(opened["reservations"], SeatedShowtime.id, scheduled)
        await arrival(opened["ticketing"], SoldShowtime.id, scheduled)
        return added


@asynccontextmanager
async def transactions(service: str) -> AsyncIterator[db.Sessions]:
    settings = Settings.load(service)
    engine = db.connect(settings)
    try:
        yield db.Sessions(engine, settings, Signals())
    finally:
        await engine.dispose()


async def present(session: AsyncSession, column: InstrumentedAttribute[UUID], ids: set[UUID]) -> set[UUID]:
    return set(await session.scalars(select(column).where(column.in_(ids))))


async def arrival(sessions: db.Sessions, column: InstrumentedAttribute[UUID], ids: set[UUID]) -> None:
    """Until a service's own copies of `ids` are there. Raises NotArrived."""

    async def look() -> bool | None:
        async with sessions.begin() as session:
            return ids <= await present(session, column, ids) or None

    if await sessions.signals.until(look, column, ARRIVAL_SECONDS) is None:
        raise NotArrived(f"{column.class_.__module__.split('.')[1]} has not heard of the demo: is it running?")


async def add_users(session: AsyncSession) -> None:
    for user in data.users():
        await ensure_user(
            session,
            user.id,
            email=user.email,
            password=data.PASSWORD,
            full_name=user.full_name,
            role=Role[user.role],
            locale=user.locale,
        )


async def add_theaters(session: AsyncSession) -> None:
    layouts: TypeAdapter[Any] = TypeAdapter(AnyLayout)
    for theater in data.theaters():
        await create_theater(session, theater.id, **theater.body())
        for hall in theater.halls:
            seats = layouts.validate_python(hall.layout.model_dump(mode="json")).draw()
            await add_hall(session, theater.id, hall.name, seats, hall.id)


def plan_of(plan: ShowtimePlan) -> Plan:
    fields: Mapping[str, Any] = {
        "movie_id": plan.film.id,
        "hall_id": plan.hall.id,
        "starts_at": plan.starts_at,
        "format": plan.version.format,
        "language": plan.version.language,
        "subtitles": plan.version.subtitles,
        "accessibility": list(plan.version.accessibility),
        "prices": [price._asdict() for price in plan.prices],
        "currency": plan.theater.currency,
        "sales_close_minutes": plan.theater.sales_close_minutes,
        "single_seat_rule": plan.hall.single_seat_rule,
    }
    return Plan.model_validate(fields)
