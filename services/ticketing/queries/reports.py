"""What was sold, by the day of the show: that is how cinemas count and account for their takings.

Days are those of the theater's own calendar. Revenue is what was paid for seats, refunds what went back or is on its
way; seats are those that are still sold. A report reads the books' own tables, so it is true to the last commit.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, BigInteger, Date, Row, Select, String, Subquery, case, cast, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from services.shared.db import settings_of
from services.ticketing.models import Money, Order, Refund, RefundStatus, Showtime, ShowtimeStatus, Ticket, TicketStatus

Place = InstrumentedAttribute[UUID]
# How far any place's calendar may be from UTC's.
CALENDARS = timedelta(days=1)


class GroupBy(StrEnum):
    """`HOUR` is that of the sale; `METHOD` is how it was paid."""

    DAY = "day"
    MOVIE = "movie"
    THEATER = "theater"
    SHOWTIME = "showtime"
    HOUR = "hour"
    METHOD = "method"


@dataclass(frozen=True)
class Period:
    """Days of shows, both included."""

    first: date
    last: date
    theater_id: UUID | None = None


@dataclass(frozen=True)
class Line:
    """`capacity` counts the seats of the showtimes that took or take place; None where the group has none."""

    key: str
    label: str
    revenue: Money
    refunds: Money
    seats: int
    capacity: int | None

    @property
    def occupancy(self) -> float | None:
        return round(self.seats / self.capacity, 4) if self.capacity else None


@dataclass(frozen=True)
class Report:
    period: Period
    group_by: GroupBy
    items: list[Line]
    totals: Line


async def sales(session: AsyncSession, period: Period, group_by: GroupBy) -> Report:
    shows = shows_in(period)
    query = by_sale(shows, group_by) if group_by in (GroupBy.HOUR, GroupBy.METHOD) else by_show(shows, group_by)
    currency = settings_of(session).currency
    items = [line(row, currency) for row in await session.execute(query)]
    return Report(period, group_by, items, total(items, currency))


def line(row: Row[Any], currency: str) -> Line:
    return Line(row.key, row.label, Money(row.revenue, currency), Money(row.refunds, currency), row.seats, row.capacity)


def total(items: list[Line], currency: str) -> Line:
    revenue, refunds = sum(one.revenue.amount for one in items), sum(one.refunds.amount for one in items)
    capacity = sum(one.capacity or 0 for one in items) or None
    seats = sum(one.seats for one in items)
    return Line("total", "Total", Money(revenue, currency), Money(refunds, currency), seats, capacity)


def shows_in(period: Period) -> CTE:
    local = func.timezone(Showtime.timezone, Showtime.starts_at)
    midnight = datetime.combine(period.first, time(), UTC)
    end = datetime.combine(period.last, time(), UTC) + timedelta(days=1)
    shows = select(
        Showtime.id,
        Showtime.starts_at,
        Showtime.timezone,
        local.label("local"),
        cast(local, Date).label("day"),
        Showtime.movie["id"].astext.label("movie_id"),
        Showtime.movie["title"].astext.label("movie"),
        Showtime.theater["id"].astext.label("theater_id"),
        Showtime.theater["name"].astext.label("theater"),
        Showtime.hall["name"].astext.label("hall"),
        case((Showtime.status == ShowtimeStatus.CANCELLED, 0), else_=Showtime.capacity).label("capacity"),
    ).where(
        Showtime.starts_at.between(midnight - CALENDARS, end + CALENDARS),  # for the index; the next line decides
        cast(local, Date).between(period.first, period.last),
    )
    if period.theater_id is not None:
        shows = shows.where(Showtime.theater["id"].astext == str(period.theater_id))
    return shows.cte("shows")


def by_show(shows: CTE, group_by: GroupBy) -> Select[Any]:
    """Every showtime counts, also one that nobody has bought a ticket for. Each table is summed up by itself."""
    columns = shows.c
    title = func.concat_ws(", ", columns.movie, func.to_char(columns.local, "YYYY-MM-DD HH24:MI"), columns.hall)
    key, label = {
        GroupBy.DAY: (cast(columns.day, String), cast(columns.day, String)),
        GroupBy.MOVIE: (columns.movie_id, func.max(columns.movie)),
        GroupBy.THEATER: (columns.theater_id, func.max(columns.theater)),
        GroupBy.SHOWTIME: (cast(columns.id, String), func.max(title)),
    }[group_by]
    paid = paid_for(shows)
    back, seats = gone_back(shows, Order.showtime_id), still_sold(shows, Ticket.showtime_id)
    revenue = total_of(paid.c.amount)
    order = {GroupBy.DAY: [key], GroupBy.SHOWTIME: [func.min(columns.starts_at), key]}
    return (
        select(
            key.label("key"),
            label.label("label"),
            revenue.label("revenue"),
            total_of(back.c.amount).label("refunds"),
            total_of(seats.c.amount).label("seats"),
            func.nullif(total_of(columns.capacity), 0).label("capacity"),
        )
        .select_from(shows)
        .outerjoin(paid, paid.c.place == columns.id)
        .outerjoin(back, back.c.place == columns.id)
        .outerjoin(seats, seats.c.place == columns.id)
        .group_by(key)
        .order_by(*order.get(group_by, [revenue.desc(), key]))
    )


def by_sale(shows: CTE, group_by: GroupBy) -> Select[Any]:
    """Only what was paid."""
    hour = func.to_char(func.timezone(shows.c.timezone, Order.paid_at), "HH24")
    key = hour if group_by is GroupBy.HOUR else cast(Order.method, String)
    label = hour + ":00" if group_by is GroupBy.HOUR else func.initcap(key)
    back, seats = gone_back(shows, Order.booking_id), still_sold(shows, Ticket.booking_id)
    revenue = total_of(Order.paid)
    return (
        select(
            key.label("key"),
            func.max(label).label("label"),
            revenue.label("revenue"),
            total_of(back.c.amount).label("refunds"),
            total_of(seats.c.amount).label("seats"),
            literal(None).label("capacity"),
        )
        .select_from(Order)
        .join(shows, shows.c.id == Order.showtime_id)
        .outerjoin(back, back.c.place == Order.booking_id)
        .outerjoin(seats, seats.c.place == Order.booking_id)
        .where(Order.paid_at.is_not(None))
        .group_by(key)
        .order_by(key if group_by is GroupBy.HOUR else revenue.desc())
    )


def paid_for(shows: CTE) -> Subquery:
    sums = select(Order.showtime_id.label("place"), func.sum(Order.paid).label("amount"))
    return sums.where(Order.showtime_id.in_(select(shows.c.id))).group_by(Order.showtime_id).subquery()


def gone_back(shows: CTE, place: Place) -> Subquery:
    """What has gone back of what bought seats, or is on its way."""
    sums = select(place.label("place"), func.sum(Refund.amount).label("amount"))
    counted = Refund.sold & (Refund.status != RefundStatus.FAILED) & Order.showtime_id.in_(select(shows.c.id))
    of_orders = sums.join_from(Refund, Order, Order.booking_id == Refund.booking_id)
    return of_orders.where(counted).group_by(place).subquery()


def still_sold(shows: CTE, place: Place) -> Subquery:
    counts = select(place.label("place"), func.count().label("amount"))
    live = (Ticket.status != TicketStatus.VOID) & Ticket.showtime_id.in_(select(shows.c.id))
    return counts.where(live).group_by(place).subquery()


def total_of(column: Any) -> Any:
    return cast(func.coalesce(func.sum(column), 0), BigInteger)
