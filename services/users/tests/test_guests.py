"""Guests are forgotten some time after their last show, and not while they may be buying."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from starlette.datastructures import State

from services.shared.bus import BusAway
from services.shared.events import (
    Event,
    Film,
    Hall,
    ShowtimeChanged,
    ShowtimeScheduled,
    Theater,
    TicketIssued,
    TicketVoided,
    UserErased,
)
from services.shared.ids import new_id
from services.shared.jobs import Work
from services.shared.testing import deliver, parked, published
from services.users import commands
from services.users.app import app
from services.users.handlers import HANDLERS
from services.users.jobs import erase_guests
from services.users.tests.conftest import Cinema

SHOWTIME = new_id()
SHOW = {
    "showtime_id": SHOWTIME,
    "film": Film(id=new_id(), title="The Test Reel", runtime_minutes=100, age_rating="6"),
    "theater": Theater(id=new_id(), name="Lichtburg", city="Essen", timezone="Europe/Berlin"),
    "hall": Hall(id=new_id(), name="One", layout_version=1),
    "capacity": 100,
    "format": "2d",
    "language": "en",
    "prices": [],
    "single_seat_rule": False,
}


def show(
    days_ago: float, kind: type[ShowtimeScheduled | ShowtimeChanged] = ShowtimeScheduled, version: int = 1
) -> Event:
    ends_at = datetime.now(UTC) - timedelta(days=days_ago)
    times = {"starts_at": ends_at - timedelta(hours=2), "ends_at": ends_at, "sales_close_at": ends_at}
    return kind(**SHOW, **times, version=version)


def ticket(user_id: str, days_ago: float = 0) -> TicketIssued:
    return TicketIssued(
        booking_id=new_id(),
        ticket_id=new_id(),
        user_id=UUID(user_id),
        holder_name="Gwen Guest",
        movie_id=new_id(),
        showtime_id=SHOWTIME,
        starts_at=datetime.now(UTC) - timedelta(days=days_ago),
        seat_no=1,
        seat="A1",
    )


def voided(issued: TicketIssued) -> TicketVoided:
    kept = issued.model_dump(include={"booking_id", "ticket_id", "showtime_id", "seat_no", "seat"})
    return TicketVoided(**kept)


async def guest(cinema: Cinema, days_ago: float = 40, idle_days: float = 40) -> str:
    body = {"email": "gwen@marquee.example", "full_name": "Gwen Guest"}
    user: dict[str, Any] = (await cinema.client().post("/api/users/guest", json=body)).json()["user"]
    came = datetime.now(UTC) - timedelta(days=days_ago)
    await cinema.sql('UPDATE "user" SET created_at = :came WHERE id = :id', came=came, id=user["id"])
    seen = datetime.now(UTC) - timedelta(days=idle_days)
    await cinema.sql("UPDATE session SET last_used_at = :seen WHERE user_id = :id", seen=seen, id=user["id"])
    return str(user["id"])


async def erased() -> list[str]:
    async with app.state.sessions.begin() as session:
        await commands.erase_guests(session)
    return [str(event.user_id) for event in await published(app) if isinstance(event, UserErased)]


@pytest.mark.parametrize(("days_ago", "gone"), [(29, False), (31, True)])
async def test_a_guest_who_never_bought_is_forgotten_30_days_after_coming(
    cinema: Cinema, days_ago: int, gone: bool
) -> None:
    user_id = await guest(cinema, days_ago)
    assert await erased() == ([user_id] if gone else [])
    [row] = await cinema.sql('SELECT email, full_name FROM "user"')
    assert tuple(row) == ((None, "") if gone else ("gwen@marquee.example", "Gwen Guest"))


@pytest.mark.parametrize(("days_ago", "gone"), [(-10, False), (29, False), (31, True)])
async def test_a_guest_is_forgotten_30_days_after_the_last_show(cinema: Cinema, days_ago: int, gone: bool) -> None:
    user_id = await guest(cinema)
    await deliver(app, HANDLERS, show(days_ago), ticket(user_id, days_ago=60))
    assert await erased() == ([user_id] if gone else [])
    assert len(await cinema.sql("SELECT FROM guest_ticket")) == (not gone)


async def test_a_show_that_was_put_off_keeps_the_guest_and_an_older_word_changes_nothing(cinema: Cinema) -> None:
    user_id = await guest(cinema)
    await deliver(app, HANDLERS, ticket(user_id, 50), show(10, ShowtimeChanged, 2), show(50))
    assert await erased() == []
    await deliver(app, HANDLERS, show(50, ShowtimeChanged, 3))
    assert await erased() == [user_id]


async def test_a_ticket_whose_showtime_is_not_known_counts_as_it_was_issued(cinema: Cinema) -> None:
    user_id = await guest(cinema)
    await deliver(app, HANDLERS, ticket(user_id, days_ago=20))
    assert await erased() == []


async def test_a_ticket_that_was_given_back_counts_until_then(cinema: Cinema) -> None:
    user_id = await guest(cinema)
    issued = ticket(user_id)
    await deliver(app, HANDLERS, show(-90), issued, voided(issued))
    assert await erased() == []
    await cinema.sql("UPDATE guest_ticket SET voided_at = now() - interval '31 days'")
    assert await erased() == [user_id]


async def test_a_guest_who_may_be_buying_just_now_is_left_alone(cinema: Cinema) -> None:
    user_id = await guest(cinema, idle_days=0.5)
    assert await erased() == []
    await cinema.sql("UPDATE session SET last_used_at = now() - interval '25 hours'")
    assert await erased() == [user_id]


async def test_whoever_has_an_account_is_kept_and_their_tickets_are_not_written_down(cinema: Cinema) -> None:
    user = await cinema.register()
    await cinema.sql("UPDATE \"user\" SET created_at = now() - interval '1 year'")
    await deliver(app, HANDLERS, ticket(user["id"], days_ago=300))
    assert await cinema.sql("SELECT FROM guest_ticket") == []
    assert await erased() == []


async def test_a_ticket_that_comes_after_its_guest_was_forgotten_leaves_nothing(cinema: Cinema) -> None:
    user_id = await guest(cinema)
    assert await erased() == [user_id]
    await deliver(app, HANDLERS, ticket(user_id))
    assert await cinema.sql("SELECT FROM guest_ticket") == []
    assert await parked(app) == []


async def test_nobody_sees_somebody_elses_tickets_but_a_guest_sees_their_own(cinema: Cinema) -> None:
    body = {"email": "gwen@marquee.example", "full_name": "Gwen Guest"}
    client = cinema.client()
    answer = (await client.post("/api/users/guest", json=body)).json()
    issued = ticket(answer["user"]["id"])
    await deliver(app, HANDLERS, issued, ticket(await guest(cinema)))
    client.headers["Authorization"] = f"Bearer {answer['access_token']}"
    export = (await client.get("/api/users/me/export")).json()
    assert [kept["ticket_id"] for kept in export["guest_tickets"]] == [str(issued.ticket_id)]


class Backlog:
    """A bus as the job sees it."""

    def __init__(self, waiting: int | None) -> None:
        self.waiting = waiting

    async def backlog(self, _service: str) -> int:
        if self.waiting is None:
            raise BusAway("gone")
        return self.waiting


@pytest.mark.parametrize(("waiting", "gone"), [(None, 0), (3, 0), (0, 5)])
async def test_the_job_forgets_all_who_are_due_once_it_has_heard_everything(
    cinema: Cinema, waiting: int | None, gone: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "GUESTS_AT_ONCE", 2)
    monkeypatch.setattr("services.users.commands.erasing.GUESTS_AT_ONCE", 2)
    for _ in range(5):
        await guest(cinema)
    await erase_guests(Work(app.state.sessions, State({"bus": Backlog(waiting)})))
    assert len(await cinema.sql('SELECT FROM "user" WHERE erased_at IS NOT NULL')) == gone
