"""Ticket codes: what a QR code holds. Signed when asked for, so none is stored; doors verify them offline."""

from dataclasses import dataclass
from uuid import UUID

import jwt

from services.shared import keys
from services.shared.settings import Settings
from services.ticketing.models import Ticket

TYPE = "ticket+jwt"


class UnreadableCode(Exception):
    """Not a ticket code, or not one of ours."""


@dataclass(frozen=True)
class Claims:
    """What a code says. Whether it is the time for it is judged by the showtime, since that may have been moved."""

    ticket_id: UUID
    serial: int
    showtime_id: UUID
    seat: str


def key_ring(settings: Settings) -> keys.KeyRing:
    return keys.parse(settings.ticket_keys, "MARQUEE_TICKET_KEYS")


def sign(settings: Settings, ticket: Ticket) -> str:
    """A JWT (RFC 7519) under EdDSA (RFC 8037). The claims are short, since each letter makes the QR code denser."""
    claims = {
        "tid": str(ticket.id),
        "ser": ticket.serial,
        "sho": str(ticket.showtime_id),
        "seat": ticket.label,
        "exp": int(ticket.valid_until.timestamp()),
    }
    return key_ring(settings).sign(claims, TYPE)


def read(settings: Settings, code: str) -> Claims:
    """Raises UnreadableCode unless one of our keys has signed it as a ticket."""
    try:
        header = jwt.get_unverified_header(code)
        if header.get("typ") != TYPE:
            raise UnreadableCode
        key = key_ring(settings).public[header["kid"]]
        claims = jwt.decode(code, key, algorithms=[keys.ALGORITHM], options={"verify_exp": False})
        return Claims(UUID(claims["tid"]), int(claims["ser"]), UUID(claims["sho"]), str(claims["seat"]))
    except (jwt.InvalidTokenError, KeyError, TypeError, ValueError) as error:
        raise UnreadableCode from error
