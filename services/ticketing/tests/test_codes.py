import base64
import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.shared import keys
from services.shared.ids import new_id
from services.shared.settings import Settings
from services.ticketing import codes
from services.ticketing.models import Ticket

OLD, NEW = (keys.encode(bytes([number]) * 32) for number in (1, 2))


def settings(ticket_keys: str = OLD) -> Settings:
    return Settings(database_url="postgresql://nobody@nowhere/nothing", ticket_keys=ticket_keys)


@pytest.fixture
def ticket() -> Ticket:
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
    return Ticket(id=new_id(), serial=3, showtime_id=new_id(), label="F7", valid_until=ends)


def test_a_code_says_which_ticket_it_is_and_until_when(ticket: Ticket) -> None:
    code = codes.sign(settings(), ticket)
    assert codes.read(settings(), code) == codes.Claims(ticket.id, 3, ticket.showtime_id, "F7")
    public = keys.parse(OLD, "").public
    header = jwt.get_unverified_header(code)
    assert (header["alg"], header["typ"]) == ("EdDSA", "ticket+jwt")
    claims = jwt.decode(code, public[header["kid"]], algorithms=["EdDSA"])
    assert claims["exp"] == ticket.valid_until.timestamp()


def test_the_same_ticket_always_has_the_same_code(ticket: Ticket) -> None:
    assert codes.sign(settings(), ticket) == codes.sign(settings(), ticket)


def test_an_old_key_still_verifies_after_a_new_one_signs(ticket: Ticket) -> None:
    code = codes.sign(settings(OLD), ticket)
    rotated = settings(f"{NEW},{OLD}")
    assert codes.read(rotated, code).ticket_id == ticket.id
    assert codes.sign(rotated, ticket) != code
    with pytest.raises(codes.UnreadableCode):
        codes.read(settings(NEW), code)


def test_an_expired_code_is_still_read_since_the_showtime_judges_the_time(ticket: Ticket) -> None:
    ticket.valid_until = datetime(2020, 1, 1, tzinfo=UTC)
    assert codes.read(settings(), codes.sign(settings(), ticket)).ticket_id == ticket.id


def forged(ticket: Ticket, **header: str) -> str:
    """Right in everything, but signed by somebody else with our key's id."""
    kid = next(iter(keys.parse(OLD, "").private))
    claims = {"tid": str(ticket.id), "ser": 3, "sho": str(ticket.showtime_id), "seat": "F7", "exp": 2_000_000_000}
    stranger = Ed25519PrivateKey.generate()
    return jwt.encode(claims, stranger, "EdDSA", headers={"kid": kid, "typ": "ticket+jwt"} | header)


def unsigned(ticket: Ticket) -> str:
    kid = next(iter(keys.parse(OLD, "").private))
    parts = [{"alg": "none", "typ": "ticket+jwt", "kid": kid}, {"tid": str(ticket.id), "ser": 3}]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


def test_what_we_have_not_signed_as_a_ticket_is_unreadable(ticket: Ticket) -> None:
    ring = keys.parse(OLD, "")
    good = {"tid": str(ticket.id), "ser": 3, "sho": str(ticket.showtime_id), "seat": "F7"}
    wrong = [
        *("", "x", "a.b.c", "\u2028", "🎟"),
        forged(ticket),
        forged(ticket, kid="unknown"),
        unsigned(ticket),
        codes.sign(settings(), ticket)[:-4],
        ring.sign(good, "at+jwt"),
        ring.sign(good | {"tid": "7"}, codes.TYPE),
        ring.sign(good | {"ser": None}, codes.TYPE),
        ring.sign({}, codes.TYPE),
    ]
    for code in wrong:
        with pytest.raises(codes.UnreadableCode):
            codes.read(settings(), code)
