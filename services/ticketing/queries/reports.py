"""What was sold, by the day of the show: that is how cinemas count and account for their takings. Or, to see how today
goes, by the day of the sale; then nothing is said of occupancy.

Days are those of the theater's own calendar. Revenue is what was paid for seats, refunds what went back or is on its
way; seats are those that are still sold. A report reads the books' own tables, so it is true to the last commit.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    Row,
    Select,
    String,
    Subquery,
    and_,
    case,
    cast,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.db import settings_of
from services.ticketing.models import Money, Order, Refund, RefundStatus, Showtime, ShowtimeStatus, Ticket, TicketStatus

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


class DaysOf(StrEnum):
    """What the days of a report are the days of."""

    SHOW = "show"
    SALE = "sale"


@dataclass(frozen=True)
class Period:
    """Days, both included."""

    first: date
    last: date
    theater_id: UUID | None = None
    days_of: DaysOf = DaysOf.SHOW

    def holds(self, at: Any, timezone: Any) -> ColumnElement[bool]:
        """Each theater's days begin at its own midnight."""
        begin, end = datetime.combine(self.first, time()), datetime.combine(self.last, time()) + timedelta(days=1)
        since, until = (func.timezone(timezone, literal(midnight, DateTime)) for midnight in (begin, end))
        # The middle one is for an index, which knows nothing of time zones.
        near = at.between(begin.replace(tzinfo=UTC) - CALENDARS, end.replace(tzinfo=UTC) + CALENDARS)
        return and_(at >= since, near, at < until)


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
    of_sales = period.days_of is DaysOf.SALE or group_by in (GroupBy.HOUR, GroupBy.METHOD)
    query = by_sale(shows, period, group_by) if of_sales else by_show(shows, group_by)
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
    )
    if period.days_of is DaysOf.SHOW:
        shows = shows.where(period.holds(Showtime.starts_at, Showtime.timezone))
    if period.theater_id is not None:
        shows = shows.where(Showtime.theater["id"].astext == str(period.theater_id))
    return shows.cte("shows")


def names(shows: CTE, group_by: GroupBy) -> tuple[ColumnElement[str], ColumnElement[str]]:
    """Key and label of a group of showtimes."""
    columns = shows.c
    day = cast(columns.day, String)
    title = func.concat_ws(", ", columns.movie, func.to_char(columns.local, "YYYY-MM-DD HH24:MI"), columns.hall)
    return {
        GroupBy.DAY: (day, day),
        GroupBy.MOVIE: (columns.movie_id, columns.movie),
        GroupBy.THEATER: (columns.theater_id, columns.theater),
        GroupBy.SHOWTIME: (cast(columns.id, String), title),
    }[group_by]


def names_of_sale(shows: CTE, period: Period, group_by: GroupBy) -> tuple[ColumnElement[str], ColumnElement[str]]:
    """Key and label of a group of orders."""
    local = func.timezone(shows.c.timezone, Order.paid_at)
    if group_by is GroupBy.HOUR:
        return func.to_char(local, "HH24"), func.to_char(local, "HH24:00")
    if group_by is GroupBy.METHOD:
        return cast(Order.method, String), func.initcap(cast(Order.method, String))
    if group_by is GroupBy.DAY and period.days_of is DaysOf.SALE:
        return cast(cast(local, Date), String), cast(cast(local, Date), String)
    return names(shows, group_by)


def by_show(shows: CTE, group_by: GroupBy) -> Select[Any]:
    """Every showtime counts, also one that nobody has bought a ticket for."""
    columns = shows.c
    key, label = names(shows, group_by)
    sold = select_sales(shows, columns.id).cte("sales")
    seats = part(columns.id, seats=func.count()).join_from(Ticket, shows, columns.id == Ticket.showtime_id)
    capacity = select(columns.id.label("place"), *amounts(capacity=columns.capacity))
    parts = union_all(*paid_and_back(sold), still_sold(seats), capacity).subquery()
    sums = summed(parts)
    order = {GroupBy.DAY: [key], GroupBy.SHOWTIME: [func.min(columns.starts_at), key]}
    shown: list[ColumnElement[Any]] = [key.label("key"), func.max(label).label("label"), *sums]
    query = select(*shown).join_from(shows, parts, parts.c.place == columns.id).group_by(key)
    return query.order_by(*order.get(group_by, [sums[0].desc(), key]))


def by_sale(shows: CTE, period: Period, group_by: GroupBy) -> Select[Any]:
    """Only what was paid for."""
    key, label = names_of_sale(shows, period, group_by)
    paid = select_sales(shows, key).add_columns(label.label("label"))
    if period.days_of is DaysOf.SALE:
        paid = paid.where(period.holds(Order.paid_at, shows.c.timezone))
    sold = paid.cte("sales")
    seats = part(sold.c.place, seats=func.count()).join_from(Ticket, shows, shows.c.id == Ticket.showtime_id)
    seats = still_sold(seats.join(sold, sold.c.booking_id == Ticket.booking_id))
    parts = union_all(*paid_and_back(sold), seats).subquery()
    labels = select(sold.c.place, func.max(sold.c.label).label("label")).group_by(sold.c.place).subquery()
    sums = summed(parts)
    shown: list[ColumnElement[Any]] = [parts.c.place.label("key"), func.max(labels.c.label).label("label"), *sums]
    query = select(*shown).join_from(parts, labels, labels.c.place == parts.c.place).group_by(parts.c.place)
    return query.order_by(*([parts.c.place] if group_by in ORDERED else [sums[0].desc(), parts.c.place]))


ORDERED = (GroupBy.DAY, GroupBy.HOUR)
# What is counted, each with a column of its own in every part of a report, so that the parts can be summed up.
AMOUNTS = ("revenue", "refunds", "seats", "capacity")


def amounts(**given: ColumnElement[int]) -> list[ColumnElement[int]]:
    return [cast(given.get(name, literal(0)), BigInteger).label(name) for name in AMOUNTS]


def part(place: ColumnElement[Any], **given: ColumnElement[int]) -> Select[Any]:
    return select(place.label("place"), *amounts(**given)).group_by(place)


def summed(parts: Subquery) -> list[ColumnElement[int]]:
    sums = {name: cast(func.sum(parts.c[name]), BigInteger) for name in AMOUNTS}
    return [(func.nullif(total, 0) if name == "capacity" else total).label(name) for name, total in sums.items()]


def select_sales(shows: CTE, place: ColumnElement[Any]) -> Select[Any]:
    """What was paid for, from the index alone: orders are wide."""
    paid: Select[Any] = select(Order.booking_id, Order.paid, place.label("place"))
    return paid.join_from(Order, shows, shows.c.id == Order.showtime_id).where(Order.paid_at.is_not(None))


def paid_and_back(sold: CTE) -> tuple[Select[Any], Select[Any]]:
    """What bought seats; what has gone back of it, or is on its way."""
    paid = part(sold.c.place, revenue=func.sum(sold.c.paid))
    back = part(sold.c.place, refunds=func.sum(Refund.amount))
    back = back.join_from(Refund, sold, sold.c.booking_id == Refund.booking_id)
    return paid, back.where(Refund.sold, Refund.status != RefundStatus.FAILED)


def still_sold(seats: Select[Any]) -> Select[Any]:
    return seats.where(Ticket.status != TicketStatus.VOID)
