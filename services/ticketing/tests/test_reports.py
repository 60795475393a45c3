import csv
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from services.shared.auth import Role
from services.shared.events import Film, ShowtimeScheduled
from services.shared.ids import new_id
from services.shared.testing import caller
from services.ticketing.models import Money
from services.ticketing.queries.reports import GroupBy, Line, Period, Report
from services.ticketing.schemas.reports import as_csv
from services.ticketing.tests.shop import API, FILM, PRICE, THEATER, Shop

DAY = date(2027, 3, 1)


async def opens(shop: Shop, starts_at: datetime, **changes: Any) -> None:
    """Another showtime, which the next bookings are for."""
    shop.showtime_id, shop.starts_at = new_id(), starts_at
    await shop.events(ShowtimeScheduled(**shop.showtime(**changes)))


async def sell(shop: Shop, *labels: str, method: str = "cash") -> UUID:
    booking_id = await shop.hold(*labels)
    await shop.post(booking_id, "pay", by=shop.client(Role.staff), method=method)
    await shop.sold(booking_id)
    return booking_id


async def report(shop: Shop, first: date = DAY, last: date = DAY, **params: str) -> dict[str, Any]:
    asked = {"from": first.isoformat(), "to": last.isoformat(), **params}
    answer = await shop.client(Role.manager).get(f"{API}/reports/sales", params=asked)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def lines(found: dict[str, Any]) -> list[tuple[Any, ...]]:
    names = ("revenue", "refunds")
    return [
        (one["label"], *(one[name]["amount"] for name in names), one["seats"], one["occupancy"])
        for one in [*found["items"], found["totals"]]
    ]


async def test_days_are_those_of_the_shows_in_the_theaters_calendar(own_shop: Shop) -> None:
    shop = own_shop
    await opens(shop, datetime(2027, 2, 28, 23, 30, tzinfo=UTC))  # half past midnight in Berlin
    await sell(shop, "A1", "A2")
    await opens(shop, datetime(2027, 3, 1, 23, 30, tzinfo=UTC))
    await sell(shop, "A1")
    found = await report(shop, DAY, DAY + timedelta(days=2))
    assert lines(found) == [
        ("2027-03-01", 2 * PRICE, 0, 2, 0.02),
        ("2027-03-02", PRICE, 0, 1, 0.01),
        ("Total", 3 * PRICE, 0, 3, 0.015),
    ]
    assert (found["from"], found["to"], found["group_by"]) == ("2027-03-01", "2027-03-03", "day")
    assert [one["key"] for one in (await report(shop))["items"]] == ["2027-03-01"]


async def test_a_report_counts_what_was_paid_what_went_back_and_who_still_comes(own_shop: Shop) -> None:
    shop = own_shop
    await opens(shop, datetime(2027, 3, 1, 19, tzinfo=UTC))
    booking_id = await sell(shop, "A1", "A2", "A3")
    await shop.hold("B1")
    await shop.post(booking_id, "cancel", seats=["A2"])
    manager = shop.client(Role.manager)
    await shop.post(booking_id, "refund", by=manager, amount=300, reason="sorry")
    await shop.run_jobs()
    expected = [("Cash", 3 * PRICE, PRICE + 300, 2, None), ("Total", 3 * PRICE, PRICE + 300, 2, None)]
    assert lines(await report(shop, group_by="method")) == expected
    by_day = [(*line[:-1], 0.02) for line in expected]
    assert [line[1:] for line in lines(await report(shop))] == [line[1:] for line in by_day]


async def test_reports_group_by_film_theater_showtime_way_of_paying_and_hour(own_shop: Shop) -> None:
    shop = own_shop
    other_film, other_theater = (
        Film(id=new_id(), title="Zwei", runtime_minutes=90, age_rating="0"),
        THEATER.model_copy(update={"id": new_id(), "name": "Apollo", "timezone": "America/New_York"}),
    )
    await opens(shop, datetime(2027, 3, 1, 19, tzinfo=UTC))
    await sell(shop, "A1", "A2")
    await opens(shop, datetime(2027, 3, 2, 1, tzinfo=UTC), film=other_film, theater=other_theater, capacity=4)
    await sell(shop, "A1", method="terminal")
    await opens(shop, datetime(2027, 3, 1, 21, tzinfo=UTC), capacity=50)

    async def grouped(by: str) -> list[tuple[Any, ...]]:
        return lines(await report(shop, group_by=by))[:-1]

    assert await grouped("movie") == [(FILM.title, 2 * PRICE, 0, 2, 0.0133), ("Zwei", PRICE, 0, 1, 0.25)]
    assert await grouped("theater") == [("Lichtburg", 2 * PRICE, 0, 2, 0.0133), ("Apollo", PRICE, 0, 1, 0.25)]
    assert await grouped("showtime") == [
        (f"{FILM.title}, 2027-03-01 20:00, Saal 1", 2 * PRICE, 0, 2, 0.02),
        (f"{FILM.title}, 2027-03-01 22:00, Saal 1", 0, 0, 0, 0.0),
        ("Zwei, 2027-03-01 20:00, Saal 1", PRICE, 0, 1, 0.25),
    ]
    assert await grouped("method") == [("Cash", 2 * PRICE, 0, 2, None), ("Terminal", PRICE, 0, 1, None)]
    by_hour = await grouped("hour")
    assert (len(by_hour), sum(line[1] for line in by_hour)) == (2, 3 * PRICE)
    at_apollo = await report(shop, theater_id=str(other_theater.id))
    assert lines(at_apollo)[0][1:] == (PRICE, 0, 1, 0.25)


@pytest.mark.parametrize("group_by", ["day", "movie", "theater", "showtime", "hour", "method"])
async def test_a_report_may_be_about_the_day_of_the_sale(own_shop: Shop, group_by: str) -> None:
    shop = own_shop
    await opens(shop, datetime(2027, 3, 1, 19, tzinfo=UTC))
    booking_id = await sell(shop, "A1", "A2")
    await shop.post(booking_id, "refund", by=shop.client(Role.manager), seats=["A1"], reason="sorry")
    await shop.run_jobs()
    today = datetime.now(ZoneInfo(THEATER.timezone)).date()
    sold_today = await report(shop, today, today, days_of="sale", group_by=group_by)
    assert [line[1:] for line in lines(sold_today)] == [(2 * PRICE, PRICE, 1, None)] * 2
    day_before = today - timedelta(days=1)
    assert (await report(shop, day_before, day_before, days_of="sale", group_by=group_by))["items"] == []
    if group_by == "day":
        assert (sold_today["items"][0]["key"], sold_today["days_of"]) == (today.isoformat(), "sale")


async def test_a_cancelled_showtime_has_no_seats_to_fill(own_shop: Shop) -> None:
    shop = own_shop
    await opens(shop, datetime(2027, 3, 1, 19, tzinfo=UTC))
    booking_id = await sell(shop, "A1")
    await shop.cancel_showtime()
    await shop.settle(booking_id, "refunded")
    assert lines(await report(shop))[0] == ("2027-03-01", PRICE, PRICE, 0, None)


async def test_days_without_shows_are_an_empty_report(own_shop: Shop) -> None:
    assert lines(await report(own_shop, date(2001, 1, 1), date(2001, 1, 2))) == [("Total", 0, 0, 0, None)]


@pytest.mark.parametrize(
    "params",
    [
        {"from": "2027-03-02", "to": "2027-03-01"},
        {"from": "2026-01-01", "to": "2027-01-02"},
        {"from": "1999-12-31", "to": "2000-01-01"},
        {"from": "yesterday"},
        {"group_by": "customer"},
        {"theater_id": "x"},
    ],
    ids=str,
)
async def test_a_report_that_makes_no_sense_is_refused(own_shop: Shop, params: dict[str, str]) -> None:
    answer = await own_shop.client(Role.manager).get(f"{API}/reports/sales", params=params)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")


async def test_reports_are_for_managers(own_shop: Shop) -> None:
    for role, status in ((Role.staff, 403), (None, 401), (Role.manager, 200)):
        assert (await caller(own_shop.app, role).get(f"{API}/reports/sales")).status_code == status


async def test_a_report_comes_as_a_table_for_spreadsheets(own_shop: Shop) -> None:
    shop = own_shop
    await opens(shop, datetime(2027, 3, 1, 19, tzinfo=UTC), film=FILM.model_copy(update={"title": '=2+3 "Ä, B"'}))
    await sell(shop, "A1")
    asked = {"from": "2027-03-01", "to": "2027-03-01", "group_by": "movie"}
    answer = await shop.client(Role.manager).get(f"{API}/reports/sales", params=asked, headers={"Accept": "text/csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="sales-by-movie-2027-03-01-')
    heading, row = csv.reader(io.StringIO(answer.content.decode("utf-8"), newline=""))
    assert heading == ["key", "label", "revenue", "refunds", "currency", "seats", "capacity", "occupancy"]
    assert row == [str(FILM.id), '\'=2+3 "Ä, B"', "12.50", "0.00", "EUR", "1", "100", "0.01"]


def table(labels: Sequence[str], currency: str = "EUR") -> str:
    items = [Line("k", label, Money(123456, currency), Money(0, currency), 1, None) for label in labels]
    return as_csv(Report(Period(DAY, DAY), GroupBy.DAY, items, items[0]))


@pytest.mark.parametrize("label", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_of_a_table_is_a_formula(label: str) -> None:
    (_, row) = csv.reader(io.StringIO(table([label]), newline=""))
    assert row[1] == f"'{label}"


def test_a_table_is_what_rfc_4180_says() -> None:
    text = table(["a", 'b "c", d'])
    assert text.endswith("\r\n")
    assert text.count("\r\n") == text.count("\n") == 3
    assert '"b ""c"", d"' in text


def test_amounts_in_tables_have_their_currencys_decimals() -> None:
    assert (",1234.56,0.00,EUR," in table(["a"]), ",123456,0,JPY," in table(["a"], "JPY")) == (True, True)
