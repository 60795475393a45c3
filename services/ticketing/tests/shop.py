"""A small cinema with one showtime: the words of the other services, customers, and Stripe in the sandbox."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID

import httpx
import stripe
from fastapi import FastAPI
from sqlalchemy import select, update

from infra.local.testing import NO_TLS
from infra.sandbox.tests.process import WEBHOOK_SECRET, SandboxProcess
from services.shared.auth import Role
from services.shared.db import Sessions
from services.shared.events import (
    EVENTS,
    Event,
    Film,
    Hall,
    HeldSeat,
    PaymentSucceeded,
    SeatHeld,
    SeatsLost,
    SeatsSold,
    ShowtimeCancelled,
    ShowtimeChanged,
    ShowtimeScheduled,
    Theater,
    UserRegistered,
    UserVerified,
)
from services.shared.ids import new_id
from services.shared.jobs import Work
from services.shared.messaging.tables import EventLog, Outbox
from services.shared.testing import caller, deliver
from services.ticketing.booking import closing, refunding, stripe_events
from services.ticketing.handlers import HANDLERS
from services.ticketing.models import Intent, LedgerEntry, Order, Refund, StripeEvent

API = "/api/ticketing"
PRICE = 1250
FILM = Film(id=new_id(), title="The Test Reel", runtime_minutes=100, age_rating="6")
THEATER = Theater(id=new_id(), name="Lichtburg", city="Essen", timezone="Europe/Berlin")
HALL = Hall(id=new_id(), name="Saal 1", layout_version=1)


def seat(label: str, price: int = PRICE) -> HeldSeat:
    number = int(label[1:])
    return HeldSeat(
        seat_no=ord(label[0]) * 100 + number,
        label=label,
        row=label[0],
        number=number,
        category="standard",
        ticket_type="adult",
        price=price,
        currency="EUR",
    )


class Shop:
    def __init__(self, app: FastAPI, sandbox: SandboxProcess) -> None:
        self.app = app
        self.sessions: Sessions = app.state.sessions
        self.work = Work(self.sessions, app.state)
        self.sandbox = sandbox
        self.browser = httpx.AsyncClient(base_url=f"{sandbox.origin}/sandbox", verify=NO_TLS)
        self.owners: dict[UUID, UUID] = {}
        self.begin_afresh()
        self.clients: dict[tuple[Role, UUID], httpx.AsyncClient] = {}

    def begin_afresh(self) -> None:
        """Another showtime, and no memory of earlier bookings."""
        self.opened_at = datetime.now(UTC)
        self.starts_at = self.opened_at + timedelta(days=1)
        self.showtime_id = new_id()
        self.owners.clear()

    async def __aenter__(self) -> Self:
        await self.events(ShowtimeScheduled(**self.showtime()))
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in (self.browser, *self.clients.values()):
            await client.aclose()

    # --- the other services -----------------------------------------------------------------------------------------

    async def events(self, *events: Event) -> None:
        await deliver(self.app, HANDLERS, *events)

    def showtime(self, **changes: Any) -> dict[str, Any]:
        facts = {
            "showtime_id": self.showtime_id,
            "film": FILM,
            "theater": THEATER,
            "hall": HALL,
            "capacity": 100,
            "starts_at": self.starts_at,
            "ends_at": self.starts_at + timedelta(hours=2),
            "sales_close_at": self.starts_at,
            "format": "2d",
            "language": "de",
            "prices": [],
            "single_seat_rule": False,
        }
        return facts | changes

    async def move(self, starts_at: datetime) -> None:
        self.starts_at = starts_at
        await self.events(ShowtimeChanged(**self.showtime(), version=2))

    async def cancel_showtime(self) -> None:
        await self.events(ShowtimeCancelled(showtime_id=self.showtime_id, reason="The projector broke.", version=3))

    async def customer(self, *, coins: bool = False) -> UUID:
        user_id = new_id()
        about = {"user_id": user_id, "email": f"{user_id}@people.example", "full_name": "Ada Test", "locale": "en"}
        await self.events(UserRegistered(**about))
        if coins:
            await self.events(UserVerified(**about, version=2))
        return user_id

    def held_event(self, *labels: str, user_id: UUID, price: int = PRICE, minutes: float = 10) -> SeatHeld:
        seats = [seat(label, price) for label in labels]
        return SeatHeld(
            booking_id=new_id(),
            user_id=user_id,
            showtime_id=self.showtime_id,
            film=FILM,
            theater=THEATER,
            hall=HALL,
            starts_at=self.starts_at,
            format="2d",
            language="de",
            seats=seats,
            total=sum(one.price for one in seats),
            currency="EUR",
            expires_at=datetime.now(UTC) + timedelta(minutes=minutes),
        )

    async def hold(self, *labels: str, user_id: UUID | None = None, price: int = PRICE) -> UUID:
        event = self.held_event(*(labels or ("F7", "F8")), user_id=user_id or await self.customer(), price=price)
        self.owners[event.booking_id] = event.user_id
        await self.events(event)
        return event.booking_id

    async def sold(self, booking_id: UUID, *labels: str) -> None:
        """Reservations answers PaymentSucceeded: with other seats if given."""
        paid = await self.payment_succeeded(booking_id)
        seats = [seat(label, paid.seats[0].price) for label in labels] or paid.seats
        replaced = {old.label: new.label for old, new in zip(paid.seats, seats, strict=True) if old.label != new.label}
        await self.events(
            SeatsSold(booking_id=booking_id, showtime_id=self.showtime_id, seats=seats, replaced=replaced)
        )

    async def lost(self, booking_id: UUID) -> None:
        paid = await self.payment_succeeded(booking_id)
        labels = [one.label for one in paid.seats]
        await self.events(SeatsLost(booking_id=booking_id, showtime_id=self.showtime_id, seats=labels))

    async def payment_succeeded(self, booking_id: UUID) -> PaymentSucceeded:
        return next(event for event in await self.said(booking_id) if isinstance(event, PaymentSucceeded))

    async def said(self, booking_id: UUID) -> list[Event]:
        """What ticketing has published about a booking."""
        found: dict[UUID, Event] = {}
        async with self.sessions.begin() as session:
            for table in (EventLog, Outbox):
                ours = table.headers["booking_id"].astext == str(booking_id)
                for id_, name, body in await session.execute(
                    select(table.event_id, table.name, table.body).where(ours)
                ):
                    found[id_] = EVENTS[name].model_validate(body)
        return [found[id_] for id_ in sorted(found)]

    async def names(self, booking_id: UUID) -> list[str]:
        return [type(event).__name__ for event in await self.said(booking_id)]

    # --- customers --------------------------------------------------------------------------------------------------

    def client(self, role: Role, user_id: UUID | None = None) -> httpx.AsyncClient:
        key = role, user_id or UUID(int=0)
        if key not in self.clients:
            self.clients[key] = caller(self.app, role, user_id)
        return self.clients[key]

    def owner(self, booking_id: UUID) -> httpx.AsyncClient:
        return self.client(Role.customer, self.owners[booking_id])

    async def order(self, booking_id: UUID) -> Any:
        answer = await self.client(Role.staff).get(f"{API}/orders/{booking_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def status(self, booking_id: UUID) -> str:
        return str((await self.order(booking_id))["status"])

    async def post(self, booking_id: UUID, action: str, by: httpx.AsyncClient | None = None, **body: Any) -> Any:
        client = by or self.owner(booking_id)
        return await client.post(f"{API}/orders/{booking_id}/{action}", json=body)

    async def start_card(self, booking_id: UUID) -> str:
        """The client secret."""
        answer = await self.post(booking_id, "pay", method="card")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["payment"]["client_secret"])

    async def confirm(self, secret: str, card: str = "pm_card_visa") -> httpx.Response:
        """What the customer's browser does."""
        intent = secret.partition("_secret_")[0]
        form = {"client_secret": secret, "payment_method": card}
        return await self.browser.post(f"v1/payment_intents/{intent}/confirm", data=form)

    async def paid(self, *labels: str, user_id: UUID | None = None) -> UUID:
        """A booking that is paid by card, and whose seats are not sold yet."""
        booking_id = await self.hold(*labels, user_id=user_id)
        await self.confirm(await self.start_card(booking_id))
        await self.settle(booking_id, "paid")
        return booking_id

    async def issued(self, *labels: str, user_id: UUID | None = None) -> UUID:
        booking_id = await self.paid(*labels, user_id=user_id)
        await self.sold(booking_id)
        assert await self.status(booking_id) == "issued"
        return booking_id

    # --- time and Stripe --------------------------------------------------------------------------------------------

    async def expire(self, booking_id: UUID) -> None:
        """The customer's clock runs out."""
        async with self.sessions.begin() as session:
            past = datetime.now(UTC) - timedelta(seconds=1)
            await session.execute(update(Order).where(Order.booking_id == booking_id).values(expires_at=past))
        await closing.close_overdue(self.work)

    async def stripe_events(self) -> list[dict[str, Any]]:
        """What Stripe has to tell about this shop's bookings, oldest first."""
        since = self.opened_at - timedelta(seconds=1)
        found = await self.work.state.payments.events(since, stripe_events.TYPES)
        ours = {str(booking_id) for booking_id in self.owners}
        return [event for event in found if event["data"]["object"]["metadata"].get("booking_id") in ours]

    async def webhook(self, event: dict[str, Any], secret: str = WEBHOOK_SECRET) -> httpx.Response:
        payload = json.dumps(event)
        headers = {"Stripe-Signature": stripe.WebhookSignature.generate_signature_header(payload, secret)}
        return await caller(self.app).post(f"{API}/webhooks/stripe", content=payload, headers=headers)

    async def hear(self, events: Sequence[dict[str, Any]] | None = None) -> None:
        """The webhooks come in, and are worked on."""
        for event in await self.stripe_events() if events is None else events:
            assert (await self.webhook(event)).status_code == 200
        await stripe_events.process(self.work)

    async def run_jobs(self) -> None:
        await closing.close_cancelled_showtimes(self.work)
        await closing.cancel_payments(self.work)
        await refunding.pay_back(self.work)

    async def settle(self, booking_id: UUID, *statuses: str, seconds: float = 5) -> None:
        """Jobs run and webhooks come until the order has one of these statuses."""
        async with asyncio.timeout(seconds):
            while await self.status(booking_id) not in statuses:
                await self.hurry()
                await self.hear()
                await self.run_jobs()
                await asyncio.sleep(0.02)

    async def hurry(self) -> None:
        """Whatever waits for another try is due now."""
        async with self.sessions.begin() as session:
            now = datetime.now(UTC)
            for table in (Intent, Refund, StripeEvent):
                await session.execute(update(table).values(next_at=now))

    # --- the books --------------------------------------------------------------------------------------------------

    async def books(self, booking_id: UUID | None = None) -> dict[str, int]:
        """The balances of the accounts that are not zero. Each posting sums to zero."""
        async with self.sessions.begin() as session:
            rows = await session.scalars(select(LedgerEntry))
            entries = [entry for entry in rows if booking_id in (None, entry.booking_id)]
        balances: defaultdict[str, int] = defaultdict(int)
        causes: defaultdict[str, int] = defaultdict(int)
        for entry in entries:
            balances[entry.account] += entry.amount
            causes[entry.cause] += entry.amount
        assert not any(causes.values()), causes
        return {account: balance for account, balance in balances.items() if balance}

    async def kept_by_stripe(self, booking_id: UUID) -> int:
        """What was charged less what was refunded, in minor units."""
        known = await self.at_stripe()
        charged = sum(one["amount_received"] for one in known["intents"] if is_of(one, booking_id))
        back = sum(one["amount"] for one in known["refunds"] if is_of(one, booking_id) and one["status"] != "failed")
        return int(charged - back)

    async def is_waiting_for_bank(self, booking_id: UUID) -> bool:
        intents = (await self.at_stripe())["intents"]
        return any(one["status"] == "processing" for one in intents if is_of(one, booking_id))

    async def at_stripe(self) -> dict[str, Any]:
        return dict((await self.browser.get("payments", headers={"Accept": "application/json"})).json())


def is_of(thing: dict[str, Any], booking_id: UUID) -> bool:
    return bool(thing["metadata"].get("booking_id") == str(booking_id))
