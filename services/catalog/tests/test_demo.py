from datetime import UTC, datetime, timedelta
from time import perf_counter
from uuid import UUID

from infra.demo.data import films, theaters
from infra.demo.schedule import ShowtimePlan, schedule
from services.catalog import commands
from services.catalog.app import app
from services.catalog.films import Film
from services.catalog.plans import ADVERTS_MINUTES, CLEANING_MINUTES, Plan
from services.catalog.tests.conftest import Cinema
from services.shared import events
from services.shared.db import Sessions
from services.shared.events import HallLayoutPublished, LayoutSeat
from services.shared.testing import published


def hall_layouts() -> list[HallLayoutPublished]:
    """One seat of each priced category of each hall."""
    return [
        HallLayoutPublished(
            theater=events.Theater.model_validate(theater, from_attributes=True),
            hall=events.Hall(id=hall.id, name=hall.name, layout_version=1),
            seats=[
                LayoutSeat(seat_no=number, label=f"A{number}", row="A", number=number, category=category, x=number, y=0)
                for number, category in enumerate(hall.prices, 1)
            ],
        )
        for theater in theaters()
        for hall in theater.halls
    ]


def plan_of(planned: ShowtimePlan) -> Plan:
    return Plan.model_validate(
        {
            "movie_id": planned.film.id,
            "hall_id": planned.hall.id,
            "starts_at": planned.starts_at,
            **planned.version._asdict(),
            "accessibility": list(planned.version.accessibility),
            "prices": [price._asdict() for price in planned.prices],
            "currency": planned.theater.currency,
            "sales_close_minutes": planned.theater.sales_close_minutes,
            "single_seat_rule": planned.hall.single_seat_rule,
        }
    )


async def load(plans: dict[UUID, Plan]) -> int:
    sessions: Sessions = app.state.sessions
    async with sessions.begin() as session:
        await commands.save_movies(session, {film.id: Film.model_validate(film.body()) for film in films()})
        return await commands.schedule_many(session, plans)


async def test_the_demo_schedule_fits_is_loaded_at_once_and_only_once(cinema: Cinema) -> None:
    today = datetime.now(UTC).date() + timedelta(days=1)
    planned = schedule(films(), theaters(), today)
    assert {plan.busy_until - plan.ends_at for plan in planned} == {timedelta(minutes=CLEANING_MINUTES)}
    assert {plan.ends_at - plan.starts_at - timedelta(minutes=plan.film.runtime_minutes) for plan in planned} == {
        timedelta(minutes=ADVERTS_MINUTES)
    }
    plans = {plan.id: plan_of(plan) for plan in planned}
    await cinema.open(*hall_layouts())
    started = perf_counter()
    assert await load(plans) == len(plans) > 500
    assert perf_counter() - started < 10
    assert await load(plans) == 0
    assert len(await published(app)) == len(plans)
    last = max(planned, key=lambda plan: (plan.starts_at, plan.id))
    local_day = last.starts_at.astimezone(last.theater.zone).date()
    asked = {"theater_id": str(last.theater.id), "date": str(local_day), "limit": "100"}
    assert str(last.id) in [found["id"] for found in await cinema.items("showtimes", **asked)]
