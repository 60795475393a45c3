"""What somebody thinks of a film, from the ticket to the next suggestion."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.people import World, eventually

BEGINS_SECONDS = 4
# The job looks every ten.
RENEWED_SECONDS = 25


async def test_who_has_a_ticket_rates_the_film_once_it_has_begun_and_hears_of_others_like_it(world: World) -> None:
    manager, customer = world.manager(), await world.customer(role=None).register()
    begins = datetime.now(UTC) + timedelta(seconds=BEGINS_SECONDS)
    hall, other = await manager.open_hall(), await manager.open_hall()
    showtime = await manager.schedule(hall["id"], starts_at=begins.isoformat(), sales_close_minutes=-30)
    coming = await manager.schedule(other["id"])
    film = f"/api/catalog/movies/{showtime['movie']['id']}"
    held = await customer.hold(showtime["id"], ["E5"])
    await customer.pay_by_card(held["booking_id"])
    await customer.until(held["booking_id"], "issued")

    async def rated() -> bool:
        answer = await customer.client.put(f"{film}/rating", json={"stars": 4})
        assert answer.status_code == httpx.codes.NO_CONTENT or answer.json()["code"] == "not_seen_yet"
        return answer.is_success

    assert not await rated() or datetime.now(UTC) > begins
    await eventually(rated)

    async def popular() -> Any:
        found = await customer.get(film)
        return found if found["popularity"] else None

    found = await eventually(popular)
    assert (found["popularity"], found["rating"]) == (1, {"average": 4.0, "count": 1})

    async def suggested() -> Any:
        films = (await customer.get("/api/catalog/recommendations", limit=100))["items"]
        reasons = {film["id"]: film["because"] for film in films}
        assert showtime["movie"]["id"] not in reasons
        because = reasons.get(coming["movie"]["id"])
        return because if because and because["reason"] != "popular" else None

    because = await eventually(suggested, RENEWED_SECONDS)
    assert because["reason"] == "rated"
    assert because["movie"] == {"id": showtime["movie"]["id"], "title": showtime["movie"]["title"]}
