"""What users keeps of shows and tickets: until when a guest's data is needed."""

from sqlalchemy import func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.events import ShowtimeFacts, TicketIssued, TicketVoided
from services.users.models import GuestTicket, Showtime, User


async def keep_showtime(session: AsyncSession, event: ShowtimeFacts) -> None:
    facts = {"version": event.version, "ends_at": event.ends_at}
    new = insert(Showtime).values(id=event.showtime_id, **facts)
    older = Showtime.version < event.version
    await session.execute(new.on_conflict_do_update(index_elements=[Showtime.id], set_=facts, where=older))


async def keep_ticket(session: AsyncSession, event: TicketIssued) -> None:
    """Of guests only: whoever has an account is kept until they wish to go."""
    facts = {"ticket_id": event.ticket_id, "showtime_id": event.showtime_id, "starts_at": event.starts_at}
    columns = (User.id, *(literal(value, GuestTicket.__table__.c[name].type) for name, value in facts.items()))
    guest = select(*columns).where(User.id == event.user_id, User.is_guest, User.erased_at.is_(None))
    new = insert(GuestTicket).from_select(["user_id", *facts], guest)
    await session.execute(new.on_conflict_do_nothing())


async def void_ticket(session: AsyncSession, event: TicketVoided) -> None:
    """One that came before its ticket changes nothing: the guest is then kept for as long as if it were valid."""
    theirs = update(GuestTicket).where(GuestTicket.ticket_id == event.ticket_id)
    await session.execute(theirs.values(voided_at=func.now()))
