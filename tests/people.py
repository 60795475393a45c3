"""What people do with Marquee, through its public API alone."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self, TypeVar
from uuid import uuid4

import httpx

from infra.local.testing import NO_TLS
from services.shared.auth import Role
from services.shared.testing import token

Found = TypeVar("Found")

PASSWORD = "a long enough passphrase"
RECIPE = {"rows": 10, "seats_per_row": 14, "aisles_after": [4, 10], "categories": {"premium": ["J", "K"]}}
FILM = {
    "title": "The Test Reel",
    "description": "A film that is only ever shown to machines. They like it.",
    "genres": ["Drama"],
    "runtime_minutes": 100,
    "age_rating": "6",
    "release_date": "2024-01-01",
    "languages": ["en"],
    "cast": ["Ada Lovelace"],
    "director": "Grace Hopper",
}
PRICES = [
    {"category": "standard", "ticket_type": "adult", "amount": 1200},
    {"category": "standard", "ticket_type": "child", "amount": 800},
    {"category": "premium", "ticket_type": "adult", "amount": 1500},
]


class Unexpected(AssertionError):
    """An answer other than the one the story needs."""


def check(answer: httpx.Response, status: int) -> Any:
    if answer.status_code != status:
        raise Unexpected(f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}")
    return answer.json() if answer.content else None


async def eventually(look: Callable[[], Awaitable[Found | None]], seconds: float = 10) -> Found:
    """What `look` finds, asked every 50 ms. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while True:
            found = await look()
            if found:
                return found
            await asyncio.sleep(0.05)


@dataclass
class Person:
    """Somebody at the API: `client` knows how to reach it and sends the token."""

    client: httpx.AsyncClient
    sandbox: httpx.AsyncClient

    async def call(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        """The answer's JSON. Raises Unexpected unless it has `status`."""
        return check(await self.client.request(method, path, **options), status)

    async def post(self, path: str, body: Any, status: int = 201) -> Any:
        return await self.call("POST", path, status, json=body)

    async def get(self, path: str, **params: Any) -> Any:
        return await self.call("GET", path, params=params)


class Manager(Person):
    """Makes what there is to sell."""

    async def open_hall(self, layout: dict[str, Any] | None = None) -> Any:
        theater = await self.post(
            "/api/theaters",
            {
                "name": f"Test Theater {secrets.token_hex(3)}",
                "city": "Testville",
                "address": "1 Test Street",
                "timezone": "Europe/Berlin",
                "latitude": 52.5,
                "longitude": 13.4,
                "amenities": [],
            },
        )
        return await self.post(f"/api/theaters/{theater['id']}/halls", {"name": "One", "layout": layout or RECIPE})

    async def schedule(self, hall_id: str, *, single_seat_rule: bool = False, **fields: Any) -> Any:
        """A showtime of a new film, tomorrow unless `starts_at` is given."""
        movie = await self.post("/api/catalog/movies", {**FILM, "title": f"The Test Reel {secrets.token_hex(3)}"})
        starts_at = (datetime.now(UTC) + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
        showtime = {
            "movie_id": movie["id"],
            "hall_id": hall_id,
            "starts_at": starts_at.isoformat(),
            "format": "2d",
            "language": "en",
            "subtitles": None,
            "prices": PRICES,
            "currency": "EUR",
            "sales_close_minutes": 0,
            "single_seat_rule": single_seat_rule,
            **fields,
        }
        return await self.post("/api/catalog/showtimes", showtime)


class Customer(Person):
    """Buys tickets."""

    async def register(self) -> Self:
        email = f"{secrets.token_hex(8)}@people.example"
        await self.post("/api/users/register", {"email": email, "password": PASSWORD, "full_name": "Test Person"})
        answer = await self.post("/api/users/login", {"email": email, "password": PASSWORD}, 200)
        self.client.headers["Authorization"] = f"Bearer {answer['access_token']}"
        return self

    async def come_as_guest(self, email: str) -> Self:
        answer = await self.post("/api/users/guest", {"email": email, "full_name": "Test Guest"})
        self.client.headers["Authorization"] = f"Bearer {answer['access_token']}"
        return self

    async def try_hold(self, showtime_id: str, labels: Sequence[str], key: str | None = None) -> httpx.Response:
        seats = [{"label": label, "ticket_type": "adult"} for label in labels]
        headers = {"Idempotency-Key": key or str(uuid4())}
        body = {"showtime_id": showtime_id, "seats": seats}
        return await self.client.post("/api/reservations/holds", json=body, headers=headers)

    async def hold(self, showtime_id: str, labels: Sequence[str]) -> Any:
        """The hold; waits for a showtime that has just been made."""
        for _ in range(10):
            answer = await self.try_hold(showtime_id, labels)
            if answer.status_code != httpx.codes.NOT_FOUND or not answer.json().get("retryable"):
                break
        return check(answer, 201)

    async def order(self, booking_id: str, wait: float = 0, since: int | None = None) -> Any:
        params = {"wait": wait} if since is None else {"wait": wait, "since": since}
        return await self.get(f"/api/ticketing/orders/{booking_id}", **params)

    async def start_payment(self, booking_id: str, key: str | None = None) -> Any:
        headers = {"Idempotency-Key": key or str(uuid4())}
        path = f"/api/ticketing/orders/{booking_id}/pay"
        return await self.call("POST", path, json={"method": "card"}, headers=headers)

    async def start_payment_refused(self, booking_id: str) -> Any:
        """The problem document of a try to pay that must be refused."""
        return await self.call("POST", f"/api/ticketing/orders/{booking_id}/pay", 409, json={"method": "card"})

    async def confirm(self, client_secret: str, card: str = "pm_card_visa") -> httpx.Response:
        """What the browser does with the client secret; it knows no key of ours."""
        intent = client_secret.partition("_secret_")[0]
        body = {"client_secret": client_secret, "payment_method": card}
        return await self.sandbox.post(f"v1/payment_intents/{intent}/confirm", json=body)

    async def pay_by_card(self, booking_id: str, card: str = "pm_card_visa") -> httpx.Response:
        order = await self.start_payment(booking_id)
        return await self.confirm(order["payment"]["client_secret"], card)

    async def until(self, booking_id: str, *statuses: str, seconds: float = 20) -> Any:
        """The order once it has one of `statuses`. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            order = await self.order(booking_id)
            while order["status"] not in statuses:
                order = await self.order(booking_id, wait=5, since=order["version"])
            return order


@dataclass
class World:
    """One address for all services, as the gateway gives, and the sandbox behind it."""

    urls: dict[str, str]
    sandbox_url: str
    api_key: str
    opened: list[httpx.AsyncClient] = field(default_factory=list)

    def client(self, role: Role | None = None, transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {token(role)}"} if role else {}
        transport = transport or ByService(self.urls)
        client = httpx.AsyncClient(transport=transport, base_url="http://marquee.test", headers=headers, timeout=40)
        self.opened.append(client)
        return client

    def outside(self) -> httpx.AsyncClient:
        client = httpx.AsyncClient(base_url=f"{self.sandbox_url}/", timeout=40, verify=NO_TLS)
        self.opened.append(client)
        return client

    def manager(self) -> Manager:
        return Manager(self.client(Role.manager), self.outside())

    def staff(self) -> Person:
        return Person(self.client(Role.staff), self.outside())

    def customer(self, role: Role | None = Role.customer) -> Customer:
        return Customer(self.client(role), self.outside())

    async def charges(self) -> dict[str, Any]:
        """What the provider knows: `{intents, refunds, events, ...}`."""
        headers = {"Accept": "application/json"}
        return dict(check(await self.outside().get("payments", headers=headers), 200))

    async def close(self) -> None:
        for client in self.opened:
            await client.aclose()


class ByService(httpx.AsyncBaseTransport):
    """Sends `/api/<service>/...` to that service's process, as the gateway does."""

    def __init__(self, urls: dict[str, str]) -> None:
        self._urls = urls
        self._network = httpx.AsyncHTTPTransport(verify=NO_TLS, limits=httpx.Limits(max_connections=None))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        service = request.url.path.split("/")[2]
        request.url = httpx.URL(self._urls[service]).copy_with(raw_path=request.url.raw_path)
        return await self._network.handle_async_request(request)

    async def aclose(self) -> None:
        await self._network.aclose()
