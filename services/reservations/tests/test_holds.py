from datetime import UTC, datetime, timedelta

from fastapi import FastAPI

from services.reservations.tests.cinema import buyer, labels, on_sale, seats
from services.shared.events import SeatHeld, SeatsReleased
from services.shared.testing import published


async def test_a_hold_answers_with_frozen_prices_and_ten_minutes(app: FastAPI) -> None:
    showtime_id = await on_sale(app, seats(2, 10, B1="premium"))
    before = datetime.now(UTC)
    held = await buyer(app, showtime_id).hold("B1", "A2")
    assert held["showtime_id"] == str(showtime_id)
    assert held["status"] == "held"
    assert held["total"] == {"amount": 2700, "currency": "EUR"}
    assert held["seats"] == [
        {
            "seat_no": 11,
            "label": "B1",
            "category": "premium",
            "ticket_type": "adult",
            "price": {"amount": 1500, "currency": "EUR"},
        },
        {
            "seat_no": 2,
            "label": "A2",
            "category": "standard",
            "ticket_type": "adult",
            "price": {"amount": 1200, "currency": "EUR"},
        },
    ]
    left = datetime.fromisoformat(held["expires_at"]) - before
    assert timedelta(minutes=9, seconds=58) < left < timedelta(minutes=10, seconds=2)
    assert held["expires_at"].endswith("Z")
