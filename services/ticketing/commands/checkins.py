"""Admission at the doors: each ticket opens one once, however many copies of its code there are."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.db import Sessions, settings_of
from services.shared.events import TicketScanned
from services.shared.ids import new_id
from services.shared.messaging import publish
from services.ticketing import codes
from services.ticketing.models import Scan, ScanResult, Showtime, ShowtimeStatus, Ticket, TicketStatus
from services.ticketing.queries.tickets import showtime_of

# People come late, and some look for their seat until the very end.
DOORS_CLOSE = timedelta(minutes=30)

RESULTS = {
    TicketStatus.VALID: ScanResult.ADMITTED,
    TicketStatus.USED: ScanResult.ALREADY_USED,
    TicketStatus.VOID: ScanResult.VOID,
}


@dataclass(frozen=True)
class Presented:
    """A code shown at a gate. `showtime_id` is the door's own showtime, None where one door serves all."""

    code: str
    gate: str
    scanned_at: datetime
    showtime_id: UUID | None = None
    scan_id: str | None = None
    offline: bool = False

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.code.encode()).digest()


@dataclass(frozen=True)
class Merged:
    """Offline scans after they were judged; `doubles` are those whose ticket had been used before."""

    results: list[Scan]
    doubles: list[Scan]


async def check_in(session: AsyncSession, staff_id: UUID, shown: Presented) -> Scan:
    """Judge a code, once for each `scan_id`: asked again about the same code, it answers the same."""
    scan = await open_scan(session, staff_id, shown)
    if scan is None:
        return await earlier_scan(session, shown)
    ticket = await find(session, shown.code)
    if ticket is not None:
        scan.result = await judge(session, ticket, scan, shown.showtime_id)
    scan.ticket = ticket
    if ticket is not None and scan.result == ScanResult.ALREADY_USED:
        scan.first_used_at, scan.first_used_gate = ticket.used_at, ticket.used_gate
    await session.flush()
    return scan


async def merge(transactions: Sessions, staff_id: UUID, scans: list[Presented]) -> Merged:
    """Judge what a door has scanned offline, oldest first, each by itself, so that half an upload is no harm."""
    results = []
    for shown in sorted(scans, key=lambda shown: shown.scanned_at):
        async with transactions.begin() as session:
            results.append(await check_in(session, staff_id, shown))
    return Merged(results, [scan for scan in results if scan.result == ScanResult.ALREADY_USED])


async def open_scan(session: AsyncSession, staff_id: UUID, shown: Presented) -> Scan | None:
    """A scan whose result is still unknown; None if there is one with this `scan_id`, waiting for it to be judged."""
    new = insert(Scan).values(
        id=new_id(),
        scan_id=shown.scan_id,
        digest=shown.digest,
        gate=shown.gate,
        scanned_by=staff_id,
        scanned_at=shown.scanned_at,
        offline=shown.offline,
        result=ScanResult.UNKNOWN,
    )
    return await session.scalar(new.on_conflict_do_nothing(index_elements=[Scan.scan_id, Scan.digest]).returning(Scan))


async def earlier_scan(session: AsyncSession, shown: Presented) -> Scan:
    same = select(Scan).where(Scan.scan_id == shown.scan_id, Scan.digest == shown.digest)
    scan = (await session.scalars(same)).one()
    scan.ticket = await session.get(Ticket, scan.ticket_id) if scan.ticket_id else None
    return scan


async def find(session: AsyncSession, code: str) -> Ticket | None:
    """The ticket of a code; None if we have not signed it, or if the ticket was reissued since."""
    try:
        claims = codes.read(settings_of(session), code)
    except codes.UnreadableCode:
        return None
    return await session.scalar(select(Ticket).where(Ticket.id == claims.ticket_id, Ticket.serial == claims.serial))


async def judge(session: AsyncSession, ticket: Ticket, scan: Scan, showtime_id: UUID | None) -> ScanResult:
    if showtime_id not in (None, ticket.showtime_id):
        return ScanResult.WRONG_SHOWTIME
    if standing(ticket) is not ScanResult.ADMITTED:
        return standing(ticket)
    showtime = await showtime_of(session, ticket)
    if showtime.status == ShowtimeStatus.CANCELLED:
        return ScanResult.VOID
    return timing(showtime, scan.scanned_at, settings_of(session).doors_minutes) or await admit(session, ticket, scan)


def standing(ticket: Ticket) -> ScanResult:
    """What a ticket is good for, whatever the time."""
    return ScanResult.VOID if ticket.is_frozen else RESULTS[ticket.status]


def timing(showtime: Showtime, at: datetime, doors_minutes: float) -> ScanResult | None:
    """None while the doors are open; they move with the showtime."""
    if at < showtime.starts_at - timedelta(minutes=doors_minutes):
        return ScanResult.TOO_EARLY
    return ScanResult.TOO_LATE if at > showtime.ends_at + DOORS_CLOSE else None


async def admit(session: AsyncSession, ticket: Ticket, scan: Scan) -> ScanResult:
    """The one statement that lets somebody in. Whoever loses the race learns what the winner did."""
    good = (Ticket.status == TicketStatus.VALID, Ticket.used_at.is_(None), Ticket.frozen_at.is_(None))
    unused = update(Ticket).where(Ticket.id == ticket.id, *good)
    use = unused.values(status=TicketStatus.USED, used_at=scan.scanned_at, used_gate=scan.gate).returning(Ticket.id)
    admitted = await session.scalar(use) is not None
    await session.refresh(ticket)
    if not admitted:
        return standing(ticket)
    publish(session, scanned(ticket, scan))
    return ScanResult.ADMITTED


def scanned(ticket: Ticket, scan: Scan) -> TicketScanned:
    return TicketScanned(
        booking_id=ticket.booking_id,
        ticket_id=ticket.id,
        showtime_id=ticket.showtime_id,
        seat_no=ticket.seat_no,
        seat=ticket.label,
        gate=scan.gate,
        scanned_at=scan.scanned_at,
    )
