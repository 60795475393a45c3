"""JSON about tickets and doors."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from services.shared.schemas import Input, View
from services.ticketing.commands.checkins import Presented
from services.ticketing.models import Money, ScanResult, Seat, TicketStatus, Use

Code = Annotated[str, Field(min_length=1, max_length=2000, description="What the ticket's QR code holds.")]
Gate = Annotated[str, Field(min_length=1, max_length=80, examples=["north"])]
ScanId = Annotated[
    str, Field(min_length=1, max_length=100, description="The door's own; the same one gets the same answer again.")
]


class TicketView(View):
    id: UUID
    booking_id: UUID
    showtime_id: UUID
    seat: Seat
    ticket_type: str = Field(examples=["adult"])
    price: Money
    status: TicketStatus
    is_frozen: bool = Field(description="It opens no door while its payment is disputed at the bank.")
    holder_name: str
    code: str = Field(description="What the QR code holds: a JWT signed with EdDSA that verifies offline.")
    issued_at: datetime
    used_at: datetime | None


class CheckIn(Input):
    """`showtime_id` is the door's own showtime; without it the door takes tickets of any."""

    code: Code
    gate: Gate
    showtime_id: UUID | None = None
    scan_id: ScanId | None = None

    def presented(self) -> Presented:
        return Presented(self.code, self.gate, datetime.now(UTC), self.showtime_id, self.scan_id)


class OfflineScan(Input):
    """A time in the future is a wrong clock and taken as now."""

    code: Code
    gate: Gate
    scanned_at: AwareDatetime
    scan_id: ScanId
    showtime_id: UUID | None = None

    def presented(self) -> Presented:
        at = min(self.scanned_at, datetime.now(UTC))
        return Presented(self.code, self.gate, at, self.showtime_id, self.scan_id, offline=True)


class OfflineScans(Input):
    scans: list[OfflineScan] = Field(min_length=1, max_length=200)

    def presented(self) -> list[Presented]:
        return [scan.presented() for scan in self.scans]


class ScannedTicket(View):
    id: UUID
    booking_id: UUID
    showtime_id: UUID
    seat: Seat
    ticket_type: str
    holder_name: str
    status: TicketStatus
    is_frozen: bool


class CheckInView(View):
    """`first_used` says when and where, if the ticket was used before."""

    scan_id: str | None
    result: ScanResult
    ticket: ScannedTicket | None
    first_used: Use | None


class MergedView(View):
    """`doubles` are the scans that let somebody in with a ticket that had been used elsewhere before."""

    results: list[CheckInView]
    doubles: list[CheckInView]


class PublicKey(View):
    """RFC 7517, RFC 8037."""

    kty: str
    crv: str
    x: str
    kid: str
    use: str
    alg: str


class VoidTicket(View):
    id: UUID
    showtime_id: UUID


class DoorKeysView(View):
    keys: list[PublicKey]
    void: list[VoidTicket] = Field(description="Of showtimes from a day ago to a day ahead.")
