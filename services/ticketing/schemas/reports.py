"""Reports as JSON, and as a table for spreadsheets."""

import csv
import io
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Self

from babel.numbers import get_currency_precision
from pydantic import Field

from services.shared.schemas import View
from services.ticketing.models import Money
from services.ticketing.queries.reports import DaysOf, GroupBy, Line, Report

HEADINGS = ("key", "label", "revenue", "refunds", "currency", "seats", "capacity", "occupancy")


class LineView(View):
    """`refunds` is not taken off `revenue`."""

    key: str = Field(description="The day, the hour of the day, the way of paying, or an id.")
    label: str
    revenue: Money
    refunds: Money
    seats: int = Field(description="That are still sold.")
    capacity: int | None = Field(description="Seats of the showtimes that were not cancelled.")
    occupancy: float | None = Field(description="`seats` of `capacity`, from 0 to 1.")


class ReportView(View):
    """`from` and `to` are days in each theater's own calendar."""

    first: date = Field(serialization_alias="from")
    last: date = Field(serialization_alias="to")
    days_of: DaysOf
    group_by: GroupBy
    items: list[LineView]
    totals: LineView

    @classmethod
    def of(cls, report: Report) -> Self:
        items = [LineView.model_validate(line) for line in report.items]
        totals = LineView.model_validate(report.totals)
        period = report.period
        facts = {"first": period.first, "last": period.last, "days_of": period.days_of, "group_by": report.group_by}
        return cls(**facts, items=items, totals=totals)


def as_csv(report: Report) -> str:
    """RFC 4180; amounts in the currency's major unit, as in 12.50. Without the totals, which a spreadsheet knows."""
    table = io.StringIO()
    csv.writer(table).writerows([HEADINGS, *cells(report)])
    return table.getvalue()


def cells(report: Report) -> Iterator[tuple[object, ...]]:
    for line in report.items:
        counts = (line.seats, line.capacity, line.occupancy)
        yield harmless(line.key), harmless(line.label), *amounts(line), *counts


def amounts(line: Line) -> tuple[str, str, str]:
    return major(line.revenue), major(line.refunds), line.revenue.currency


def major(money: Money) -> str:
    return str(Decimal(money.amount).scaleb(-get_currency_precision(money.currency)))


def harmless(text: str) -> str:
    """A film's title that a spreadsheet would run as a formula
    (https://owasp.org/www-community/attacks/CSV_Injection)."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text
