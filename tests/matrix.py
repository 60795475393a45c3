"""Who may do what: a literal table of every route, with a request that is good in all but who sends it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from tests.people import FILM, PASSWORD, PRICES, RECIPE


class Actor(StrEnum):
    """Who asks, in this order: the owner last, since it is the owner's things that come to an end."""

    ANONYMOUS = "anonymous"
    FORGED = "with a forged token"
    GUEST = "guest"
    OTHER = "other customer"
    STAFF = "staff"
    MANAGER = "manager"
    ADMIN = "admin"
    OWNER = "owner"


# What those who may not are answered; all others get one of the row's good answers.
ANYONE: dict[Actor, int] = {}
USER = dict.fromkeys((Actor.ANONYMOUS, Actor.FORGED), 401)
NO_GUEST = {**USER, Actor.GUEST: 403}
STAFF = {**NO_GUEST, Actor.OTHER: 403, Actor.OWNER: 403}
MANAGER = {**STAFF, Actor.STAFF: 403}
ADMIN = {**MANAGER, Actor.MANAGER: 403}
# Somebody else's object does not exist, whatever one's role.
OWNER = {**dict.fromkeys(Actor, 404), **USER}
del OWNER[Actor.OWNER]
OWNER_OR_STAFF = {**USER, Actor.GUEST: 404, Actor.OTHER: 404}


@dataclass(frozen=True)
class Row:
    """`fresh` names what is made anew for everybody who may; with `anew` whoever asks has a new account each time.

    `says` is a code that stands for a denial as well, where the usual one would tell less.
    """

    denied: dict[Actor, int]
    good: tuple[int, ...] = (200,)
    body: Any = None
    content: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    fresh: tuple[str, ...] = ()
    anew: bool = False
    says: str = ""


CREATED, ACCEPTED, DONE, REFUSED = (201,), (202,), (204,), (409,)
JSON_LINES = {"Content-Type": "application/x-ndjson"}
NOT_FOUND = (404,)
BAD_LINK = {"token": "x" * 43}
NO_DEAD_LETTERS = {"fingerprint": "nothing failed like this", "reason": "to see who may"}
THEATER = {
    "name": "Other",
    "city": "Testville",
    "address": "2 Test Street",
    "timezone": "Europe/Berlin",
    "latitude": 52.5,
    "longitude": 13.4,
    "amenities": [],
}
CODE = {"code": "not a ticket", "gate": "A"}
SCAN = {**CODE, "scan_id": "0192-scan", "scanned_at": "2026-01-01T20:00:00Z"}
LATER = (datetime.now(UTC) + timedelta(days=400)).date().isoformat()
PERIOD = {"from": LATER, "to": LATER}

USERS = {
    "GET /api/users/staff-actions": Row(ADMIN),
    "GET /api/users/dead-letters": Row(ADMIN),
    "POST /api/users/dead-letters/replay": Row(ADMIN, NOT_FOUND, body=NO_DEAD_LETTERS),
    "POST /api/users/dead-letters/discard": Row(ADMIN, NOT_FOUND, body=NO_DEAD_LETTERS),
    "POST /api/users/register": Row(ANYONE, (409,), {"email": "{email}", "password": PASSWORD, "full_name": "Again"}),
    "POST /api/users/guest": Row(ANYONE, CREATED, {"email": "guest@people.example", "full_name": "Guest"}),
    "POST /api/users/login": Row(ANYONE, (200,), {"email": "{email}", "password": PASSWORD}),
    "POST /api/users/refresh": Row(USER, anew=True),
    "POST /api/users/logout": Row(ANYONE, DONE, anew=True),
    "POST /api/users/password-reset": Row(ANYONE, ACCEPTED, {"email": "nobody@people.example"}),
    "POST /api/users/password-reset/confirm": Row(ANYONE, (422,), {**BAD_LINK, "new_password": PASSWORD}),
    "POST /api/users/verify-email": Row(ANYONE, (422,), BAD_LINK),
    "GET /api/users/.well-known/jwks.json": Row(ANYONE),
    "GET /api/users/me": Row(USER),
    "PATCH /api/users/me": Row(USER, (200,), {"full_name": "Another Name"}),
    "DELETE /api/users/me": Row(USER, DONE, anew=True),
    "GET /api/users/me/export": Row(USER),
    "POST /api/users/me/verification": Row(USER, ACCEPTED),
    "POST /api/users/me/password": Row(
        {**USER, Actor.GUEST: 401},
        DONE,
        {"current_password": PASSWORD, "new_password": "another passphrase"},
        anew=True,
        says="bad_credentials",
    ),
    "GET /api/users/me/sessions": Row(USER),
    "DELETE /api/users/me/sessions/{id}": Row(OWNER, DONE, fresh=("session",)),
    "GET /api/users": Row(ADMIN),
    "PATCH /api/users/{id}": Row(ADMIN, (200,), {"role": "staff"}, fresh=("user",)),
}
THEATERS = {
    "GET /api/theaters/staff-actions": Row(ADMIN),
    "GET /api/theaters/dead-letters": Row(ADMIN),
    "POST /api/theaters/dead-letters/replay": Row(ADMIN, NOT_FOUND, body=NO_DEAD_LETTERS),
    "POST /api/theaters/dead-letters/discard": Row(ADMIN, NOT_FOUND, body=NO_DEAD_LETTERS),
    "GET /api/theaters": Row(ANYONE),
    "POST /api/theaters": Row(MANAGER, CREATED, THEATER),
    "GET /api/theaters/{theater_id}": Row(ANYONE),
    "PATCH /api/theaters/{theater_id}": Row(MANAGER, (200,), {"name": "Renamed"}),
    "DELETE /api/theaters/{theater_id}": Row(MANAGER, DONE, fresh=("theater",)),
    "POST /api/theaters/{theater_id}/halls": Row(MANAGER, CREATED, {"name": "Two", "layout": RECIPE}),
    "POST /api/theaters/{theater_id}/halls/import": Row(MANAGER, (422,), {}, params={"format": "pretix"}),
    "GET /api/theaters/me/export": Row(USER),
    "POST /api/theaters/layouts/preview": Row(MANAGER, (200,), {"layout": RECIPE}),
    "GET /api/theaters/halls/{hall_id}": Row(ANYONE),
    "PUT /api/theaters/halls/{hall_id}/layout": Row(MANAGER, (200,), {"layout": RECIPE}, headers={"If-Match": "*"}),
    "GET /api/theaters/halls/{hall_id}/layouts/{version}": Row(ANYONE),
    "PATCH /api/theaters/halls/{hall_id}/seats/{label}": Row(MANAGER, (200,), {"out_of_service": False}),
}
CATALOG = {
    "GET /api/catalog/staff-actions": Row(ADMIN),
    "GET /api/catalog/dead-letters": Row(ADMIN),
    "POST /api/catalog/dead-letters/replay": Row(ADMIN, NOT_FOUND, body=NO_DEAD_LETTERS),
    "POST /api/catalog/dead-letters/discard": Row(ADMIN, NOT_FOUND, body=NO_DEAD_LETTERS),
    "GET /api/catalog/movies": Row(ANYONE),
    "POST /api/catalog/movies": Row(MANAGER, CREATED, FILM),
    "GET /api/catalog/movies/{movie_id}": Row(ANYONE),
    "PATCH /api/catalog/movies/{movie_id}": Row(MANAGER, (200,), {"age_rating": "12"}),
    "DELETE /api/catalog/movies/{movie_id}": Row(MANAGER, DONE, fresh=("movie",)),
    "POST /api/catalog/movies/import": Row(MANAGER, (200,), content=b"{}\n", headers=JSON_LINES),
    "GET /api/catalog/movies/{movie_id}/poster": Row(ANYONE),
    "PUT /api/catalog/movies/{movie_id}/poster": Row(
        MANAGER, (422,), content=b"no image", headers={"Content-Type": "image/png"}
    ),
    "DELETE /api/catalog/movies/{movie_id}/poster": Row(MANAGER, DONE),
    "GET /api/catalog/suggest": Row(ANYONE, params={"q": "te"}),
    "GET /api/catalog/genres": Row(ANYONE),
    "GET /api/catalog/showtimes": Row(ANYONE),
    "POST /api/catalog/showtimes": Row(
        MANAGER,
        (422,),
        {
            "movie_id": "{movie_id}",
            "hall_id": "{hall_id}",
            "starts_at": "2020-01-01T20:00:00Z",
            "format": "2d",
            "language": "en",
            "subtitles": None,
            "prices": PRICES,
            "currency": "EUR",
            "sales_close_minutes": 0,
            "single_seat_rule": True,
        },
    ),
    "GET /api/catalog/showtimes/{showtime_id}": Row(ANYONE),
    "PATCH /api/catalog/showtimes/{showtime_id}": Row(MANAGER, (200,), {"single_seat_rule": False}),
    "POST /api/catalog/showtimes/batch": Row(MANAGER, (422,), {}),
    "POST /api/catalog/showtimes/{showtime_id}/cancel": Row(
        MANAGER, ACCEPTED, {"reason": "A matrix"}, fresh=("showtime",)
    ),
    "GET /api/catalog/halls/free": Row(MANAGER, params=PERIOD),
    "GET /api/catalog/recommendations": Row(USER),
    "PUT /api/catalog/movies/{movie_id}/watchlist": Row(USER, DONE),
    "DELETE /api/catalog/movies/{movie_id}/watchlist": Row(USER, DONE),
    "PUT /api/catalog/movies/{movie_id}/rating": Row(USER, REFUSED, {"stars": 5}),
    "DELETE /api/catalog/movies/{movie_id}/rating": Row(USER, DONE),
    "GET /api/catalog/me/watchlist": Row(USER),
    "GET /api/catalog/me/ratings": Row(USER),
    "GET /api/catalog/me/export": Row(USER),
}
RESERVATIONS = {
    "GET /api/reservations/staff-actions": Row(ADMIN),
    "GET /api/reservations/dead-letters": Row(ADMIN),
    "POST /api/reservations/dead-letters/replay": Row(ADMIN, NOT_FOUND, body=NO_DEAD_LETTERS),
    "POST /api/reservations/dead-letters/discard": Row(ADMIN, NOT_FOUND, body=NO_DEAD_LETTERS),
    "POST /api/reservations/holds": Row(
        USER,
        CREATED,
        {"showtime_id": "{showtime_id}", "best_available": {"count": 1, "ticket_type": "adult"}},
        fresh=("showtime",),
    ),
    "GET /api/reservations/holds": Row(USER),
    "GET /api/reservations/holds/{booking_id}": Row(OWNER),
    "DELETE /api/reservations/holds/{booking_id}": Row(OWNER, DONE, fresh=("hold",)),
    "GET /api/reservations/showtimes/{showtime_id}/seats": Row(ANYONE),
    "GET /api/reservations/showtimes/{showtime_id}/stream": Row(ANYONE),
    "GET /api/reservations/showtimes/{showtime_id}/occupancy": Row(STAFF),
    "POST /api/reservations/showtimes/{showtime_id}/blocks": Row(MANAGER, (200,), {"seats": ["A1"]}),
    "DELETE /api/reservations/showtimes/{showtime_id}/blocks": Row(MANAGER, (200,), {"seats": ["A1"]}),
    "GET /api/reservations/me/export": Row(USER),
}
TICKETING = {
    "GET /api/ticketing/staff-actions": Row(ADMIN),
    "GET /api/ticketing/dead-letters": Row(ADMIN),
    "POST /api/ticketing/dead-letters/replay": Row(ADMIN, NOT_FOUND, body=NO_DEAD_LETTERS),
    "POST /api/ticketing/dead-letters/discard": Row(ADMIN, NOT_FOUND, body=NO_DEAD_LETTERS),
    "GET /api/ticketing/config": Row(ANYONE),
    "GET /api/ticketing/orders": Row(USER),
    "GET /api/ticketing/orders/{booking_id}": Row(OWNER_OR_STAFF),
    "GET /api/ticketing/orders/{booking_id}/tickets.pdf": Row(OWNER_OR_STAFF),
    "GET /api/ticketing/orders/{booking_id}/receipt.pdf": Row(OWNER_OR_STAFF),
    "POST /api/ticketing/orders/{booking_id}/resend": Row(OWNER_OR_STAFF),
    "POST /api/ticketing/orders/{booking_id}/pay": Row(OWNER, (200,), {"method": "card"}, fresh=("hold",)),
    "POST /api/ticketing/orders/{booking_id}/pay at the counter": Row(
        STAFF, (200,), {"method": "cash"}, fresh=("hold",)
    ),
    "POST /api/ticketing/orders/{booking_id}/promo": Row(OWNER, (422,), {"code": "NO-SUCH-CODE"}, fresh=("hold",)),
    "DELETE /api/ticketing/orders/{booking_id}/promo": Row(OWNER, fresh=("hold",)),
    "POST /api/ticketing/orders/{booking_id}/cancel": Row(OWNER, (200,), {"to": "coins"}, fresh=("order",)),
    "GET /api/ticketing/orders/{booking_id}/refund-quote": Row(OWNER_OR_STAFF),
    "POST /api/ticketing/orders/{booking_id}/refund": Row(
        MANAGER, (200,), {"amount": 100, "reason": "A matrix"}, fresh=("order",)
    ),
    "GET /api/ticketing/orders/{booking_id}/saga": Row(MANAGER),
    "POST /api/ticketing/orders/{booking_id}/saga/retry": Row(MANAGER, REFUSED),
    "GET /api/ticketing/promo-codes": Row(MANAGER),
    "POST /api/ticketing/promo-codes": Row(MANAGER, (422,), {"code": "BOTH", "percent_off": 10, "amount_off": 10}),
    "GET /api/ticketing/promo-codes/{promo_id}": Row(MANAGER),
    "PATCH /api/ticketing/promo-codes/{promo_id}": Row(MANAGER, (200,), {"max_uses": 9}),
    "GET /api/ticketing/tickets/{ticket_id}": Row(OWNER_OR_STAFF),
    "GET /api/ticketing/tickets/{ticket_id}.pdf": Row(OWNER_OR_STAFF),
    "GET /api/ticketing/tickets/{ticket_id}.svg": Row(OWNER_OR_STAFF),
    "GET /api/ticketing/tickets/{ticket_id}.ics": Row(OWNER_OR_STAFF),
    "GET /api/ticketing/wallet": Row(USER),
    "POST /api/ticketing/wallet/topup": Row(NO_GUEST, (200,), {"amount": 1000}, says="guests_have_no_wallet"),
    "POST /api/ticketing/checkins": Row(STAFF, (200,), CODE),
    "POST /api/ticketing/checkins/sync": Row(STAFF, (200,), {"scans": [SCAN]}),
    "GET /api/ticketing/checkins/keys": Row(STAFF),
    "GET /api/ticketing/reports/sales": Row(MANAGER, params={**PERIOD, "group_by": "day"}),
    "GET /api/ticketing/audit": Row(MANAGER),
    "GET /api/ticketing/ledger": Row(MANAGER),
    "GET /api/ticketing/ledger/verify": Row(MANAGER),
    "GET /api/ticketing/me/export": Row(USER),
    "POST /api/ticketing/webhooks/stripe": Row(ANYONE, (400,), {}),
}
MATRIX = {**USERS, **THEATERS, **CATALOG, **RESERVATIONS, **TICKETING}
